"""Many tests at once: which of them stand, with the share of false discoveries held down."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def adjusted(p: NDArray[Any], *, method: Literal["bh", "by"] = "bh") -> NDArray[np.float64]:
    """P-values adjusted for their number, of p's shape; NaN is no test.

    A test whose adjusted value is at most alpha stands at a false-discovery rate of alpha. ``method`` "bh": Benjamini
    and Hochberg 1995 (doi 10.1111/j.2517-6161.1995.tb02031.x), for tests that are independent or depend positively, as
    neighbouring pixels do; "by": Benjamini and Yekutieli 2001 (doi 10.1214/aos/1013699998), for any dependence.

    >>> adjusted(np.array([0.01, np.nan, 0.02, 0.5])).round(3)
    array([0.03,  nan, 0.03, 0.5 ])
    """
    from scipy.stats import false_discovery_control  # not above: it takes a second to load, and few runs need it

    out = np.full(np.shape(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = false_discovery_control(np.asarray(p, np.float64)[known], method=method)
    return out
