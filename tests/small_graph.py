"""A few openEO processes on xarray, read off the specification: just enough to see what a product's graph computes.

It shares no code with the package, so that agreement means something. Cubes have dims by name; null is NaN.
"""

from functools import partial, reduce

import numpy as np
import xarray as xr
from scipy import ndimage


def run(graph, cubes, parameters=None, udf=None):
    """The result of a flat graph; ``cubes``: bands -> DataArray (t, bands, y, x), ``udf``: text -> apply_datacube."""
    scope = {"cubes": cubes, "udf": udf, "parameters": parameters or {}, "done": {}}
    result = next(key for key, node in graph.items() if node.get("result"))
    return _node(graph, result, scope)


def _node(graph, key, scope):
    if key not in scope["done"]:
        node = graph[key]
        arguments = {name: _value(graph, value, scope) for name, value in node["arguments"].items()}
        scope["done"][key] = PROCESSES[node["process_id"]](scope, **arguments)
    return scope["done"][key]


def _value(graph, value, scope):
    if isinstance(value, dict):
        if "from_node" in value:
            return _node(graph, value["from_node"], scope)
        if "from_parameter" in value:
            return scope["parameters"][value["from_parameter"]]
        if "process_graph" in value:
            return value["process_graph"]
        return {key: _value(graph, item, scope) for key, item in value.items()}
    return [_value(graph, item, scope) for item in value] if isinstance(value, list) else value


def _callback(graph, scope, **parameters):
    return run(graph, scope["cubes"], {**scope["parameters"], **parameters}, scope["udf"])


def load_collection(scope, spatial_extent, temporal_extent, bands, id=None, url=None):
    cubes = scope["cubes"]
    if tuple(bands) in cubes:
        return cubes[tuple(bands)]
    return next(cube.sel(bands=bands) for cube in cubes.values() if set(bands) <= set(cube.bands.values))


def array_element(scope, data, label=None, index=None):
    if isinstance(data, list):
        return data[index]
    if index is not None:
        return data.cube.isel({data.dimension: index}, drop=True)
    return data.cube.sel({data.dimension: label}, drop=True)


def reduce_dimension(scope, data, reducer, dimension):
    if [node["process_id"] for node in reducer.values()] == ["run_udf"]:
        return _callback(reducer, scope, data=data)
    return _callback(reducer, scope, data=Labelled(data, dimension))


def apply_dimension(scope, data, process, dimension):
    if [node["process_id"] for node in process.values()] == ["run_udf"]:
        return _callback(process, scope, data=data)
    made = _callback(process, scope, data=Labelled(data, dimension))
    labels = data[dimension].values if len(made) == data.sizes[dimension] else range(len(made))
    return xr.concat(made, dimension).assign_coords({dimension: labels}).transpose(*data.dims)


class Labelled:
    """The values of a cube along one dimension, as a callback sees them."""

    def __init__(self, cube, dimension):
        self.cube, self.dimension = cube, dimension


def apply_kernel(scope, data, kernel, factor, border, replace_invalid):
    assert (border, replace_invalid) == (0, 0)
    weights = np.asarray(kernel, float)[::-1, ::-1]
    convolve = partial(ndimage.convolve, weights=weights, mode="constant", cval=0.0)
    return xr.apply_ufunc(
        convolve, data.fillna(0.0) * 1.0, input_core_dims=[["y", "x"]], output_core_dims=[["y", "x"]], vectorize=True
    )


def resample_cube_spatial(scope, data, target, method):
    assert method in ("near", "bilinear")
    return data.reindex(x=target.x, y=target.y, method="nearest")


def resample_spatial(scope, data, resolution, method):
    assert method == "average"
    step = round(resolution / abs(float(data.x[1] - data.x[0])))
    return data.coarsen(x=step, y=step).mean()


def apply_neighborhood(scope, data, process, size, overlap):
    return _callback(process, scope, data=data)


