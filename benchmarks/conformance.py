"""The official openEO cases, one line a process: passed by this engine, and by openeo-processes-dask.

Ours is held to booleans that are booleans, null that is not NaN, dimension types, and exception codes. The peer is
called through its own process registry with the encodings of the official test runner (which takes 1.0 for true,
NaN for null and any exception for the expected one), and so is compared.

    python -m benchmarks.conformance
"""

import contextlib
import importlib
import inspect
import io
import logging
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import odc.geo.xr  # noqa: F401  (the accessor)
import xarray as xr
from tabulate import tabulate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the decoder is the tests' own

import conformance
from cases import Case, Decoder, cube, differs, load
from errata import ERRATA
from shared import SHARED

from drylands_openeo.engine.registry import PROCESSES
from drylands_openeo.engine.values import LabeledArray

Run = Callable[[Case], str | None]


def main() -> None:
    cases = load(SHARED / "data" / "openeo_process_tests")
    print(report(cases, {"this engine": _ours, "openeo-processes-dask": _peer()}))


def report(cases: list[Case], runs: Mapping[str, Run]) -> str:
    """The table, and the totals: of all cases, and of those that are sound (see tests/errata.py)."""
    passed = {name: {case.name for case in cases if run(case) is None} for name, run in runs.items()}
    counts = Counter(case.process for case in cases)
    lines = [
        [process, total, *(sum(case in found for case in _names(cases, process)) for found in passed.values())]
        for process, total in sorted(counts.items())
    ]
    sound = {case.name for case in cases} - set(ERRATA)
    lines.append(["all", len(cases), *(len(found) for found in passed.values())])
    lines.append(["all that are sound", len(sound), *(len(found & sound) for found in passed.values())])
    return tabulate(lines, headers=["process", "cases", *passed])


def _names(cases: list[Case], process: str) -> list[str]:
    return [case.name for case in cases if case.process == process]


def _ours(case: Case) -> str | None:
    return conformance.run(case) if case.process in PROCESSES else "not offered"


def _peer() -> Run:
    """openeo-processes-dask, by the official runner's rules."""
    logging.disable(logging.ERROR)
    registry = peer_registry()
    decode = Decoder(nodata=float("nan"), labelled=_labelled, cube=_cube)
    expect = Decoder(datetime=lambda text: {"type": "datetime", "value": text}, cube=_with_its_own_nodata)

    def run(case: Case) -> str | None:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                found = _plain(registry[case.process].implementation(**_arguments(case, decode, registry)))
            except Exception as error:
                return None if case.expected.get("throws") else repr(error)
            if "returns" not in case.expected:
                return "no exception"
            expected = expect(case.expected["returns"], case.folder)
            try:
                return differs(found, expected, case, strict=False)
            except Exception as error:
                return repr(error)

    return run


def peer_registry() -> Any:
    """The processes of openeo-processes-dask."""
    from openeo_pg_parser_networkx import ProcessRegistry
    from openeo_pg_parser_networkx.process_registry import Process
    from openeo_processes_dask.process_implementations.core import process

    implementations = importlib.import_module("openeo_processes_dask.process_implementations")
    mathematics = importlib.import_module("openeo_processes_dask.process_implementations.math")
    specifications = importlib.import_module("openeo_processes_dask.specs")
    registry = ProcessRegistry(wrap_funcs=[process])
    for name, function in [*inspect.getmembers(implementations, inspect.isfunction), ("e", mathematics.e)]:
        if hasattr(specifications, name):
            registry[name] = Process(spec=getattr(specifications, name), implementation=function)
    return registry


def _arguments(case: Case, decode: Decoder, registry: Any) -> dict[str, Any]:
    from openeo_pg_parser_networkx import OpenEOProcessGraph
    from openeo_pg_parser_networkx.pg_schema import BoundingBox

    arguments = {}
    for name, value in case.arguments.items():
        if isinstance(value, dict) and "process_graph" in value:
            arguments[name] = OpenEOProcessGraph(pg_data=value).to_callable(process_registry=registry)
            continue
        decoded = decode(value, case.folder)
        box = isinstance(decoded, dict) and {"west", "south", "east", "north"} <= set(decoded)
        arguments[name] = BoundingBox(**decoded) if box else decoded
    return arguments


def _labelled(values: list[Any], labels: list[Any]) -> Any:
    return xr.DataArray(values, dims=["index"], coords={"index": labels})


def _cube(encoded: dict[str, Any]) -> xr.DataArray:
    """As the official runner encodes cubes (dates without zone, CRS and no-data value as attributes).

    The CRS stands where rioxarray and odc-geo look for it, too.
    """
    coords, crs = [], None
    for name in encoded["order"]:
        dimension = encoded["dimensions"][name]
        labels = dimension["values"]
        if dimension["type"] == "temporal":
            labels = [np.datetime64(str(label).rstrip("Zz"), "ns") for label in labels]
        crs = dimension.get("reference_system", crs)
        coords.append((name, labels))
    array = xr.DataArray(encoded["data"], coords=coords, attrs={"crs": crs, "nodata": encoded.get("nodata")})
    return array.odc.assign_crs(crs) if crs and {"x", "y"} <= set(array.dims) else array


def _with_its_own_nodata(encoded: dict[str, Any]) -> xr.DataArray:
    """The no-data value stays the number that the case writes."""
    return cube({**encoded, "nodata": None})


def _plain(found: Any) -> Any:
    """A result as the official runner reads it: computed, and NumPy values as Python values."""
    if isinstance(found, xr.DataArray):
        found = found.compute()
        (name, *more) = found.dims or ("",)
        labelled = name in ("index", "labels") and not more and name in found.coords
        return LabeledArray(found.values.tolist(), found.coords[name].values.tolist()) if labelled else found
    found = found.compute() if hasattr(found, "compute") else found
    if isinstance(found, np.ndarray):
        return found.item() if found.ndim == 0 else found.tolist()
    return found.item() if isinstance(found, np.generic) else found


if __name__ == "__main__":
    main()
