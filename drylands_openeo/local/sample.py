"""Values of a graph's result at points, read window by window: the predictors of a regression."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from threadpoolctl import threadpool_limits

from drylands_openeo.area import Area
from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local.output import canonical
from drylands_openeo.local.run import Progress, silent
from drylands_openeo.samples import read_table

MARGIN = 0.01
"""How far an area reaches beyond its points [degrees]."""

WINDOW = 256
"""Edge of the windows in which points are read together [pixels]: that of the neighbourhoods of textures."""


def points_of(path: Path | str) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The columns of a table of plots and their positions (n, 2) [degrees]."""
    frame, degrees = read_table(path)
    if degrees is None:
        raise DrylandsError(f"table {str(path)!r} has no positions: columns longitude and latitude, or geometries")
    if not np.isfinite(degrees).all():
        raise DrylandsError(
            f"table {str(path)!r} has {int((~np.isfinite(degrees)).any(axis=1).sum())} rows without position"
        )
    return frame, degrees


def area_around(degrees: NDArray[np.float64]) -> Area:
    """The bounding box of points (n, 2), a little wider."""
    west, south = degrees.min(axis=0) - MARGIN
    east, north = degrees.max(axis=0) + MARGIN
    return Area.of([float(west), float(south), float(east), float(north)])


def sampled(
    graph: Mapping[str, Any], environment: Environment, degrees: NDArray[np.float64], *, progress: Progress = silent
) -> pd.DataFrame:
    """One row a point (n, 2) [degrees] and one column a band (band_date where there are dates); NaN outside."""
    plan = Plan(Program.parse(graph), environment)
    if plan.grid is None:
        raise DrylandsError("the graph's result has no pixels to be sampled")
    transformer = Transformer.from_crs("EPSG:4326", str(plan.grid.crs), always_xy=True)
    x, y = transformer.transform(*degrees.T)
    a, b, c, d, e, f = (~plan.grid.affine)[:6]
    columns, rows = (np.floor(values).astype(int) for values in (a * x + b * y + c, d * x + e * y + f))
    inside = (rows >= 0) & (columns >= 0) & (rows < plan.grid.shape[0]) & (columns < plan.grid.shape[1])
    if not inside.any():
        raise DrylandsError("none of the points lies on the result's grid; check the area and the positions")
    windows = np.unique(np.column_stack([rows, columns])[inside] // WINDOW, axis=0)
    frame: pd.DataFrame | None = None
    with threadpool_limits(1, user_api="blas"):
        for done, (row, column) in enumerate(windows, start=1):
            here = np.flatnonzero(inside & (rows // WINDOW == row) & (columns // WINDOW == column))
            top, left = rows[here].min(), columns[here].min()
            cube = canonical(plan.evaluate(plan.grid[top : rows[here].max() + 1, left : columns[here].max() + 1]))
            if frame is None:
                frame = pd.DataFrame(np.nan, index=range(len(degrees)), columns=_labels(cube))
            values = cube.values[..., rows[here] - top, columns[here] - left]
            frame.loc[here, :] = values.reshape(-1, len(here)).T
            progress(done, len(windows))
    assert frame is not None
    return frame


def _labels(cube: Any) -> list[str]:
    bands = [str(band) for band in cube["bands"].values]
    if "t" not in cube.dims:
        return bands
    return [f"{band}_{str(date)[:10]}" for date in cube["t"].values for band in bands]
