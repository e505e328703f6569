"""User-defined functions, run as a back-end runs them: float32, dims (t, bands, y, x), chunks of 256 x 256 pixels.

Whose code runs is the caller's decision: the project's own kernels are known by the fingerprint of their text; any
other text is refused until it is trusted by its fingerprint or altogether (:class:`Environment`).
"""

import traceback
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from openeo.udf import OpenEoUdfException, UdfData, XarrayDataCube
from openeo.udf.run_code import run_udf_code

from drylands_openeo.engine.environment import Environment
from drylands_openeo.engine.processes.labels import instants
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import UdfError
from drylands_openeo.kernel import fingerprint, own_kernels

CHUNK = 256
"""Edge of the chunks that a back-end hands to a UDF [pixels]."""

ORDER = ("t", "bands", "y", "x")


@process
def run_udf(
    data: Any,
    udf: str,
    runtime: str,
    version: str | None = None,
    context: Any = None,
    *,
    environment: Environment,
) -> Cube:
    """The text ``udf`` applied to one cube, as it is: no chunks."""
    if runtime.lower() not in {"python", "python-jep", "python3"}:
        raise UdfError(f"UDF runtime {runtime!r} is not offered; there is Python", code="InvalidRuntime")
    if not isinstance(data, Cube):
        raise UdfError(f"run_udf needs a data cube; it was given {type(data).__name__}")
    check_trusted(udf, environment)
    return _run(udf, _as_on_a_back_end(data), dict(context or {}))


def run_on_cube(callback: Any, cube: Cube, context: Any, *, along: str | None, place: Place) -> Cube:
    """A callback that is a single ``run_udf``, applied chunk by chunk.

    ``along``: the dimension that the parent process works along. Along "t", or in a neighbourhood (None), the UDF
    sees (t, bands, y, x); else it sees (bands, y, x), one date after the other, with the date in ``attrs["t"]``.
    """
    cube = _as_on_a_back_end(cube)
    if along not in ("t", None) and "t" in cube.dims:
        dates = [run_on_cube(callback, _at(cube, i), context, along="t", place=place) for i in range(cube.sizes["t"])]
        return xr.concat(dates, dim=cube.coords["t"])
    result: Cube | None = None
    for rows, columns in _chunks(cube, place):
        piece = callback(data=cube.isel(y=rows, x=columns), context=context)
        result = _frame_of(piece, cube) if result is None else result
        result.values[..., rows, columns] = _checked(piece, result, callback.node)
    if result is None:
        raise UdfError("the cube has no pixels", node=callback.node)
    return result


def check_trusted(text: str, environment: Environment) -> None:
    """Raise :class:`UdfError` for a text that is neither the project's own nor trusted by the caller."""
    mark = fingerprint(text)
    if environment.trust_any or mark in environment.trusted or mark in own_kernels():
        return
    raise UdfError(
        f"this UDF is not one of the project's own kernels, so it is not run (SHA-256 {mark}); "
        "read it, and if you trust it allow it by name",
        code="UdfNotTrusted",
    )


def _run(text: str, cube: Cube, context: Mapping[str, Any]) -> Cube:
    udf_data = UdfData(datacube_list=[XarrayDataCube(cube)], user_context=dict(context))
    try:
        result = run_udf_code(text, udf_data)
    except OpenEoUdfException as error:
        raise UdfError(
            f"{error} A UDF is found by 'def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray'"
        ) from None
    except Exception as error:
        raise UdfError(f"the UDF raised {_where(text, error)}", code="UdfFailed") from error
    cubes = result.get_datacube_list()
    if not cubes:
        raise UdfError("the UDF returned no cube")
    array: Cube = cubes[0].get_array()
    return array


def _where(text: str, error: Exception) -> str:
    """Class and message of the error, with the line of the UDF that it came from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<string>"]
    said = f"{type(error).__name__}: {error}"
    if not frames:
        return said
    number = frames[-1].lineno or 0
    lines = text.splitlines()
    source = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    return f"{said} (line {number}: {source})"


def _as_on_a_back_end(cube: Cube) -> Cube:
    unknown = [str(dim) for dim in cube.dims if dim not in ORDER]
    missing = [dim for dim in ("bands", "y", "x") if dim not in cube.dims]
    if unknown or missing:
        raise UdfError(
            f"a UDF sees a cube (t, bands, y, x) or (bands, y, x); this one is ({', '.join(map(str, cube.dims))}); "
            "add_dimension adds a missing 'bands'"
        )
    bare = cube.transpose(*(dim for dim in ORDER if dim in cube.dims))
    if others := [name for name in bare.coords if name not in ORDER]:
        bare = bare.drop_vars(others)
    if "t" in bare.coords and bare.coords["t"].dtype.kind != "M":
        bare = bare.assign_coords(t=instants(bare, "t"))
    return bare.astype(np.float32, copy=False)


def _at(cube: Cube, index: int) -> Cube:
    one = cube.isel(t=index, drop=True)
    return one.assign_attrs(t=cube.coords["t"].values[index])


def _chunks(cube: Cube, place: Place) -> Iterator[tuple[slice, slice]]:
    """Chunks counted from the origin of the grid, so that a tile boundary is a chunk boundary."""
    row, column = place.offset(cube)
    for rows in _cuts(row, cube.sizes["y"]):
        for columns in _cuts(column, cube.sizes["x"]):
            yield rows, columns


def _cuts(offset: int, length: int) -> list[slice]:
    first = CHUNK - offset % CHUNK
    edges = [0, *range(first, length, CHUNK), length]
    return [slice(start, stop) for start, stop in pairwise(edges) if stop > start]


def _frame_of(piece: Cube, cube: Cube) -> Cube:
    """An empty cube of the whole tile with the labels of a UDF's result."""
    leading = [dim for dim in ORDER if dim in piece.dims and dim not in ("y", "x")]
    shape = (*(piece.sizes[dim] for dim in leading), cube.sizes["y"], cube.sizes["x"])
    coords = {dim: piece.coords[dim].values for dim in leading if dim in piece.coords}
    coords |= {dim: cube.coords[dim] for dim in ("y", "x") if dim in cube.coords}
    return Cube(np.empty(shape, np.float32), dims=(*leading, "y", "x"), coords=coords)


def _checked(piece: Cube, result: Cube, node: str) -> np.ndarray[Any, Any]:
    if set(piece.dims) != set(result.dims):
        raise UdfError(f"the UDF returned dims {piece.dims}; expected {result.dims} in any order", node=node)
    return piece.transpose(*result.dims).values
