"""Cover against soil organic matter: the planted slope comes back, and its interval holds it as often as it says."""

import numpy as np
import pytest
from scipy import stats

from drylands_openeo.errors import RegionError
from drylands_openeo.statistics.cover_carbon import plot, relate, table


def sample(count=60, *, seed=0, slope=25.0):
    random = np.random.default_rng(seed)
    pv = random.uniform(0, 0.6, count)
    return pv, 8 + slope * pv + random.normal(0, 2, count)


def test_a_line_is_that_of_scipy():
    pv, carbon = sample()
    (found,) = relate({"pv": pv}, carbon, ["steppe"] * 60)
    line = stats.linregress(pv, carbon)
    assert found.slope == pytest.approx(line.slope)
    assert found.p == pytest.approx(line.pvalue)
    assert found.r2 == pytest.approx(line.rvalue**2)
    assert (found.upper - found.lower) / 2 == pytest.approx(stats.t.ppf(0.975, 58) * line.stderr)


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = [
        found.lower <= 25 <= found.upper
        for seed in range(300)
        for found in relate({"pv": sample(seed=seed)[0]}, sample(seed=seed)[1], ["a"] * 60, level=0.9)
    ]
    assert 0.85 < np.mean(held) < 0.95


def test_pixels_of_one_block_are_not_many_samples():
    """Each value copied 20 times: the naive interval shrinks by sqrt(20), the clustered one stays."""
    pv, carbon = sample(40)
    once = relate({"pv": pv}, carbon, ["a"] * 40, clusters=np.arange(40))[0]
    blocks = np.repeat(np.arange(40), 20)
    naive = relate({"pv": np.repeat(pv, 20)}, np.repeat(carbon, 20), ["a"] * 800)[0]
    robust = relate({"pv": np.repeat(pv, 20)}, np.repeat(carbon, 20), ["a"] * 800, clusters=blocks)[0]
    assert robust.upper - robust.lower == pytest.approx(once.upper - once.lower, rel=0.03)
    assert naive.upper - naive.lower < 0.3 * (robust.upper - robust.lower)


def test_types_have_their_own_lines_and_small_ones_none(tmp_path):
    pv, carbon = sample(100)
    code = np.r_[np.full(50, 1), np.full(45, 2), np.full(5, 3)]
    carbon = np.where(code == 2, 8 - 5 * pv, carbon)
    npv = 0.5 - pv / 2
    found = relate({"pv": pv, "npv": npv}, carbon, code, names={1: "steppe", 2: "dunes"})
    assert [(one.vegetation, one.cover) for one in found] == [
        ("dunes", "npv"), ("dunes", "pv"), ("steppe", "npv"), ("steppe", "pv")
    ]  # fmt: skip
    assert found[1].slope == pytest.approx(-5)
    assert table(found).shape == (4, 10)
    drawn = plot(found, {"pv": pv, "npv": npv}, carbon, code, tmp_path / "r.png", names={1: "steppe", 2: "dunes"})
    assert drawn.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"carbon": [1.0, 2.0]}, r"lengths \[2, 60\]"),
        ({"clusters": np.arange(60) % 2}, "has 2 clusters"),
        ({"carbon": [np.nan] * 60}, "no vegetation type has 10 samples"),
    ],
)
def test_what_cannot_be_related_is_told(options, message):
    pv, carbon = sample()
    with pytest.raises(RegionError, match=message):
        relate({"pv": pv}, **{"carbon": carbon, "vegetation": ["a"] * 60, **options})
