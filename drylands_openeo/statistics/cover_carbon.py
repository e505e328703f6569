"""How soil organic matter goes with the cover of green and dry plants, vegetation type by vegetation type."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from drylands_openeo.errors import RegionError

Floats = NDArray[np.float64]

FEWEST = 10
"""Samples that a type must have."""

SHOWN = 2000
"""Points drawn in a panel, at most."""


@dataclass(frozen=True)
class Relation:
    """carbon = intercept + slope x cover in one vegetation type, with the confidence interval of the slope.

    ``clusters``: how many groups of samples the interval rests on; None where samples were taken as independent.
    """

    vegetation: str
    cover: str
    slope: float
    lower: float
    upper: float
    intercept: float
    r2: float
    p: float
    count: int
    clusters: int | None


def relate(
    covers: Mapping[str, ArrayLike],
    carbon: ArrayLike,
    vegetation: ArrayLike,
    *,
    names: Mapping[Any, str] | None = None,
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Relation]:
    """A line for each vegetation type and cover, by least squares; types with fewer than 10 samples are left out.

    ``covers``: name -> values or changes of a cover (n,); ``carbon``: soil organic matter or its change (n,);
    ``vegetation``: codes or names (n,), ``names`` of the codes. ``clusters``: labels (n,) of samples that are not
    independent, pixels of one block or plot; intervals are then robust to it (Liang and Zeger 1986,
    doi:10.1093/biomet/73.1.13). Pixels are never independent: without clusters their intervals are far too narrow.

    >>> found = relate({"pv": np.arange(12.0)}, 3 + 2 * np.arange(12.0), ["steppe"] * 12)[0]
    >>> round(found.slope, 6), round(found.intercept, 6), round(found.r2, 6)
    (2.0, 3.0, 1.0)
    """
    y, types = np.asarray(carbon, float).ravel(), np.asarray(vegetation).ravel()
    groups = None if clusters is None else np.asarray(clusters).ravel()
    given = {name: np.asarray(values, float).ravel() for name, values in covers.items()}
    lengths = {len(values) for values in (y, types, *given.values(), *(() if groups is None else (groups,)))}
    if len(lengths) != 1 or not 0 < level < 1:
        raise RegionError(f"covers, carbon, vegetation and clusters have lengths {sorted(lengths)}, level {level}")
    found = []
    for code in pd.unique(types[~pd.isna(types)]):
        for cover, x in given.items():
            sound = (types == code) & np.isfinite(x) & np.isfinite(y)
            if sound.sum() < FEWEST or np.ptp(x[sound]) == 0:
                continue
            label = str((names or {}).get(code, code))
            own = None if groups is None else groups[sound]
            found.append(_line(label, cover, x[sound], y[sound], own, level))
    if not found:
        raise RegionError(f"no vegetation type has {FEWEST} samples with cover and carbon")
    return sorted(found, key=lambda relation: (relation.vegetation, relation.cover))


def _line(vegetation: str, cover: str, x: Floats, y: Floats, groups: Any, level: float) -> Relation:
    centred, count = x - x.mean(), len(x)
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    intercept = float(y.mean() - slope * x.mean())
    residual = y - intercept - slope * x
    total = float(np.sum((y - y.mean()) ** 2))
    if groups is None:
        freedom, number = count - 2, None
        error = np.sqrt(float(residual @ residual) / freedom / spread)
    else:
        labels, codes = np.unique(groups, return_inverse=True)
        number = len(labels)
        if number < 3:
            raise RegionError(f"vegetation {vegetation!r} has {number} clusters; intervals need at least 3")
        scores = np.bincount(codes, weights=centred * residual)
        correction = number / (number - 1) * (count - 1) / (count - 2)
        freedom, error = number - 1, np.sqrt(correction * float(scores @ scores)) / spread
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(slope) / error, freedom)) if error else 0.0
    r2 = 1 - float(residual @ residual) / total if total else float("nan")
    return Relation(vegetation, cover, slope, slope - half, slope + half, intercept, r2, p, count, number)


def table(relations: Sequence[Relation]) -> pd.DataFrame:
    """One row a relation."""
    return pd.DataFrame([asdict(relation) for relation in relations])


def plot(
    relations: Sequence[Relation],
    covers: Mapping[str, ArrayLike],
    carbon: ArrayLike,
    vegetation: ArrayLike,
    path: Path | str,
    *,
    names: Mapping[Any, str] | None = None,
    unit: str = "",
) -> Path:
    """A panel for each type and cover with its points (a sample of them where there are many) and line, as a PNG."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise RegionError(f"path: {str(path)!r}; a .png is needed")
    kinds = list(dict.fromkeys(relation.vegetation for relation in relations))
    given = list(dict.fromkeys(relation.cover for relation in relations))
    y = np.asarray(carbon, float).ravel()
    labels = np.array([str((names or {}).get(code, code)) for code in np.asarray(vegetation).ravel()])
    figure = Figure(figsize=(3.4 * len(given), 2.8 * len(kinds)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(kinds), len(given), squeeze=False)
    for relation in relations:
        axes = panels[kinds.index(relation.vegetation)][given.index(relation.cover)]
        x = np.asarray(covers[relation.cover], float).ravel()
        sound = np.flatnonzero((labels == relation.vegetation) & np.isfinite(x) & np.isfinite(y))
        drawn = np.random.default_rng(0).permutation(sound)[:SHOWN]
        ends = np.array([x[sound].min(), x[sound].max()])
        axes.plot(x[drawn], y[drawn], ".", color="#9a9a9a", markersize=3)
        axes.plot(ends, relation.intercept + relation.slope * ends, color="#b3261e", linewidth=1.5)
        slope = f"{relation.slope:.3g} [{relation.lower:.3g}, {relation.upper:.3g}]"
        axes.set_title(f"{relation.vegetation}: {slope}, R2 {relation.r2:.2f}", fontsize=8)
        axes.set(xlabel=relation.cover, ylabel=f"soil organic matter {unit}".strip())
    content = BytesIO()
    figure.savefig(content, format="png")
    path.write_bytes(content.getvalue())
    return path
