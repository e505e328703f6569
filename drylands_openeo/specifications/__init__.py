"""The official specifications of openEO processes, carried with the package (see NOTICE.md beside this file)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["SOURCE", "specification", "specifications"]

SOURCE = "https://github.com/Open-EO/openeo-processes"


@cache
def specifications() -> Mapping[str, Mapping[str, Any]]:
    """Process id -> id, summary, description, categories, parameters (with their schemas), returns, exceptions.

    >>> [parameter["name"] for parameter in specifications()["ndvi"]["parameters"]]
    ['data', 'nir', 'red', 'target_band']
    """
    texts = json.loads((files(__name__) / "processes.json").read_text("utf-8"))
    return {text["id"]: text for text in texts}


def specification(process_id: str) -> Mapping[str, Any] | None:
    """The specification of one process; None where openEO specifies none.

    >>> specification("ndwi2") is None
    True
    """
    return specifications().get(process_id)
