"""What goes wrong, as openEO tells it: a code of the specification, a message, an HTTP status."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from drylands_openeo.errors import DrylandsError, GraphError, NoItemsError, SourceError, UnknownCollectionError

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "AuthenticationRequired": 401,
        "AuthenticationSchemeInvalid": 403,
        "CollectionNotFound": 404,
        "ContentTooLarge": 413,
        "CredentialsInvalid": 403,
        "FeatureUnsupported": 501,
        "InfrastructureBusy": 503,
        "InfrastructureMaintenance": 503,
        "Internal": 500,
        "JobNotFound": 404,
        "NotFound": 404,
        "ProcessGraphNotFound": 404,
        "RequestTimeout": 408,
        "ResultLinkExpired": 410,
        "SourceUnavailable": 502,
        "TokenInvalid": 403,
        "UdfNotTrusted": 403,
    }
)
"""Codes whose status is not 400: https://api.openeo.org/errors.json; ContentTooLarge, SourceUnavailable and
UdfNotTrusted are this server's own."""


@dataclass
class ApiError(Exception):
    """An error as the user sees it; ``status`` where it differs from the code's own."""

    code: str
    message: str
    status: int | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __str__(self) -> str:
        return self.message

    @property
    def http(self) -> int:
        """The HTTP status."""
        return self.status or STATUS.get(self.code, 400)

    @property
    def json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"id": self.id, "code": self.code, "message": self.message, "links": []}


def failure_of(error: Exception) -> ApiError:
    """Any error as a failure; one that is not the user's is named by its class.

    >>> failure_of(GraphError("no process 'ndwi2'", node="index1", code="ProcessUnsupported")).json["code"]
    'ProcessUnsupported'
    """
    match error:
        case ApiError():
            return error
        case GraphError():
            return ApiError(error.code or "ProcessGraphInvalid", str(error))
        case UnknownCollectionError():
            return ApiError("CollectionNotFound", str(error))
        case NoItemsError():
            return ApiError("NoDataAvailable", str(error))
        case SourceError():
            return ApiError("SourceUnavailable", str(error))
        case DrylandsError():
            return ApiError("ProcessParameterInvalid", str(error))
        case MemoryError():
            return ApiError("Internal", "there was not enough memory")
    return ApiError("Internal", f"{type(error).__name__}: {error}")
