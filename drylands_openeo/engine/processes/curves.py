"""fit_curve and predict_curve, for functions that are linear in their parameters (harmonics, polynomials).

The function is called once for each parameter set to 1 and the others to 0; that gives the design matrix. Whether it
really is linear is checked by a further call. The fit is then that of the normal equations, for all pixels at once,
which for such functions is what a non-linear search would end at.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.instants import numpy_instant, require_instant
from drylands_openeo.engine.processes.labels import instants, kind, labelled, require
from drylands_openeo.engine.processes.sequences import floating
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

PARAMETERS = "param"
"""The dimension that holds the parameters, labelled 0, 1, ..."""

CONDITION = 1e12
"""Normal equations worse than this determine nothing."""


@process
def fit_curve(data: Cube, parameters: Any, function: Any, dimension: str, ignore_nodata: bool = True) -> Cube:
    """The parameters of least squares, on the dimension ``param`` in the place of ``dimension``.

    The independent variable is the label: a number, or for dates the seconds since 1970-01-01T00:00:00Z. Pixels
    whose values do not determine the parameters are no data, and without ``ignore_nodata`` those with a gap.
    """
    design = _design(function, _positions(data, require(data, dimension)), len(list(parameters)))
    values = np.moveaxis(floating(data.values), data.get_axis_num(dimension), 0)
    fitted = _least_squares(values.reshape(len(values), -1), design)
    if not ignore_nodata:
        fitted[:, np.isnan(values).any(axis=0).ravel()] = np.nan
    return _along(data, dimension, PARAMETERS, fitted.reshape(-1, *values.shape[1:]).astype(values.dtype))


@process
def predict_curve(parameters: Cube, function: Any, dimension: str, labels: Any) -> Cube:
    """The function's values at the labels, on ``dimension`` in the place of ``param``."""
    wanted = list(labels)
    dates = all(isinstance(label, str) for label in wanted)
    positions = _seconds([numpy_instant(require_instant(label)) for label in wanted]) if dates else wanted
    count = parameters.sizes[require(parameters, PARAMETERS)]
    fitted = np.moveaxis(floating(parameters.values), parameters.get_axis_num(PARAMETERS), 0)
    design = _design(function, np.asarray(positions, dtype=float), count)
    values = np.tensordot(design, fitted.astype(np.float64), axes=1).astype(fitted.dtype)
    predicted = _along(parameters, PARAMETERS, dimension, values)
    return labelled(predicted, dimension, wanted, like="temporal" if dates else "other")


def _design(function: Any, positions: Block, count: int) -> Block:
    """(n, parameters): the function at every position with one parameter 1 and the others 0."""
    columns = [_called(function, positions, [float(at == unit) for at in range(count)]) for unit in range(count)]
    design = np.stack(columns, axis=1)
    probe = [1.5 + at for at in range(count)]
    if not np.allclose(_called(function, positions, probe), design @ probe, rtol=1e-6, atol=1e-9 * abs(design).max()):
        raise GraphError(
            "the function is not linear in its parameters; this engine fits linear ones (harmonics, polynomials)",
            code="FunctionNotLinear",
        )
    return design


def _called(function: Any, positions: Block, parameters: Sequence[float]) -> Block:
    value = function(x=positions, parameters=list(parameters))
    return np.broadcast_to(np.asarray(value, dtype=float), positions.shape)


def _least_squares(values: Block, design: Block) -> Block:
    """(parameters, pixels) from values (n, pixels) with gaps."""
    known = (values == values).astype(np.float64)
    filled = np.where(known, values, 0).astype(np.float64)
    scale = np.abs(design).max(axis=0)
    scaled = design / np.where(scale > 0, scale, 1)
    count = design.shape[1]
    products = (scaled[:, :, np.newaxis] * scaled[:, np.newaxis, :]).reshape(len(design), -1)
    normal = (known.T @ products).reshape(-1, count, count)
    right = filled.T @ scaled
    solvable = np.linalg.cond(normal) < CONDITION
    fitted: Block = np.full(right.shape, np.nan)
    if solvable.any():
        fitted[solvable] = np.linalg.solve(normal[solvable], right[solvable][..., np.newaxis])[..., 0]
    return (fitted / np.where(scale > 0, scale, 1)).T


def _positions(data: Cube, dimension: str) -> Block:
    if kind(data, dimension) == "temporal":
        return _seconds(instants(data, dimension))
    labels = data.coords[dimension].values if dimension in data.coords else np.arange(data.sizes[dimension])
    if labels.dtype.kind not in "fiu":
        raise GraphError(f"the labels of {dimension!r} are neither numbers nor dates", code="DimensionMismatch")
    return labels.astype(float)


def _seconds(moments: Any) -> Block:
    return np.asarray(moments, dtype="datetime64[ns]").astype(np.int64) / 1e9


def _along(data: Cube, dimension: str, target: str, values: Block) -> Cube:
    """The values (n, ...) on ``target`` in the place of ``dimension``."""
    axis = data.get_axis_num(dimension)
    dims = [target if name == dimension else name for name in data.dims]
    coords = {key: found for key, found in data.coords.items() if dimension not in found.dims}
    cube = Cube(np.moveaxis(values, 0, axis), dims=dims, coords=coords, attrs=data.attrs)
    return labelled(cube, target, np.arange(len(values)), like="other")
