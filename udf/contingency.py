"""Land degradation from three trends: of NPP, of moisture-responded NPP (MNPP = NPP / (MI x 100)) and of moisture MI.

A contingency table, given as data, says what the signs of the trends mean together; the decline of NPP from its
benchmark gives the degree. The method is known from a printed table only, of which two readings are possible: both
stand in the project's table `contingency`, and docs/methods/mnpp.md shows what each of them gets wrong.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
Classes = NDArray[np.unsignedinteger[Any]]

SIGNS = (-1, 0, 1)
RESULTS = ("class", "subclass", "code", "attribution")
BENCHMARKS = ("first-years", "peak", "rolling", "potential")
LONG_RECORD = 15  # from so many years on, a window of five years instead of three
DEGRADATION = 1


def classify(
    npp: ArrayLike, mnpp: ArrayLike, mi: ArrayLike, table: Mapping[str, Any], *, reading: str = "printed"
) -> dict[str, Classes]:
    """Class, sub-class, code and attribution of each pixel, from the signs of its three trends.

    ``npp``, ``mnpp``, ``mi`` (...) are -1 for a significant fall, 1 for a significant rise, 0 for neither, NaN for no
    data. ``table`` holds ``readings``: name -> rows {"mnpp": sign, "mi": [signs], "classes": [NPP falls, neither,
    rises]} that together hold every pair of signs once; and ``attribution``: rows {"value", "npp", "mnpp", "mi":
    [signs]}. Returns unsigned integers of the shape (...), 0 where a sign is missing:

    - ``class``: 1 degradation, 2 fluctuation, 3 restoration
    - ``subclass``: 1..15, the rows of the reading from above, in each the columns from the left
    - ``code``: 100 NPP + 10 MNPP + MI with 1 for a fall, 2 for neither, 3 for a rise: the same in every reading
    - ``attribution`` of a degradation: the value of the first row that holds; 0 for no row or another class

    >>> rows = [{"mnpp": sign, "mi": [-1, 0, 1], "classes": [1, 2, 3]} for sign in (1, 0, -1)]
    >>> table = {"readings": {"npp alone": rows}, "attribution": [{"value": 4, "npp": -1, "mnpp": 0, "mi": [0]}]}
    >>> found = classify([-1, 0, 1, -1], [0, 0, -1, float("nan")], [0, 1, 1, 0], table, reading="npp alone")
    >>> {name: values.tolist() for name, values in found.items()}
    {'class': [1, 2, 3, 0], 'subclass': [4, 5, 9, 0], 'code': [122, 223, 313, 0], 'attribution': [4, 0, 0, 0]}

    Raises ValueError for other signs, shapes that differ, an unknown reading and a table with holes.
    """
    where = _cell(npp=npp, mnpp=mnpp, mi=mi)
    return {name: column[where] for name, column in _columns(table, reading).items()}


def degree(
    npp: ArrayLike,
    *,
    benchmark: str = "first-years",
    window: int | None = None,
    baseline: int | None = None,
    potential: ArrayLike | None = None,
    limits: Sequence[float] = (20.0, 50.0),
) -> dict[str, NDArray[Any]]:
    """How far NPP lies below its benchmark, and the degree of degradation that this would be.

    ``npp`` (..., years) is any annual series, NaN for no data; means are over windows of ``window`` = k years (5 for
    15 years or more, else 3), of which at least half must be present. Returns arrays (...):

    - ``decline`` = 100 (B - E) / B [%], negative for a gain, NaN where B is missing or not above 0
    - ``degree``: 1 slight, below the first of ``limits`` [%] (a gain too); 2 moderate; 3 severe, from the second on;
      0 where the decline is NaN. It means something where the class is degradation.

    E is the mean of the last k years and B by ``benchmark``:

    - "first-years": the mean of the first k years
    - "peak": the largest mean of k years in a row, of the first ``baseline`` years if given
    - "rolling": the mean of the k years before the last one; E is then the last year alone
    - "potential": the mean of ``potential`` (..., years), what the site could bear, over the last k years

    >>> found = degree([8.0, 10.0, 12.0, 9.0, 7.0, 6.0, 5.0])
    >>> float(found["decline"]), int(found["degree"])
    (40.0, 2)
    >>> float(degree([8.0, 10.0, 12.0, 9.0, 7.0, 6.0, 5.0], benchmark="peak", window=1)["decline"])
    58.333333333333336
    """
    series, dtype = _floats(npp)
    years = series.shape[-1]
    k = (5 if years >= LONG_RECORD else 3) if window is None else int(window)
    if not 1 <= k < years:
        raise ValueError(f"window must lie in 1..{years - 1} for a series of {years} years, not {k}")
    with np.errstate(invalid="ignore", divide="ignore"):
        start = _benchmark(series, k, benchmark, baseline, potential)
        end = series[..., -1] if benchmark == "rolling" else _mean(series[..., -k:])
        decline = np.where(start > 0, 100 * (start - end) / start, np.nan)
    return {"decline": decline.astype(dtype), "degree": _grade(decline, limits)}


def _grade(decline: Array, limits: Sequence[float]) -> Classes:
    """1 slight, 2 moderate, 3 severe; 0 where the decline is NaN."""
    if not len(limits) == 2 or not limits[0] < limits[1]:
        raise ValueError(f"limits must be two rising percentages, not {limits!r}")
    steps = np.digitize(decline, np.asarray(limits, dtype=np.float64)) + 1
    return np.where(np.isnan(decline), 0, steps).astype(np.uint8)


def _benchmark(series: Array, k: int, benchmark: str, baseline: int | None, potential: ArrayLike | None) -> Array:
    """B (...) of `degree`."""
    if benchmark not in BENCHMARKS:
        raise ValueError(f"benchmark must be one of {BENCHMARKS}, not {benchmark!r}")
    if (potential is not None) != (benchmark == "potential"):
        raise ValueError(f"potential belongs to the benchmark 'potential', and to no other: it is {benchmark!r}")
    if benchmark == "potential":
        could = np.broadcast_to(_floats(potential)[0], series.shape)
        return _mean(could[..., -k:])
    if benchmark == "rolling":
        return _mean(series[..., -k - 1 : -1])
    if benchmark == "first-years":
        return _mean(series[..., :k])
    length = series.shape[-1] if baseline is None else int(baseline)
    if not k <= length <= series.shape[-1]:
        raise ValueError(f"baseline must lie between the window {k} and {series.shape[-1]} years, not {baseline!r}")
    means = np.stack([_mean(series[..., first : first + k]) for first in range(length - k + 1)])
    peak: Array = np.fmax.reduce(means, axis=0)
    return peak


def _mean(window: Array) -> Array:
    """Mean of the years that are present; NaN if they are less than half."""
    present = ~np.isnan(window)
    count = present.sum(axis=-1)
    mean: Array = np.where(2 * count >= window.shape[-1], np.where(present, window, 0).sum(axis=-1) / count, np.nan)
    return mean


def _floats(series: ArrayLike | None) -> tuple[Array, np.dtype[Any]]:
    """float64 values, and the type of the results: float32 if the series is, else float64."""
    array = np.asarray(series)
    if array.ndim == 0 or array.dtype.kind not in "fiu":
        raise ValueError(f"a series must be numbers of the shape (..., years), not {array.dtype} {array.shape}")
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return array.astype(np.float64, copy=False), np.dtype(np.float32 if narrow else np.float64)


def _cell(**trends: ArrayLike) -> NDArray[np.intp]:
    """9 (npp + 1) + 3 (mnpp + 1) + mi + 1: the place of each pixel in a column of the table; 27 for no data."""
    arrays = [np.asarray(trend) for trend in trends.values()]
    if len({array.shape for array in arrays}) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(trends, arrays, strict=True))
        raise ValueError(f"the signs must have one shape, not {shapes}")
    for name, array in zip(trends, arrays, strict=True):
        wrong = array[(array != -1) & (array != 0) & (array != 1) & (array == array)]
        if wrong.size:
            raise ValueError(f"{name} must hold -1, 0, 1 or NaN; it holds {wrong[0]}")
    npp, mnpp, mi = (array.astype(np.float32) for array in arrays)
    cell = 9 * npp + 3 * mnpp + mi + 13
    where: NDArray[np.intp] = np.where(np.isnan(cell), 27, cell).astype(np.intp)
    return where


def _columns(table: Mapping[str, Any], reading: str) -> dict[str, Classes]:
    """What each of the 27 combinations of signs gives, and 0 for the 28th, no data."""
    readings = table.get("readings", {})
    if reading not in readings:
        raise ValueError(f"the table has no reading {reading!r}; it has {sorted(readings)}")
    columns: dict[str, Classes] = {
        name: np.zeros(28, dtype=np.uint16 if name == "code" else np.uint8) for name in RESULTS
    }
    rows: list[Mapping[str, Any]] = readings[reading]
    for cell, (npp, mnpp, mi) in enumerate(product(SIGNS, SIGNS, SIGNS)):
        fitting = [number for number, row in enumerate(rows) if row["mnpp"] == mnpp and mi in row["mi"]]
        if len(fitting) != 1:
            raise ValueError(f"the reading {reading!r} must hold mnpp {mnpp}, mi {mi} once, not {len(fitting)} times")
        columns["class"][cell] = rows[fitting[0]]["classes"][npp + 1]
        columns["subclass"][cell] = 3 * fitting[0] + npp + 2
        columns["code"][cell] = 100 * (npp + 2) + 10 * (mnpp + 2) + mi + 2
        if columns["class"][cell] == DEGRADATION:
            columns["attribution"][cell] = _attribution(table, npp, mnpp, mi)
    return columns


def _attribution(table: Mapping[str, Any], npp: int, mnpp: int, mi: int) -> int:
    for row in table.get("attribution", ()):
        if row["npp"] == npp and row["mnpp"] == mnpp and mi in row["mi"]:
            return int(row["value"])
    return 0


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Decline of an annual cube (t, bands, y, x), or classes of a cube of signs (bands, y, x) -> (bands, y, x).

    With t: the band ``npp`` (and ``potential``) gives ``decline``; context: benchmark, window, baseline, all optional.
    Without t: the bands ``npp``, ``mnpp``, ``mi`` give class, subclass, code and attribution; with a band ``decline``
    also ``degree``, of degraded pixels only (0 elsewhere); context: table, reading ("printed"), limits (20, 50).
    """
    maps = _declines(cube, context) if "t" in cube.dims else _classes(cube, context)
    bands = np.stack([values.astype(np.float32) for values in maps.values()])
    coords = {"bands": list(maps)} | {axis: cube[axis] for axis in ("y", "x") if axis in cube.coords}
    return xr.DataArray(bands, dims=("bands", "y", "x"), coords=coords)


