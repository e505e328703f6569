"""RESTREND as a product on the engine: the kernel's numbers, and no change where nothing but rain acts."""

import numpy as np
from cubes import GRID, computed, held, months

from drylands_openeo.kernel import Kernel

T = months("1998-01", "2020-12")
PERIOD = ["1998-01-01", "2021-01-01"]
SHAPE = (len(T), *GRID.shape)
SEASON = (np.arange(len(T)) % 12 == 7).reshape(-1, 1, 1)


def layers(decline, seed=0):
    rng = np.random.default_rng(seed)
    rain = rng.gamma(2, 20, SHAPE)
    total = sum(np.roll(rain, back, axis=0) for back in range(3))
    course = np.arange(len(T)).reshape(-1, 1, 1) / 12 * decline
    vi = SEASON * (0.2 + 0.002 * total + course) + rng.normal(0, 0.003, SHAPE)
    return {"vegetation": held(T, vi=vi), "climate": held(T, precipitation=rain, pet=50.0)}, vi, rain


def test_the_product_is_the_kernel():
    given, vi, rain = layers(-0.004)
    found = computed("restrend", given, PERIOD)
    moved = [np.moveaxis(values.astype(np.float32), 0, -1) for values in (vi, rain)]
    expected = Kernel("restrend").module.restrend(moved[0][..., 24:], moved[1])
    for name in ("method", "accumulation", "offset"):
        np.testing.assert_array_equal(found.sel(bands=name), expected[name])
    for name in ("vpr_slope", "vpr_r2", "residual_slope", "total_change"):
        np.testing.assert_allclose(found.sel(bands=name), expected[name], rtol=1e-3, atol=1e-6)


def test_a_decline_that_rain_does_not_explain_is_found():
    found = computed("restrend", layers(-0.004)[0], PERIOD)
    assert (found.sel(bands="total_change") < -0.05).mean() > 0.95
    assert (found.sel(bands="accumulation") == 3).mean() > 0.95


def test_where_only_rain_acts_there_is_hardly_a_change():
    found = computed("restrend", layers(0.0, seed=1)[0], PERIOD)
    assert (found.sel(bands="total_change") == 0).mean() > 0.7


def test_constant_vegetation_is_indeterminate():
    given = {"vegetation": held(T, vi=0.3), "climate": layers(0)[0]["climate"]}
    found = computed("restrend", given, PERIOD)
    assert set(np.unique(found.sel(bands="method"))) <= {4.0, 5.0}
    assert np.isnan(found.sel(bands="total_change")).all()
