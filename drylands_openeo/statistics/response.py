"""The response of vegetation to drought, summed up by land cover."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from drylands_openeo import tables
from drylands_openeo.errors import DrylandsError

TABLE = tables.read("land_cover")
NAMES = {int(value): str(name) for value, name in TABLE["unccd"].items()}
BANDS = ("lag", "r", "p_any")


def in_seven_classes(codes: NDArray[Any], legend: str) -> NDArray[np.float64]:
    """Land-cover codes of a legend ("worldcover", "unccd") as the seven classes of the UNCCD; NaN for any other code.

    >>> in_seven_classes(np.array([10, 40, 0]), "worldcover")
    array([ 1.,  3., nan])
    """
    if legend not in TABLE["legends"]:
        raise DrylandsError(f"legend {legend!r} is not known; there are {', '.join(TABLE['legends'])}")
    out = np.full(np.shape(codes), np.nan)
    for code, value in TABLE["legends"][legend].items():
        out[np.asarray(codes) == int(code)] = value
    return out


def by_land_cover(
    maps: Mapping[str, NDArray[Any]],
    classes: NDArray[Any],
    areas: NDArray[np.float64],
    *,
    alpha: float = 0.05,
    names: Mapping[int, str] = NAMES,
) -> pd.DataFrame:
    """One row a class: pixels, ``area`` [km2], median ``r``, ``lag`` [months] and share of area [%] that responds.

    ``maps``: the bands lag, r and p_any of `vegetation_response`, each (y, x); ``classes`` and ``areas`` [km2] (y, x).
    ``r``: median of all pixels with a value; ``lag``: median of those whose response stands (r > 0, p_any <= alpha);
    ``responds``: their share. Classes without a pixel are left out.

    >>> one = np.ones((1, 4))
    >>> maps = {"lag": one * 2, "r": np.array([[0.9, 0.7, 0.1, 0.2]]), "p_any": np.array([[0.01, 0.01, 0.5, 0.5]])}
    >>> by_land_cover(maps, np.array([[3, 3, 1, 1]]), one)[["class", "pixels", "r", "lag", "responds"]]
              class  pixels     r  lag  responds
    0  tree-covered       2  0.15  NaN       0.0
    1      cropland       2  0.80  2.0     100.0
    """
    missing = [band for band in BANDS if band not in maps]
    if missing:
        raise DrylandsError(f"maps has no band {missing[0]!r}; it has {', '.join(maps)}")
    known = np.isfinite(maps["r"])
    stands = known & (maps["r"] > 0) & (maps["p_any"] <= alpha)
    rows = []
    for value, name in names.items():
        here = known & (classes == value)
        if not here.any():
            continue
        responding = here & stands
        total = float(areas[here].sum())
        rows.append(
            {
                "class": name,
                "pixels": int(here.sum()),
                "area": total,
                "r": float(np.median(maps["r"][here])),
                "lag": float(np.median(maps["lag"][responding])) if responding.any() else float("nan"),
                "responds": 100 * float(areas[responding].sum()) / total,
            }
        )
    return pd.DataFrame(rows)
