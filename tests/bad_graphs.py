"""Known-bad process graphs: one or more for each rule of `drylands check`, each with the node at fault.

A graph here is sound but for the one fault. ``BAD``: (rule, node at fault, profile, graph).
"""

from textwrap import dedent

from drylands_openeo.profiles import get_profile

AREA = {"west": 115.0, "south": 42.4, "east": 115.1, "north": 42.5}
PERIOD = ["2021-01-01", "2021-03-01"]


def call(process_id, **arguments):
    return {"process_id": process_id, "arguments": arguments}


def node(name):
    return {"from_node": name}


def parameter(name):
    return {"from_parameter": name}


def graph(**nodes):
    """A graph whose last node is the result."""
    last = list(nodes)[-1]
    return {name: {**one, "result": True} if name == last else one for name, one in nodes.items()}


def callback(**nodes):
    return {"process_graph": graph(**nodes)}


def load(*bands, **changes):
    extents = {"spatial_extent": AREA, "temporal_extent": PERIOD}
    arguments = {"id": "SENTINEL2_L2A", **extents, "bands": list(bands or ("B04", "B08")), **changes}
    return call("load_collection", **arguments)


def without(one, name):
    return {**one, "arguments": {key: value for key, value in one["arguments"].items() if key != name}}


def loaded(**nodes):
    """Nodes after a load."""
    return graph(load=load(), **nodes)


def reduced(dimension="bands", source="load", bands=("B04", "B08"), **nodes):
    """A reducer after a load."""
    reducer = call("reduce_dimension", data=node(source), dimension=dimension, reducer=callback(**nodes))
    return graph(load=load(*bands), reduce=reducer)


def band(label):
    return call("array_element", data=parameter("data"), label=label)


TEXT = """
import numpy as np
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    return cube * np.float32(2)
"""


def udf(text=TEXT, **changes):
    arguments = {"data": parameter("data"), "udf": text, "runtime": "Python", "version": "3.11"}
    return call("run_udf", **{**arguments, **changes})


def with_udf(text=TEXT, **changes):
    return reduced("t", udf=udf(dedent(text), **changes))


def neighbourhood(size=None, overlap=None):
    size = size or [window("x", 64), window("y", 64)]
    process = call("apply_neighborhood", data=node("load"), process=callback(udf=udf()), size=size)
    process["arguments"] |= {} if overlap is None else {"overlap": overlap}
    return loaded(windows=process)


def window(dimension, value, unit="px"):
    return {"dimension": dimension, "value": value, "unit": unit}


def kernel(weights, **changes):
    return loaded(blur=call("apply_kernel", data=node("load"), kernel=weights, **changes))


SCALED = call("apply", data=node("load"), process=callback(scale=call("multiply", x=parameter("x"), y=0.0001)))
ONES = [[1, 1, 1]] * 3
EVI = reduced(
    bands=("B02", "B04", "B08"),
    nir=band("B08"),
    red=band("B04"),
    difference=call("subtract", x=node("nir"), y=node("red")),
    six=call("multiply", x=6, y=node("red")),
    sum=call("add", x=node("nir"), y=node("six")),
    plus_one=call("add", x=node("sum"), y=1),
    ratio=call("divide", x=node("difference"), y=node("plus_one")),
)
NDVI = {
    "nir": call("array_element", data=parameter("data"), index=0),
    "red": call("array_element", data=parameter("data"), index=1),
    "difference": call("subtract", x=node("nir"), y=node("red")),
    "sum": call("add", x=node("nir"), y=node("red")),
    "ratio": call("divide", x=node("difference"), y=node("sum")),
}
SOMEWHERE = "https://example.org/collections/scenes"
SERIES = {"spatial_extent": AREA, "temporal_extent": PERIOD, "bands": ["nir", "red"]}
EARTH_SEARCH = "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a"
WIDE = {"west": 100.0, "south": 38.0, "east": 125.0, "north": 50.0}
LARGE = {"west": 114.0, "south": 42.0, "east": 116.0, "north": 44.0}
YEAR = ["2020-01-01", "2021-01-01"]


