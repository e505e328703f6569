"""Samples from a table: CSV, GeoPackage or GeoParquet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from drylands_openeo.errors import DrylandsError

Floats = NDArray[np.float64]

COORDINATES = (("longitude", "latitude"), ("lon", "lat"), ("long", "lat"))
"""Columns [degrees] that are taken for positions in a table without geometry."""

EARTH = 6371000.0
"""Mean radius [m]."""


@dataclass(frozen=True)
class Samples:
    """``predictors`` (n, p) without gaps, ``target`` (n,), ``degrees`` (n, 2) lon and lat or None, ``groups`` or None.

    ``dropped``: rows of the table that had a gap.
    """

    predictors: pd.DataFrame
    target: Floats
    degrees: Floats | None
    groups: NDArray[Any] | None
    dropped: int
    source: str

    def __len__(self) -> int:
        return len(self.target)

    @property
    def metres(self) -> Floats | None:
        """Positions (n, 2) east and north of their mean, on a plane that is right for some hundred kilometres."""
        if self.degrees is None:
            return None
        centre = self.degrees.mean(axis=0)
        radians = np.radians(self.degrees - centre)
        return np.asarray(EARTH * radians * np.array([np.cos(np.radians(centre[1])), 1.0]))


def read_table(path: Path | str) -> tuple[pd.DataFrame, Floats | None]:
    """The columns of a table and the positions (n, 2) [degrees] of its rows, None where it has none."""
    path = Path(path)
    if not path.is_file():
        raise DrylandsError(f"table {str(path)!r} does not exist")
    if path.suffix.lower() in (".csv", ".gz", ".txt"):
        frame = pd.read_csv(path)
        return frame, _positions(frame)
    return _read_geometries(path)


def samples_of(
    frame: pd.DataFrame,
    degrees: Floats | None,
    *,
    target: str,
    predictors: Sequence[str] = (),
    group: str | None = None,
    log: bool = False,
    source: str = "",
) -> Samples:
    """The rows without a gap. ``predictors`` empty: all other columns of numbers but coordinates and the group.

    ``log``: the natural logarithm of the target, whose values must be above 0. Raises DrylandsError for a column that
    is not there, and for fewer than 10 rows.
    """
    named = [target, *predictors, *([group] if group else [])]
    missing = [name for name in named if name not in frame]
    if missing:
        raise DrylandsError(
            f"column {missing[0]!r} is not in the table, which has {', '.join(map(str, frame.columns))}"
        )
    chosen = list(predictors) or _numeric(frame, {target, group})
    numbers = frame[[target, *chosen]].apply(pd.to_numeric, errors="coerce").astype(float)
    sound = np.isfinite(numbers.to_numpy()).all(axis=1)
    if group:
        sound &= frame[group].notna().to_numpy()
    if sound.sum() < 10:
        raise DrylandsError(
            f"{int(sound.sum())} of {len(frame)} rows have target and predictors; at least 10 are needed"
        )
    values = numbers.loc[sound, target].to_numpy()
    if log and not (values > 0).all():
        raise DrylandsError(f"target {target!r} has values down to {values.min():.4g}; a logarithm needs them above 0")
    return Samples(
        numbers.loc[sound, chosen].reset_index(drop=True),
        np.log(values) if log else values,
        None if degrees is None else degrees[sound],
        frame.loc[sound, group].to_numpy() if group else None,
        int((~sound).sum()),
        source,
    )


def _numeric(frame: pd.DataFrame, others: set[str | None]) -> list[str]:
    skipped = {name for pair in COORDINATES for name in pair}
    found = [
        str(name)
        for name in frame.columns
        if name not in others and str(name).lower() not in skipped and pd.api.types.is_numeric_dtype(frame[name])
    ]
    if not found:
        raise DrylandsError("the table has no column of numbers besides the target: give --predictors")
    return found


def _positions(frame: pd.DataFrame) -> Floats | None:
    lower = {str(name).lower(): name for name in frame.columns}
    for east, north in COORDINATES:
        if east in lower and north in lower:
            degrees = frame[[lower[east], lower[north]]].to_numpy(float)
            if (np.abs(degrees[np.isfinite(degrees).all(axis=1)]) <= (360, 90)).all():
                return degrees
            raise DrylandsError(f"columns {lower[east]!r} and {lower[north]!r} are no degrees")
    return None


def _read_geometries(path: Path) -> tuple[pd.DataFrame, Floats | None]:
    try:
        import geopandas
    except ImportError:
        raise DrylandsError(
            f"table {str(path)!r} needs geopandas: pip install 'drylands-openeo[train]'; CSV does without"
        ) from None
    try:
        parquet = path.suffix.lower() in (".parquet", ".geoparquet")
        table = geopandas.read_parquet(path) if parquet else geopandas.read_file(path, engine="pyogrio")
    except Exception as error:
        raise DrylandsError(f"table {str(path)!r} cannot be read: {error}") from error
    if table.crs is None:
        raise DrylandsError(f"table {str(path)!r} has geometries without a projection")
    points = table.geometry.to_crs("EPSG:4326").representative_point()
    degrees = np.column_stack([points.x.to_numpy(), points.y.to_numpy()])
    return pd.DataFrame(table.drop(columns=table.geometry.name)), degrees