def _declines(cube: xr.DataArray, context: Mapping[str, Any]) -> dict[str, Array]:
    options = {key: context[key] for key in ("benchmark", "window", "baseline") if key in context}
    potential = _band(cube, "potential") if "potential" in cube["bands"].values else None
    return {"decline": degree(_band(cube, "npp"), potential=potential, **options)["decline"]}


def _classes(cube: xr.DataArray, context: Mapping[str, Any]) -> dict[str, Array]:
    if "table" not in context:
        raise ValueError(f"the context must hold the contingency table as 'table'; it has {sorted(context)}")
    npp, mnpp, mi = (_band(cube, name) for name in ("npp", "mnpp", "mi"))
    found = classify(npp, mnpp, mi, context["table"], reading=context.get("reading", "printed"))
    maps = {name: np.where(found["class"] == 0, np.nan, values) for name, values in found.items()}
    if "decline" in cube["bands"].values:
        grade = _grade(_band(cube, "decline"), context.get("limits", (20.0, 50.0)))
        maps["degree"] = np.where(maps["class"] == DEGRADATION, np.where(grade == 0, np.nan, grade), 0 * maps["class"])
    return maps


def _band(cube: xr.DataArray, name: str) -> Array:
    """One band as (y, x) or (y, x, t)."""
    labels = [str(label) for label in cube["bands"].values]
    if name not in labels:
        raise ValueError(f"the cube must have a band {name!r}; it has {labels}")
    dims = ("bands", "y", "x", "t") if "t" in cube.dims else ("bands", "y", "x")
    band: Array = cube.transpose(*dims).values[labels.index(name)]
    return band