def on_titiler(url, **nodes):
    return graph(load=call("load_stac", url=url, **SERIES), **nodes)


def reduce_spectral(**nodes):
    return call("reduce_dimension", data=node("load"), dimension="spectral", reducer=callback(**nodes))


STRUCTURE = [
    ("structure.empty", "", {}),
    ("structure.not-a-call", "note", {**loaded(), "note": {"title": "no process here"}}),
    ("structure.missing-node", "mask", loaded(mask=call("mask", data=node("load"), mask=node("clouds")))),
    ("structure.cycle", "one", graph(one=call("add", x=node("two"), y=1), two=call("add", x=node("one"), y=1))),
    ("structure.result", "", {"load": load()}),
    ("structure.result", "", {name: {**load(), "result": True} for name in ("one", "two")}),
    (
        "structure.result",
        "scale",
        loaded(scale=call("apply", data=node("load"), process={"process_graph": {"ln": call("ln", x=parameter("x"))}})),
    ),
    ("structure.unused-node", "load2", graph(load2=load("B02"), load=load())),
    (
        "parameter.undeclared",
        "load",
        graph(load=load(temporal_extent=parameter("period"))),
    ),
    ("parameter.undeclared", "reduce/mean", reduced("t", mean=call("mean", data=parameter("x")))),
    (
        "parameter.unused",
        "",
        {"process_graph": loaded(), "parameters": [{"name": "year", "schema": {"type": "integer"}}]},
    ),
]
PROCESSES = [
    ("process.unknown", "trim", loaded(trim=call("trim_cube", data=node("load")))),
    ("process.unknown", "index", loaded(index=call("ndwi2", data=node("load")))),
    ("process.unknown", "reduce/m", reduced("t", m=call("cumsum", data=parameter("data")))),
    ("process.callback", "reduce/valid", reduced("t", valid=call("is_valid", x=parameter("data")))),
    ("process.callback", "reduce/sign", reduced("t", sign=call("sgn", x=parameter("data")))),
]
ARGUMENTS = [
    ("argument.missing", "reduce", loaded(reduce=call("reduce_dimension", data=node("load"), dimension="t"))),
    ("argument.unknown", "mask", loaded(mask=call("mask", data=node("load"), mask=node("load"), invert=True))),
    ("argument.type", "to", loaded(to=call("resample_spatial", data=node("load"), method="nearest"))),
    ("argument.type", "bands", loaded(bands=call("filter_bands", data=node("load"), bands="B04"))),
    ("argument.type", "windows", neighbourhood([window("x", 64, "pixels"), window("y", 64)])),
    ("argument.back-end", "blur", kernel(ONES, border="reflect")),
    ("argument.back-end", "blur", kernel(ONES, border=0.5)),
    ("argument.back-end", "windows", neighbourhood([window("x", 640, "m"), window("y", 640, "m")])),
    ("argument.back-end", "windows", neighbourhood([window("x", 2), window("y", 2)])),
    (
        "argument.back-end",
        "windows",
        neighbourhood([window("x", 64), window("y", 64), {"dimension": "t", "value": "P1M"}]),
    ),
    (
        "argument.back-end",
        "both",
        loaded(
            more=load("B04"),
            both=call(
                "merge_cubes",
                cube1=node("load"),
                cube2=node("more"),
                overlap_resolver=callback(
                    sum=call("add", x=parameter("x"), y=parameter("y")), half=call("divide", x=node("sum"), y=2)
                ),
            ),
        ),
    ),
    (
        "argument.literal",
        "windows",
        {
            "process_graph": neighbourhood([window("x", parameter("size")), window("y", 64)]),
            "parameters": [{"name": "size", "schema": {"type": "integer"}}],
        },
    ),
    ("argument.even-kernel", "blur", kernel([[1, 1], [1, 1]])),
]
LOADS = [
    ("load.collection", "load", graph(load=load(id="SENTINEL2_L3A"))),
    ("load.bands", "load", graph(load=load("B8"))),
    ("load.all-bands", "load", graph(load=without(load(), "bands"))),
    ("load.no-extent", "load", graph(load=load(spatial_extent=None))),
    ("load.no-extent", "load", graph(load=load(temporal_extent=None))),
    ("load.area", "load", graph(load=load(spatial_extent={**AREA, "west": 116.0}))),
    ("load.area", "load", graph(load=load(spatial_extent={**AREA, "south": 4694000.0, "north": 4695000.0}))),
    ("load.outside", "load", graph(load=load(temporal_extent=["2013-01-01", "2014-01-01"]))),
    ("load.period", "load", graph(load=load(temporal_extent=["2022-01-01", "2021-01-01"]))),
    (
        "load.period",
        "filter",
        loaded(filter=call("filter_temporal", data=node("load"), extent=["2021-02-01", "2021-02-01"])),
    ),
    ("load.period", "load", graph(load=load(temporal_extent=["2021-02-30", "2021-04-01"]))),
]
CUBES = [
    ("dimension.missing", "reduce", reduced("time", mean=call("mean", data=parameter("data")))),
    (
        "dimension.missing",
        "again",
        loaded(
            one=call(
                "reduce_dimension",
                data=node("load"),
                dimension="t",
                reducer=callback(m=call("mean", data=parameter("data"))),
            ),
            again=call(
                "reduce_dimension",
                data=node("one"),
                dimension="t",
                reducer=callback(m=call("mean", data=parameter("data"))),
            ),
        ),
    ),
    ("dimension.exists", "add", loaded(add=call("add_dimension", name="bands", data=node("load"), label="x"))),
    ("values.unscaled-constant", "reduce/plus_one", EVI),
    (
        "values.unscaled-threshold",
        "dark/low",
        loaded(dark=call("apply", data=node("load"), process=callback(low=call("lt", x=parameter("x"), y=0.2)))),
    ),
    (
        "values.double-offset",
        "offset/less",
        loaded(
            offset=call("apply", data=node("load"), process=callback(less=call("subtract", x=parameter("x"), y=1000)))
        ),
    ),
    (
        "values.double-offset",
        "less/add",
        loaded(
            scaled=SCALED,
            less=call("apply", data=node("scaled"), process=callback(add=call("add", x=parameter("x"), y=-1000))),
        ),
    ),
    (
        "values.classes",
        "smooth",
        graph(load=load("SCL"), smooth=call("resample_spatial", data=node("load"), resolution=10, method="bilinear")),
    ),
    ("values.classes", "reduce/mean", reduced("t", bands=("SCL",), mean=call("mean", data=parameter("data")))),
    (
        "values.null-comparison",
        "fill/none",
        loaded(fill=call("apply", data=node("load"), process=callback(none=call("eq", x=parameter("x"), y=None)))),
    ),
]
UDFS = [
    (
        "udf.alone",
        "reduce/udf",
        reduced("t", mean=call("mean", data=parameter("data")), udf=udf(data=node("mean"))),
    ),
    (
        "udf.parent",
        "months/udf",
        loaded(
            months=call("aggregate_temporal_period", data=node("load"), period="month", reducer=callback(udf=udf()))
        ),
    ),
    ("udf.runtime", "reduce/udf", with_udf(runtime="R")),
    ("udf.runtime", "reduce/udf", with_udf(version="3.13")),
    ("udf.syntax", "reduce/udf", with_udf("def apply_datacube(cube,\n")),
    ("udf.future", "reduce/udf", with_udf("from __future__ import annotations\n" + TEXT)),
    ("udf.entry-point", "reduce/udf", with_udf(TEXT.replace(": xr.DataArray, context: dict", ", context"))),
    ("udf.entry-point", "reduce/udf", with_udf(TEXT.replace("cube", "data"))),
    ("udf.entry-point", "reduce/udf", with_udf(TEXT.replace("apply_datacube", "run"))),
    ("udf.entry-point", "reduce/udf", with_udf(TEXT.replace("import xarray as xr\n", ""))),
    (
        "udf.entry-point",
        "reduce/udf",
        with_udf("from openeo.udf import UdfData\n\n\ndef note(data: UdfData):\n    return data\n" + TEXT),
    ),
    ("udf.imports", "reduce/udf", with_udf("import sklearn\n" + TEXT)),
    ("udf.imports", "reduce/udf", with_udf("from . import helper\n" + TEXT)),
    (
        "udf.dependencies",
        "reduce/udf",
        with_udf('# /// script\n# dependencies = ["onnxruntime"]\n# ///\nimport onnxruntime\n' + TEXT),
    ),
    ("udf.word", "reduce/udf", with_udf("# no apply_metadata here\n" + TEXT)),
    (
        "udf.bands-dimension",
        "fit/udf",
        loaded(
            index=call("ndvi", data=node("load"), nir="B08", red="B04"),
            fit=call("reduce_dimension", data=node("index"), dimension="t", reducer=callback(udf=udf())),
        ),
    ),
    ("udf.positions", "reduce/udf", with_udf(TEXT.replace("cube * ", "cube.x * "))),
    ("udf.positions", "reduce/udf", with_udf(TEXT.replace("cube * ", 'cube.coords["y"] * '))),
]
WINDOWS = [
    ("window.overlap", "windows", neighbourhood([window("x", 16), window("y", 16)], [window("x", 32), window("y", 8)])),
    (
        "window.time-overlap",
        "windows",
        neighbourhood([window("x", 16), window("y", 16)], [{"dimension": "t", "value": "P1D"}]),
    ),
]
SIZES = [
    ("size.synchronous", "", graph(load=load(spatial_extent=WIDE, temporal_extent=["2018-01-01", "2024-01-01"]))),
]
CDSE = [*STRUCTURE, *PROCESSES, *ARGUMENTS, *LOADS, *CUBES, *UDFS, *WINDOWS, *SIZES]
TITILER = [
    ("process.unknown", "blur", on_titiler(EARTH_SEARCH, blur=call("apply_kernel", data=node("load"), kernel=ONES))),
    (
        "values.double-scale",
        "scale/by",
        on_titiler(
            EARTH_SEARCH,
            scale=call("apply", data=node("load"), process=callback(by=call("multiply", x=parameter("x"), y=0.0001))),
        ),
    ),
    (
        "values.double-scale",
        "scale/by",
        on_titiler(
            EARTH_SEARCH,
            scale=call("apply", data=node("load"), process=callback(by=call("divide", x=parameter("x"), y=10000))),
        ),
    ),
    ("argument.back-end", "red/value", on_titiler(EARTH_SEARCH, red=reduce_spectral(value=band("red")))),
    ("values.integer-overflow", "index/difference", on_titiler(SOMEWHERE, index=reduce_spectral(**NDVI))),
    (
        "dimension.missing",
        "mean",
        on_titiler(
            EARTH_SEARCH,
            mean=call(
                "reduce_dimension",
                data=node("load"),
                dimension="bands",
                reducer=callback(m=call("mean", data=parameter("data"))),
            ),
        ),
    ),
    ("size.items", "load", graph(load=call("load_stac", url=EARTH_SEARCH, **{**SERIES, "temporal_extent": YEAR}))),
    ("size.image", "load", graph(load=call("load_stac", url=EARTH_SEARCH, **{**SERIES, "spatial_extent": LARGE}))),
]

PROFILES = {"cdse": get_profile("cdse"), "titiler": get_profile("titiler").with_stac("npp", SOMEWHERE)}
BAD = [
    *((rule, where, PROFILES["cdse"], bad) for rule, where, bad in CDSE),
    *((rule, where, PROFILES["titiler"], bad) for rule, where, bad in TITILER),
]
