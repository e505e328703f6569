"""Pictures of tables for people: the area in drought and its intensity, year by year."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drylands_openeo.write.bands import checked_target

LINE = "#1b1b1b"


def drought_curves(
    path: str | Path,
    table: pd.DataFrame,
    trends: pd.DataFrame,
    classes: Sequence[str],
    *,
    title: str = "",
    overwrite: bool = False,
) -> Path:
    """Draw the annual rows of a drought table as PNG: share of area by class, intensity, each with its trend.

    ``table`` and ``trends`` as ``drylands_openeo.statistics.drought`` makes them; ``classes`` from the mildest on.
    """
    path = checked_target(path, suffix=".png", overwrite=overwrite)
    annual = table[table["season"] == "annual"]
    figure = Figure(figsize=(8.0, 5.6), dpi=150, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    _stacked(above, annual, classes)
    _with_trend(above, annual, trends, "drought_area", "% per decade")
    above.set_ylim(0, 1.3 * max(1.0, float(annual["drought_area"].max())))
    above.set_ylabel("area in drought [%]")
    above.set_title(title, loc="left", fontsize=11)
    above.legend(fontsize=8, ncols=2, frameon=False, loc="upper left")
    below.plot(annual["year"], annual["intensity"], ".", color="#8c510a", label="in drought")
    below.plot(annual["year"], annual["dryness"], "-", color="0.55", linewidth=1, label="everywhere")
    _with_trend(below, annual, trends, "intensity", "per decade")
    below.set_ylabel("mean index")
    below.legend(fontsize=8, ncols=3, frameon=False)
    content = BytesIO()
    figure.savefig(content, format="png")
    path.write_bytes(content.getvalue())
    return path


def _stacked(axes: Axes, annual: pd.DataFrame, classes: Sequence[str]) -> None:
    colours = colormaps["YlOrBr"](np.linspace(0.25, 0.95, len(classes)))
    base = np.zeros(len(annual))
    for name, colour in zip(reversed(classes), colours[::-1], strict=True):
        share = annual[name.replace(" ", "_")].fillna(0).to_numpy(float)
        axes.bar(annual["year"], share, bottom=base, color=colour, width=0.9, label=name)
        base = base + share


def _with_trend(axes: Axes, annual: pd.DataFrame, trends: pd.DataFrame, quantity: str, unit: str) -> None:
    """The Theil-Sen line through the medians, with its slope, interval and probabilities."""
    row: Any = trends[(trends["season"] == "annual") & (trends["quantity"] == quantity)].iloc[0]
    years = annual["year"].to_numpy(float)
    middle, level = np.median(years), annual[quantity].median()
    text = (
        f"{row.slope_per_decade:+.2g} ({row.low:.2g} to {row.high:.2g}) {unit}, "
        f"p {row.p:.2g} (Hamed-Rao {row.p_hamed_rao:.2g})"
    )
    axes.plot(years, level + row.slope_per_decade / 10 * (years - middle), color=LINE, linewidth=1.5, label=text)
