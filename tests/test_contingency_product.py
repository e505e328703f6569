"""The contingency product on the engine: known trends give the class of the table; the properties of the issue."""

import numpy as np
import pytest
from cubes import GRID, computed, held, months, years
from hypothesis import given, settings
from hypothesis import strategies as st

from drylands_openeo.errors import DrylandsError

FIRST, LAST = 2001, 2020
PERIOD = [f"{FIRST}-01-01", f"{LAST + 1}-01-01"]
COUNT = LAST - FIRST + 1
COURSE = np.linspace(-0.5, 0.5, COUNT).reshape(-1, 1, 1)


def noise(seed, size):
    return np.exp(np.random.default_rng(seed).normal(0, size, (COUNT, *GRID.shape)))


def layers(npp, mi):
    monthly = np.repeat(np.broadcast_to(mi, (COUNT, *GRID.shape)), 12, axis=0)
    climate = held(months(f"{FIRST}-01", f"{LAST}-12"), precipitation=50 * monthly, pet=50.0)
    return {"npp": held(years(FIRST, LAST), npp=npp), "climate": climate}


def classes(npp, mi, **arguments):
    return computed("contingency", layers(npp, mi), PERIOD, **arguments)


def share(found, band, value):
    return float((found.sel(bands=band) == value).mean())


@pytest.mark.parametrize(
    ("land", "wetting", "code", "kind", "attribution"),
    [
        (-0.6, 0.0, 112, 1, 1),
        (0.6, 0.0, 332, 3, 0),
        (0.0, 0.0, 222, 2, 0),
        (-0.9, 0.9, 213, 1, 4),
    ],
    ids=["degraded", "restored", "nothing", "masked by moisture"],
)
def test_what_was_planted_is_what_is_found(land, wetting, code, kind, attribution):
    # a trickle of noise that has no trend of its own at 5 %: the same for every pixel but for its size
    wobble = 1 + 0.01 * (-1.0) ** np.arange(COUNT).reshape(-1, 1, 1) * np.ones(GRID.shape)
    mi = 0.3 * (1 + wetting * COURSE) * wobble
    found = classes(150 * (1 + land * COURSE) * (1 + wetting * COURSE) * wobble**2, mi)
    if code == 213:  # (1 - 0.9 c)(1 + 0.9 c) = 1 - 0.81 c^2: rises and falls, no trend
        assert share(found, "code", 213) > 0.9
    else:
        assert share(found, "code", code) == 1
    assert share(found, "class", kind) > 0.9
    assert share(found, "attribution", attribution) > 0.9


def test_the_reading_decides_the_open_cell():
    wobble = 1 + 0.01 * (-1.0) ** np.arange(COUNT).reshape(-1, 1, 1)
    npp, mi = 150 * (1 - 0.81 * COURSE**2) * wobble**2, 0.3 * (1 + 0.9 * COURSE) * wobble
    assert share(classes(npp, mi), "class", 1) == 1
    assert share(classes(npp, mi, reading="mirror"), "class", 2) == 1


@pytest.mark.parametrize(("decline", "degree"), [(0.15, 1), (0.35, 2), (0.6, 3)])
def test_the_degree_is_that_of_the_decline(decline, degree):
    steps = np.linspace(1, 1 - decline, COUNT).reshape(-1, 1, 1)
    steps[:5], steps[-5:] = 1 + 1e-4 * np.arange(5, 0, -1).reshape(-1, 1, 1), 1 - decline
    found = classes(150 * steps, 0.3)
    np.testing.assert_allclose(found.sel(bands="decline"), 100 * decline, atol=0.1)
    assert share(found, "degree", degree) == 1


def test_the_potential_is_what_the_best_of_the_stratum_bear():
    strata = held(years(FIRST, FIRST), stratum=np.where(np.arange(GRID.shape[1]) < 6, 1, 2))
    npp = 150 * (1 - 0.2 * (COURSE + 0.5)) * noise(3, 0.001)
    table = [[1, 10.0], [2, 20.0]]
    found = computed(
        "contingency", {**layers(npp, 0.3), "land-cover": strata}, PERIOD, benchmark="potential", potential=table
    )
    end = npp[-5:].mean(axis=0)
    expected = np.where(np.arange(GRID.shape[1]) < 6, 100 * (1 - end / 300), 100 * (1 - end / 600))
    np.testing.assert_allclose(found.sel(bands="decline"), expected, rtol=1e-4)
    with pytest.raises(DrylandsError, match="'potential' needs parameter 'potential'"):
        classes(npp, 0.3, benchmark="potential")


SERIES = st.integers(0, 2**31).map(lambda seed: 120 * noise(seed, 0.3) * (1 + COURSE * (seed % 5 - 2) / 2))


@given(SERIES, st.sampled_from([0.01, 0.5, 7.0]))
@settings(max_examples=3, deadline=None)
def test_scaling_production_changes_no_class(npp, factor):
    one, many = (classes(values, 0.3 * noise(1, 0.2), least_npp=0.0) for values in (npp, npp * factor))
    for band in ("class", "subclass", "code", "attribution"):
        np.testing.assert_array_equal(one.sel(bands=band), many.sel(bands=band))
    np.testing.assert_allclose(one.sel(bands="decline"), many.sel(bands="decline"), atol=1e-3)


@given(SERIES)
@settings(max_examples=3, deadline=None)
def test_reversing_time_swaps_degradation_and_restoration(npp):
    mi = 0.3 * noise(2, 0.2)
    ahead = classes(npp, mi, reading="mirror").sel(bands="class").values
    back = classes(npp[::-1], mi[::-1], reading="mirror").sel(bands="class").values
    np.testing.assert_array_equal(back, np.array([np.nan, 3, 2, 1])[ahead.astype(int)])


@given(st.integers(0, 2**31))
@settings(max_examples=2, deadline=None)
def test_permuting_pixels_permutes_results(seed):
    npp, mi = 120 * noise(seed, 0.3), 0.3 * noise(seed + 1, 0.2)
    order = np.random.default_rng(seed).permutation(npp[0].size)

    def shuffled(values):
        return values.reshape(COUNT, -1)[:, order].reshape(values.shape)

    found, moved = classes(npp, mi), classes(shuffled(npp), shuffled(mi))
    np.testing.assert_array_equal(moved.values.reshape(7, -1), found.values.reshape(7, -1)[:, order])


def test_constant_series_have_no_trend():
    found = classes(150.0, 0.3)
    assert share(found, "code", 222) == 1
    assert share(found, "degree", 0) == 1
    np.testing.assert_allclose(found.sel(bands="decline"), 0, atol=1e-4)


def test_too_few_years_are_no_data():
    npp = np.full((COUNT, *GRID.shape), 150.0)
    npp[7:, 0, 0] = np.nan
    found = classes(npp, 0.3).sel(bands="class").values
    assert np.isnan(found[0, 0])
    assert np.isnan(found).sum() == 1
