"""Rates of degradation and recovery: known shifts, honest samples, and the benchmark of strata."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, stats

from drylands_openeo.errors import KernelInputError, RegionError
from drylands_openeo.statistics.potential import Levels, potential
from drylands_openeo.statistics.rates import compare, correlation_range, rates, thinned

RNG = np.random.default_rng(11)


def test_a_planted_shift_lies_in_the_interval():
    inside = 0
    for _ in range(60):
        found = compare(RNG.normal(0.5, 0.1, 40), RNG.normal(0.6, 0.1, 60))
        inside += found["low"] <= 0.1 <= found["high"]
    assert inside >= 52  # 95 % of 60 are 57, give or take


def test_delta_and_p_are_those_of_mann_and_whitney():
    one, other = RNG.normal(0, 1, 30), RNG.normal(0.5, 1, 25)
    found = compare(one, other)
    test = stats.mannwhitneyu(other, one)
    assert found["p"] == test.pvalue
    np.testing.assert_allclose(found["delta"], 2 * test.statistic / (30 * 25) - 1)
    np.testing.assert_allclose(found["shift"], np.median(other[:, None] - one))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_sides_exchanged_change_the_sign(one, other):
    ahead, back = compare(one, other), compare(other, one)
    np.testing.assert_allclose([ahead["shift"], ahead["delta"]], [-back["shift"], -back["delta"]], atol=1e-12)
    assert ahead["low"] <= ahead["shift"] <= ahead["high"]


def test_the_range_is_that_of_the_smoothing():
    noise = RNG.normal(size=(120, 120))
    assert correlation_range(noise) == 1
    smooth = correlation_range(ndimage.uniform_filter(noise, 9, mode="wrap"))
    assert 7 <= smooth <= 10
    holed = np.where(RNG.random(noise.shape) < 0.3, np.nan, ndimage.uniform_filter(noise, 9, mode="wrap"))
    assert abs(correlation_range(holed) - smooth) <= 1
    assert correlation_range(np.full((5, 5), np.nan)) == 1


def test_thinning_keeps_the_test_honest():
    """Two halves of one smooth random map: all pixels find a difference in nearly every map, thinned ones do not."""

    def finds(step):
        hits = 0
        for _ in range(40):
            smooth = ndimage.gaussian_filter(RNG.normal(size=(64, 64)), 4, mode="wrap")
            sample = thinned(smooth.shape, step)
            left = np.zeros(smooth.shape, bool)
            left[:, :32] = True
            hits += compare(smooth[left & sample], smooth[~left & sample])["p"] <= 0.05
        return hits / 40

    assert finds(1) > 0.7
    assert finds(16) < 0.25


def test_areas_are_of_all_pixels_and_samples_of_the_thinned():
    effect = np.zeros((12, 12))
    effect[:, :4], effect[:, 8:] = -0.8, 0.4
    groups = np.repeat([[1], [2]], 6, axis=0) * np.ones((12, 12))
    found = rates(effect, np.full((12, 12), 2.0), groups, {1: "crop", 2: "grass"}, step=2)
    crop, grass, every = found
    assert (crop.group, grass.group, every.group) == ("crop", "grass", "all")
    assert (crop.degrading_km2, crop.recovering_km2) == (48, 48)
    assert crop.degrading_km2 + grass.degrading_km2 == every.degrading_km2
    assert crop.degrading_n == 6
    np.testing.assert_allclose([every.shift, every.low, every.high, every.delta], [-0.4, -0.4, -0.4, -1])


def test_nothing_to_compare_is_nan_and_wrong_input_is_refused():
    assert np.isnan(compare([], [1.0, 2.0])["shift"])
    with pytest.raises(KernelInputError, match="must have one shape"):
        rates(np.zeros((2, 2)), np.zeros((2, 3)), np.zeros((2, 2)), {}, step=1)
    with pytest.raises(KernelInputError, match="at least 1 pixel"):
        thinned((3, 3), 0)
    with pytest.raises(KernelInputError, match="shape"):
        correlation_range([1.0])


def test_the_potential_is_the_percentile_of_the_stratum():
    strata = RNG.integers(1, 4, 20_000)
    mnpp = np.exp(RNG.normal(1, 0.4, strata.shape)) * strata
    found = dict(map(tuple, potential(Levels.of(strata, mnpp))))
    for stratum in (1, 2, 3):
        np.testing.assert_allclose(found[stratum], np.quantile(mnpp[strata == stratum], 0.9), rtol=0.004)


def test_tiles_make_no_difference_to_the_potential():
    strata, mnpp = RNG.integers(1, 4, 5000), np.exp(RNG.normal(1, 0.4, 5000))
    pieces = [Levels.of(strata[i::7], mnpp[i::7]) for i in range(7)]
    assert potential(Levels.sum(reversed(pieces))) == potential(Levels.of(strata, mnpp))


def test_strata_with_too_few_pixels_have_no_potential():
    with pytest.raises(RegionError, match="no stratum has 100 pixels with MNPP; there are 3 in all"):
        potential(Levels.of([1, 1, 1], [2.0, 3.0, 4.0]))
