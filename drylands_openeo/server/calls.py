"""One request and its answer, free of the web framework, so that a handler is a plain function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from drylands_openeo.server.backend import Backend

Answer = Response
Access = Literal["public", "user", "link"]
"""Who may ask: everyone; who is logged in; who is logged in or has a signed link."""


@dataclass(frozen=True)
class Call:
    """A request: names in its path, its query, its JSON body, and the address by which the server was reached."""

    backend: "Backend"
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    root: str

    def link(self, path: str) -> str:
        """The address of a path of this server."""
        return f"{self.root}{path}"


@dataclass(frozen=True)
class Endpoint:
    """A method on a path, who may use it, and what answers; ``listed`` in the capabilities."""

    method: str
    path: str
    handler: Callable[[Call], Answer]
    access: Access = "user"
    listed: bool = field(default=True)


def answer(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """JSON."""
    return JSONResponse(content, status_code=status, headers=None if headers is None else dict(headers))


def empty(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """No content."""
    return Response(status_code=status, headers=None if headers is None else dict(headers))
