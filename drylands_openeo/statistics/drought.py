"""How much of a region is in drought, how deeply and for how long, year by year: tables from a drought index.

Pass one goes over the tiles of the index (t, y, x) and adds up areas (:class:`Tally`), keeping each pixel's trend; when
all tiles are in, the tables and their trends are made, and pass two tells each pixel whether its trend stands among so
many (false-discovery rate).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from drylands_openeo import tables
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel

Float = NDArray[np.float64]

TABLE = tables.read("drought")
SEASONS: Mapping[str, Sequence[int]] = TABLE["seasons"]
QUANTITIES = ("drought_area", "intensity", "dryness", "drought_months")


@dataclass(frozen=True)
class Classes:
    """The classes of an index: name -> upper limit, from the mildest on; ``drought``: where drought begins."""

    index: str
    limits: Mapping[str, float]
    drought: float

    @classmethod
    def of(cls, index: str) -> "Classes":
        """Those of the table.

        >>> Classes.of("scpdsi").limits["severe"]
        -3.0
        """
        if index not in TABLE["indices"]:
            raise DrylandsError(f"drought index {index!r} has no classes; there are {', '.join(TABLE['indices'])}")
        found = TABLE["indices"][index]
        return cls(index, {row["name"]: row["at_most"] for row in found["classes"]}, found["drought"])


@dataclass
class Tally:
    """Sums over the pixels of a region, tile by tile, for every season of every year.

    ``dates``: the months of the index. Of each period the mean of its months counts, and only where all of them are
    there; ``sums`` [km2] has a row a period: all the area, that of each class and in drought, the index there, the
    index everywhere, months in drought, and the area in drought averaged over the months.
    """

    classes: Classes
    dates: pd.DatetimeIndex
    periods: tuple[tuple[int, str], ...] = ()
    sums: Float = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        number = self.dates.year * 12 + self.dates.month - 1
        if len(number) == 0 or (np.diff(number) != 1).any():
            raise DrylandsError("a drought table needs every month once, in order")
        self._members = dict(_members(self.dates))
        if not self._members:
            raise DrylandsError(f"no whole season lies in {self.dates[0]:%Y-%m} to {self.dates[-1]:%Y-%m}")
        self.periods = tuple(self._members)
        self.sums = np.zeros((len(self.periods), len(self._columns)))

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("area", *self.classes.limits, "drought", "drought_sum", "sum", "months", "monthly")

    def add(self, index: NDArray[Any], areas: Float) -> Float:
        """Count a tile: index (t, y, x), areas [km2] (y, x). Returns the annual means (years, y, x), NaN where gaps."""
        annual = []
        for row, (key, where) in enumerate(self._members.items()):
            months = np.asarray(index[where], np.float64)
            mean = months.mean(axis=0)
            self.sums[row] += self._sums(mean, months, areas)
            if key[1] == "annual":
                annual.append(mean)
        return np.stack(annual) if annual else np.empty((0, *areas.shape))

    def _sums(self, mean: Float, months: Float, areas: Float) -> list[float]:
        known = np.isfinite(mean)
        weight = np.where(known, areas, 0)
        values = np.where(known, mean, 0)
        limits = [*self.classes.limits.values(), -np.inf]
        inside = [(values <= upper) & (values > lower) for upper, lower in pairwise(limits)]
        dry = known & (values <= self.classes.drought)
        monthly = (np.where(known, months, np.inf) <= self.classes.drought).sum(axis=0)
        return [
            float(weight.sum()),
            *(float(weight[member].sum()) for member in inside),
            float(weight[dry].sum()),
            float((weight * values)[dry].sum()),
            float((weight * values).sum()),
            float((weight * monthly).sum()),
            float((weight * monthly).sum() / len(months)),
        ]

    @property
    def years(self) -> tuple[int, ...]:
        """The whole years."""
        return tuple(year for year, season in self.periods if season == "annual")

    def table(self) -> pd.DataFrame:
        """One row a year and season.

        ``area`` [km2] with data; shares [%] of it: each class, ``drought_area``, ``drought_area_monthly`` (mean of the
        single months' shares); ``intensity``: mean index of what is in drought; ``dryness``: mean index of all;
        ``drought_months``: mean number of a pixel's months in drought.
        """
        sums = dict(zip(self._columns, self.sums.T, strict=True))
        with np.errstate(invalid="ignore", divide="ignore"):
            columns: dict[str, Any] = {
                "year": [year for year, _ in self.periods],
                "season": [season for _, season in self.periods],
                "area": sums["area"],
                **{_column(name): 100 * sums[name] / sums["area"] for name in self.classes.limits},
                "drought_area": 100 * sums["drought"] / sums["area"],
                "drought_area_monthly": 100 * sums["monthly"] / sums["area"],
                "intensity": sums["drought_sum"] / sums["drought"],
                "dryness": sums["sum"] / sums["area"],
                "drought_months": sums["months"] / sums["area"],
            }
        return pd.DataFrame(columns)


def trends(table: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """The trend of each quantity in each season: Theil-Sen slope a decade with its interval, and p by four tests.

    ``p``: Mann-Kendall with ties; ``p_hamed_rao``: variance corrected for serial correlation; ``p_prewhitened``: of the
    series freed of its lag-1 autocorrelation; ``autocorrelation``: lag-1, of the residual. NaN years are left out.
    """
    kernel = Kernel("trend").module
    rows = []
    for season, part in table.groupby("season", sort=False):
        for quantity in QUANTITIES:
            series, years = part[quantity].to_numpy(float), part["year"].to_numpy(float)
            slope, intercept, low, high = (float(v) for v in kernel.theil_sen(series, years, confidence=confidence))
            rest = pd.Series(series - intercept - slope * years)
            tests = {
                "p": kernel.mann_kendall(series)[3],
                "p_hamed_rao": kernel.hamed_rao(series)[3],
                "p_prewhitened": kernel.trend_free_prewhitening(series)[3],
            }
            rows.append(
                {
                    "season": season, "quantity": quantity, "years": int(np.isfinite(series).sum()),
                    "slope_per_decade": 10 * slope, "low": 10 * low, "high": 10 * high,
                    **{name: float(value) for name, value in tests.items()},
                    "autocorrelation": _lag_one(rest.to_numpy(float)),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def pixel_trends(annual: Float, years: Sequence[int]) -> Float:
    """Theil-Sen slope [a year] and Mann-Kendall's p of annual means (years, y, x): (2, y, x); eight years at least."""
    kernel = Kernel("trend").module
    series = np.moveaxis(annual, 0, -1)
    slope, p = kernel.theil_sen(series, years)[0], kernel.mann_kendall(series)[3]
    few = np.isfinite(series).sum(axis=-1) < 8
    return np.stack([np.where(few, np.nan, slope), np.where(few, np.nan, p)])


def _members(dates: pd.DatetimeIndex) -> list[tuple[tuple[int, str], NDArray[np.intp]]]:
    """((year, season), its months' positions) of every season that the record holds whole, in order."""
    found = []
    months, years = dates.month.to_numpy(), dates.year.to_numpy()
    for year in range(int(years.min()), int(years.max()) + 1):
        for season, members in SEASONS.items():
            belongs = np.where(months > members[-1], years + 1, years)
            where = np.flatnonzero(np.isin(months, members) & (belongs == year))
            if len(where) == len(members):
                found.append(((year, season), where))
    return found


def _column(name: str) -> str:
    return name.replace(" ", "_")


def _lag_one(series: NDArray[Any]) -> float:
    """Lag-1 autocorrelation; NaN where it is not known."""
    centred = series - np.nanmean(series) if np.isfinite(series).any() else series
    power = np.nansum(centred**2)
    return float(np.nansum(centred[1:] * centred[:-1]) / power) if power > 0 else float("nan")
