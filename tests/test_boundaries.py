"""Boundaries of efficiency: a planted condition comes back, nine in ten pixels lie between, tiles do not matter."""

import json

import numpy as np
import pytest
from scipy import stats

from drylands_openeo.errors import KernelInputError, RegionError
from drylands_openeo.statistics import boundaries
from drylands_openeo.statistics.boundaries import CURVES, STEP, Boundaries, Cloud, fit

SHAPE = (300, 200)


def region(seed=0, power=-0.8, bend=0.0):
    """Aridity, efficiency between two curves of it, and the condition that says where between."""
    random = np.random.default_rng(seed)
    aridity = np.exp(random.uniform(0, 3, SHAPE))
    condition = random.beta(2, 2, SHAPE)
    log = np.log(aridity)
    lower, upper = (np.exp(start + power * log + bend * log**2) for start in (-2.0, -0.5))
    return aridity, lower + condition * (upper - lower), condition


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("power", [-0.8, 0.5])
def test_a_planted_condition_is_recovered(curve, power):
    aridity, rue, condition = region(power=power)
    relative = fit(Cloud.of(aridity, rue), curve=curve).relative(aridity, rue)
    assert stats.spearmanr(relative, condition, axis=None).statistic > 0.95
    assert np.corrcoef(relative.ravel(), condition.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("quantiles", [(0.05, 0.95), (0.2, 0.9)])
def test_the_boundaries_hold_the_share_that_was_asked_for(curve, quantiles):
    aridity, rue, _ = region(seed=1)
    relative = fit(Cloud.of(aridity, rue), curve=curve, quantiles=quantiles).relative(aridity, rue)
    assert np.mean((relative >= 0) & (relative <= 1)) == pytest.approx(quantiles[1] - quantiles[0], abs=0.02)
    assert np.mean(relative < 0) == pytest.approx(quantiles[0], abs=0.01)


def test_the_quadratic_follows_a_bend_and_the_lines_do_so_by_bins():
    aridity, rue, condition = region(power=0.4, bend=-0.3)
    for curve in ("quadratic", "bin-linear"):
        relative = fit(Cloud.of(aridity, rue), curve=curve).relative(aridity, rue)
        assert np.abs(condition - relative).mean() < 0.2
        assert stats.spearmanr(relative, condition, axis=None).statistic > 0.98


@pytest.mark.parametrize("curve", CURVES)
def test_the_tiles_do_not_matter_to_the_last_bit(curve):
    aridity, rue, _ = region(seed=2)
    whole = fit(Cloud.of(aridity, rue), curve=curve)
    for rows, columns in ((7, 200), (64, 33), (300, 1)):
        tiles = [
            Cloud.of(aridity[top : top + rows, left : left + columns], rue[top : top + rows, left : left + columns])
            for top in range(0, SHAPE[0], rows)
            for left in range(0, SHAPE[1], columns)
        ]
        assert fit(Cloud.sum(tiles[::-1]), curve=curve) == whole
        assert fit(sum(tiles[1:9], tiles[0]) + Cloud.sum(tiles[9:]), curve=curve) == whole


@pytest.mark.parametrize("unit", [1e-4, 250.0, 3.7])
def test_the_scale_of_the_vegetation_index_does_not_matter(unit):
    aridity, rue, _ = region(seed=3)
    relative = fit(Cloud.of(aridity, rue)).relative(aridity, rue)
    scaled = fit(Cloud.of(aridity, unit * rue)).relative(aridity, unit * rue)
    np.testing.assert_allclose(scaled, relative, atol=4 * STEP)


def test_percentiles_are_those_of_the_pixels_to_the_width_of_a_cell():
    random = np.random.default_rng(4)
    aridity, rue = np.repeat([1.0, 2.0], 5000), random.lognormal(0, 1, 10000)
    found = fit(Cloud.of(aridity, rue), bins=2)
    for number in range(2):
        exact = np.log(np.quantile(rue[5000 * number : 5000 * number + 5000], [0.05, 0.95]))
        assert abs(found.log_lower[number] - exact[0]) < 2 * STEP
        assert abs(found.log_upper[number] - exact[1]) < 2 * STEP
    np.testing.assert_allclose(found.log_aridity, np.log([1, 2]), atol=STEP)


def test_efficiency_below_one_and_above_lie_in_cells_apart():
    x, y = Cloud.of([0.01, 0.01, 100.0], [1e-6, 1e6, 1e-6]).cells
    np.testing.assert_allclose(np.exp(x), [0.01, 0.01, 100], rtol=STEP)
    np.testing.assert_allclose(np.exp(y), [1e-6, 1e6, 1e-6], rtol=STEP)


def test_what_has_no_logarithm_is_skipped_and_counted():
    aridity, rue, _ = region()
    holes = rue.copy()
    holes[0] = np.nan
    holes[1, :5] = [0, -1, np.inf, 1, 1]
    cloud = Cloud.of(aridity, holes)
    assert cloud.skipped == 203
    assert cloud.counts.sum() == rue.size - 203
    assert (cloud + cloud).skipped == 406
    relative = fit(cloud).relative(aridity, holes)
    assert np.isnan(relative[0]).all()
    assert relative[1, 1] < 0


def test_json_gives_the_same_boundaries_back():
    found = fit(Cloud.of(*region()[:2]), curve="quadratic")
    text = json.dumps(found.as_dict())
    assert len(text) < 8000
    assert Boundaries.from_dict(json.loads(text)) == found


def test_float32_maps_stay_float32():
    aridity, rue, _ = region()
    found = fit(Cloud.of(aridity, rue))
    relative = found.relative(aridity.astype(np.float32), rue.astype(np.float32))
    assert relative.dtype == np.float32
    np.testing.assert_allclose(relative, found.relative(aridity, rue), atol=1e-5)
    assert np.isnan(found.relative([-1.0, np.nan], [1.0, 1.0])).all()
    assert found.relative(np.empty((0, 3)), np.empty((0, 3))).shape == (0, 3)


def test_bins_are_fewer_where_pixels_are_few():
    aridity, rue, _ = region()
    assert len(fit(Cloud.of(aridity, rue), bins=50).log_aridity) == 50
    assert len(fit(Cloud.of(aridity[:5], rue[:5]), bins=50).log_aridity) == 10


def test_one_value_everywhere_cannot_be_compared():
    with pytest.raises(RegionError, match="more than one aridity"):
        fit(Cloud.of(np.full(1000, 2.0), np.linspace(1, 2, 1000)))
    with pytest.raises(RegionError, match="two bins of 100 pixels at least; 50 have"):
        fit(Cloud.of(np.arange(1, 51), np.arange(1, 51)))


def test_options_that_make_no_sense_are_refused():
    cloud = Cloud.of(*region()[:2])
    with pytest.raises(KernelInputError, match="curve must be one of"):
        fit(cloud, curve="cubic")
    with pytest.raises(KernelInputError, match=r"quantiles must rise within 0\.\.1"):
        fit(cloud, quantiles=(0.9, 0.1))
    with pytest.raises(KernelInputError, match="one shape"):
        Cloud.of(np.ones(3), np.ones(4))


def test_a_monotone_spline_is_monotone():
    aridity, rue, _ = region(seed=5)
    found = fit(Cloud.of(aridity, rue), curve="spline")
    assert np.all(np.diff(found.log_lower) <= 1e-12)
    assert np.all(np.diff(found.log_upper) <= 1e-12)
    assert len(found.log_aridity) == boundaries.KNOTS
