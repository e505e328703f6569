"""save_result: what the caller writes is the node's data, in the node's format."""

from collections.abc import Mapping
from typing import Any

from drylands_openeo.engine.registry import process


@process
def save_result(data: Any, format: str, options: Mapping[str, Any] | None = None) -> Any:
    """The data, as they are; whoever runs the graph reads the format from the node and writes the files."""
    return data
