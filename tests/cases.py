"""The official openEO cases (one JSON5 file a process): decoded, run as graphs, and compared.

The encodings stand in the collection's README: no-data values, datetimes, labelled arrays, data cubes, references.
"""

import copy
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json5
import numpy as np
import odc.geo.xr  # noqa: F401  (the accessor that holds the CRS)
import pandas as pd
import xarray as xr

from drylands_openeo.engine.values import LabeledArray

DELTA = 1e-10
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")


@dataclass(frozen=True)
class Case:
    """One case of one process: ``name`` is ``process[index]``."""

    process: str
    index: int
    arguments: dict[str, Any]
    expected: dict[str, Any]
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.process}[{self.index}]"

    @property
    def delta(self) -> float:
        return float(self.expected.get("delta", DELTA))


def load(folder: Path) -> list[Case]:
    """All cases of the collection."""
    return list(_load(folder))


def _load(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.json5")):
        content = json5.loads(path.read_text("utf-8"))
        for index, test in enumerate(content["tests"]):
            expected = {key: test[key] for key in ("returns", "throws", "delta") if key in test}
            yield Case(path.stem, index, test["arguments"], expected, folder)


@dataclass(frozen=True)
class Decoder:
    """What the encoded values become: ``nodata`` for the no-data value, and a form each for arrays and cubes."""

    nodata: Any = None
    labelled: Callable[[list[Any], list[Any]], Any] = lambda values, labels: LabeledArray(values, labels)
    cube: Callable[[dict[str, Any]], Any] = lambda encoded: cube(encoded)
    datetime: Callable[[str], Any] = lambda text: text

    def __call__(self, value: Any, folder: Path) -> Any:
        if isinstance(value, list):
            return [self(inner, folder) for inner in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return self(_referred(folder / value["$ref"]), folder)
        match value.get("type"):
            case "nodata":
                return self.nodata
            case "datetime":
                return self.datetime(value["value"])
            case "labeled-array":
                pairs = value["data"]
                return self.labelled([self(pair["value"], folder) for pair in pairs], [pair["key"] for pair in pairs])
            case "datacube":
                return self.cube(copy.deepcopy(value))
        return {key: self(inner, folder) for key, inner in value.items()}


def _referred(path: Path) -> Any:
    text = path.read_text("utf-8")
    return text if path.suffix == ".wkt2" else json5.loads(text)


def cube(encoded: dict[str, Any]) -> xr.DataArray:
    """An encoded cube as the engine holds it: NaN for no data, the CRS as a scalar coordinate."""
    dimensions = _dimensions(encoded)
    shape = [len(dimension["values"]) for dimension in dimensions.values()]
    values = _values(encoded, shape)
    array = xr.DataArray(values, dims=list(dimensions))
    for name, dimension in dimensions.items():
        labels = _labels(dimension)
        array = array.assign_coords({name: (name, labels, {"type": dimension["type"]})})
    systems = [dimension["reference_system"] for dimension in dimensions.values() if "reference_system" in dimension]
    if systems and {"x", "y"} <= set(dimensions):
        array = array.odc.assign_crs(systems[0])
    return array


def _dimensions(encoded: dict[str, Any]) -> dict[str, Any]:
    given = encoded["dimensions"]
    if isinstance(given, list):
        return {dimension["name"]: dimension for dimension in given}
    return {name: given[name] for name in encoded.get("order", list(given))}


def _values(encoded: dict[str, Any], shape: list[int]) -> np.ndarray[Any, Any]:
    if encoded.get("data") is None or not encoded["data"]:
        return np.full(shape, np.nan)
    values = np.array(encoded["data"], dtype=float).reshape(shape)
    nodata = encoded.get("nodata")
    return values if nodata is None or math.isnan(nodata) else np.where(values == nodata, np.nan, values)


def _labels(dimension: dict[str, Any]) -> Any:
    values = dimension["values"]
    if dimension["type"] == "temporal" and all(INSTANT.fullmatch(str(value)) for value in values):
        return np.array([instant(value) for value in values], dtype="datetime64[ns]")
    mixed = len({isinstance(value, str) for value in values}) > 1
    return np.array(values, dtype=object) if mixed else np.array(values)


def instant(text: str) -> np.datetime64:
    """A date or date-time text as an instant in UTC, independently of the engine's reading."""
    moment = pd.Timestamp(text)
    return np.datetime64(moment.tz_convert(None) if moment.tz else moment, "ns")


def differs(found: Any, expected: Any, case: Case, *, strict: bool = True) -> str | None:
    """What is wrong with a result, or None. ``strict``: true is not 1, and null is not NaN."""
    if isinstance(expected, list):
        if not isinstance(found, list | tuple) or len(found) != len(expected):
            return f"{found!r} instead of {expected!r}"
        pairs = zip(found, expected, strict=True)
        return next((wrong for one, two in pairs if (wrong := differs(one, two, case, strict=strict))), None)
    if isinstance(expected, dict) and set(expected) == {"type", "value"} and expected["type"] == "datetime":
        same = isinstance(found, str) and instant(found) == instant(expected["value"])
        return None if same else f"{found!r} instead of {expected['value']!r}"
    if isinstance(expected, xr.DataArray):
        return cubes_differ(found, expected, case)
    if isinstance(expected, LabeledArray):
        if not isinstance(found, LabeledArray):
            return f"{found!r} has no labels"
        return differs(list(found.values), list(expected.values), case, strict=strict) or differs(
            list(found.labels), list(expected.labels), case, strict=strict
        )
    return None if same_scalar(found, expected, case.delta, strict) else f"{found!r} instead of {expected!r}"


def same_scalar(found: Any, expected: Any, delta: float, strict: bool) -> bool:
    if expected is None:
        return found is None or (not strict and isinstance(found, float) and math.isnan(found))
    if isinstance(expected, bool):
        return isinstance(found, bool) and found == expected if strict else bool(found == expected)
    if isinstance(expected, int | float):
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        if math.isnan(expected):
            return math.isnan(found)
        return found == expected or abs(found - expected) <= delta * max(1, abs(expected))
    return bool(found == expected)


def _comparable(labels: np.ndarray[Any, Any]) -> list[Any]:
    """Dates and times as instants, however they are written."""
    if np.issubdtype(labels.dtype, np.datetime64):
        return list(labels.astype("datetime64[ns]"))
    return [instant(label) if isinstance(label, str) and "T" in label else label for label in labels.tolist()]


def cubes_differ(found: Any, expected: xr.DataArray, case: Case) -> str | None:
    """Names, order, types and labels of the dimensions, then the values where the case has some."""
    if not isinstance(found, xr.DataArray):
        return f"{type(found).__name__} instead of a cube"
    if found.dims != expected.dims:
        return f"dimensions {found.dims} instead of {expected.dims}"
    for name in expected.dims:
        ours, theirs = (_comparable(one.coords[name].values) for one in (found, expected))
        if ours != theirs:
            return f"labels {ours} of {name!r} instead of {theirs}"
    values = case.expected["returns"]
    if isinstance(values, dict) and values.get("type") == "datacube" and values.get("data") is None:
        return None
    close = np.isclose(found.values.astype(float), expected.values, rtol=case.delta, atol=case.delta, equal_nan=True)
    return None if close.all() else f"values {found.values.tolist()} instead of {expected.values.tolist()}"