def aggregate_temporal_period(scope, data, period, reducer, dimension):
    labels = data[dimension].dt.strftime({"month": "%Y-%m", "year": "%Y"}[period])
    groups = [_callback(reducer, scope, data=Labelled(part, dimension)) for _, part in data.groupby(labels)]
    return xr.concat(groups, dimension).assign_coords({dimension: sorted(set(labels.values))}).transpose(*data.dims)


def aggregate_temporal(scope, data, intervals, reducer, dimension):
    days = data[dimension].values
    chosen = [(days >= np.datetime64(start)) & (days < np.datetime64(end)) for start, end in intervals]
    parts = [_callback(reducer, scope, data=Labelled(data.isel({dimension: inside}), dimension)) for inside in chosen]
    return xr.concat(parts, dimension).assign_coords({dimension: [start for start, _ in intervals]})


def merge_cubes(scope, cube1, cube2, overlap_resolver=None):
    if overlap_resolver:
        return _callback(overlap_resolver, scope, x=cube1, y=cube2)
    return xr.concat([cube1, cube2], "bands", join="outer")


def compare(operation, scope, x, y):
    found = operation(x, y)
    return xr.where(np.isnan(x), np.nan, found)


def if_(scope, value, accept, reject):
    if isinstance(value, bool | np.bool_):
        return accept if value else reject
    return xr.where(value == 1, accept, reject)


def first(data):
    layers = [data.cube.isel({data.dimension: number}, drop=True) for number in range(data.cube.sizes[data.dimension])]
    return reduce(lambda found, layer: found.fillna(layer), layers)


def rename_labels(scope, data, dimension, target, source=None):
    assert source is None or [*data[dimension].values] == source
    assert data.sizes[dimension] == len(target)
    return data.assign_coords({dimension: target})


PROCESSES = {
    "load_collection": load_collection,
    "load_stac": load_collection,
    "resample_spatial": resample_spatial,
    "apply_neighborhood": apply_neighborhood,
    "aggregate_temporal_period": aggregate_temporal_period,
    "reduce_dimension": reduce_dimension,
    "apply_dimension": apply_dimension,
    "apply_kernel": apply_kernel,
    "resample_cube_spatial": resample_cube_spatial,
    "rename_labels": rename_labels,
    "apply": lambda scope, data, process: _callback(process, scope, x=data),
    "mask": lambda scope, data, mask: data.where(mask == 0),
    "add_dimension": lambda scope, data, name, label, type: data.expand_dims({name: [label]}),
    "filter_bands": lambda scope, data, bands: data.sel(bands=bands),
    "merge_cubes": merge_cubes,
    "run_udf": lambda scope, data, udf, runtime, version, context: scope["udf"](udf)(data, context),
    "array_element": array_element,
    "aggregate_temporal": aggregate_temporal,
    "sqrt": lambda scope, x: x**0.5,
    "exp": lambda scope, p: np.exp(p),
    "lte": partial(compare, lambda a, b: (a <= b) * 1.0),
    "array_create": lambda scope, data: data,
    "median": lambda scope, data: data.cube.median(data.dimension),
    "mean": lambda scope, data: data.cube.mean(data.dimension),
    "first": lambda scope, data: first(data),
    "count": lambda scope, data: data.cube.count(data.dimension),
    "if": if_,
    "eq": lambda scope, x, y: x == y if isinstance(x, int) else compare(lambda a, b: (a == b) * 1.0, scope, x, y),
    "gt": partial(compare, lambda a, b: (a > b) * 1.0),
    "lt": partial(compare, lambda a, b: (a < b) * 1.0),
    "or": lambda scope, x, y: np.maximum(x, y),
    "add": lambda scope, x, y: x + y,
    "subtract": lambda scope, x, y: x - y,
    "multiply": lambda scope, x, y: x * y,
    "divide": lambda scope, x, y: x / y,
    "power": lambda scope, base, p: base**p,
}
