"""How cube processes call their callbacks, and what becomes of what these give back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drylands_openeo.engine.graph import Node
from drylands_openeo.engine.plan import Callback
from drylands_openeo.engine.processes.elementwise import is_block
from drylands_openeo.engine.processes.labels import instants
from drylands_openeo.engine.processes.sequences import array, elements
from drylands_openeo.engine.processes.udf import run_on_cube
from drylands_openeo.engine.values import Block, Cube, Stack
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError


def udf_of(callback: Callback) -> Node | None:
    """The run_udf node that a callback consists of, else None."""
    node = callback.only
    return node if node is not None and node.process_id == "run_udf" else None


def run_udf_on(callback: Callback, cube: Cube, context: Any, *, parameter: str, along: str, place: Place) -> Cube:
    """The cube put through a callback that is one run_udf node, which reads it from ``parameter``.

    Its CRS stays, and so do labels of periods, which a UDF sees as dates, where it gave those dates back.
    """
    result = run_on_cube(_Named(callback, parameter), cube, context, along=along, place=place)
    kept = {name: found for name, found in cube.coords.items() if not found.dims and name not in result.coords}
    if _same_dates(cube, result):
        kept["t"] = cube.coords["t"]
    return result.assign_coords(kept)


def _same_dates(cube: Cube, result: Cube) -> bool:
    if "t" not in cube.coords or "t" not in result.coords:
        return False
    return np.array_equal(result.coords["t"].values, instants(cube, "t"))


@dataclass(frozen=True)
class _Named:
    """A callback whose data goes by another name."""

    callback: Callback
    parameter: str

    @property
    def node(self) -> str:
        """The node that calls."""
        return self.callback.node

    def __call__(self, *, data: Any, context: Any) -> Any:
        """The result of the callback for one piece of a cube."""
        return self.callback(**{self.parameter: data}, context=context)


def as_block(value: Any, shape: Sequence[int], like: Block) -> Block:
    """What a callback gives back for pixels, as a block of their shape; null is NaN, numbers are spread.

    Numbers that do not depend on the pixels take the pixels' float type.
    """
    if isinstance(value, Stack | list | tuple | dict | str):
        raise GraphError(f"the callback must give a single value, not {_what(value)}", code="ArgumentInvalid")
    block = value if is_block(value) else _spread(value, like)
    return np.broadcast_to(block, tuple(shape)) if block.shape != tuple(shape) else block


def as_stack(value: Any, shape: Sequence[int], like: Block) -> Block:
    """What a callback gives back for an array over pixels, as (n, *shape)."""
    if is_block(value) or np.isscalar(value) or value is None:
        return as_block(value, shape, like)[np.newaxis]
    given = array(value)
    if isinstance(given, Stack):
        return np.broadcast_to(given.values, (len(given), *shape))
    blocks = [as_block(element, shape, like) for element in elements(given)]
    if not blocks:
        raise GraphError("the callback gives an empty array; at least one element is needed", code="ArgumentInvalid")
    return np.stack(blocks)


def float_type(like: Block) -> np.dtype[Any]:
    """The float type that goes with pixels: their own, or float32."""
    return like.dtype if like.dtype.kind == "f" else np.dtype(np.float32)


def _spread(value: Any, like: Block) -> Block:
    if isinstance(value, bool):
        return np.asarray(value)
    return np.asarray(np.nan if value is None else value, dtype=float_type(like))


def _what(value: Any) -> str:
    return f"an array of {len(value)}" if isinstance(value, Stack) else repr(value)
