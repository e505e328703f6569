"""2dRUE as two products on the engine: what was planted, whatever the tiles and the course of aridity."""

import numpy as np
import pytest
from cubes import GRID, computed, held, months, plan, years
from odc.geo.geobox import GeoBox
from scipy.stats import spearmanr

from drylands_openeo import tables
from drylands_openeo.engine.tiles import tiles
from drylands_openeo.kernel import Kernel
from drylands_openeo.products import get_product
from drylands_openeo.products.land_condition import KNOTS
from drylands_openeo.products.monthly import first_year, last_year
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.boundaries import CURVES, Boundaries, Cloud, fit

RNG = np.random.default_rng(5)
WIDE = GeoBox.from_bbox((500_000, 4_700_000, 600_000, 4_760_000), "EPSG:32650", resolution=1000, tight=True)
BANDS = ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme", "effect_time", "response")


def region(shift=0.0):
    """A finished map of rain use, and the condition 0..1 that was planted for both scales."""
    aridity = np.exp(RNG.uniform(0, 2.5, WIDE.shape) + shift)
    condition = RNG.uniform(0, 1, (2, *WIDE.shape))
    lower, upper = 0.02 / aridity**0.8, 0.2 / aridity**1.1
    rue = lower + condition * (upper - lower)
    response = RNG.integers(0, 5, WIDE.shape)
    effect = np.where(np.isin(response, [1, 3]), RNG.choice([-1.0, 1.0], WIDE.shape), 0.0)
    observed = dict(zip(BANDS, (*rue, aridity, aridity.copy(), effect, response), strict=True))
    return observed, condition


def boundaries(observed, **options):
    return [
        fit(Cloud.of(observed[f"aridity_{scale}"], observed[f"rue_{scale}"]), **options)
        for scale in ("mean", "extreme")
    ]


def judged(observed, fitted):
    layers = {"rain-use": held(years(2010, 2010), WIDE, **observed)}
    mean, extreme = (one.rows for one in fitted)
    return computed("land_condition", layers, "2010", boundaries_mean=mean, boundaries_extreme=extreme)


def test_the_planted_condition_comes_back():
    observed, condition = region()
    found = judged(observed, boundaries(observed))
    for place, band in enumerate(("relative_mean", "relative_extreme")):
        values = found.sel(bands=band).values
        assert spearmanr(values.ravel(), condition[place].ravel()).statistic > 0.95
        assert 0.88 <= np.mean((values >= 0) & (values <= 1)) <= 0.92


@pytest.mark.parametrize("curve", CURVES)
def test_the_graph_computes_what_the_boundaries_say(curve):
    observed, _ = region()
    fitted = boundaries(observed, curve=curve)
    found = judged(observed, fitted)
    for one, scale in zip(fitted, ("mean", "extreme"), strict=True):
        expected = one.relative(observed[f"aridity_{scale}"], observed[f"rue_{scale}"])
        np.testing.assert_allclose(found.sel(bands=f"relative_{scale}"), expected, atol=2e-5)


def test_a_shift_of_all_aridity_changes_nothing():
    state = RNG.bit_generator.state
    here, _ = region()
    RNG.bit_generator.state = state
    drier, _ = region(shift=0.7)
    drier |= {name: here[name] for name in ("rue_mean", "rue_extreme")}
    one, other = (judged(observed, boundaries(observed)) for observed in (here, drier))
    same = np.isclose(one.sel(bands="relative_mean"), other.sel(bands="relative_mean"), atol=0.01)
    assert same.mean() > 0.99


def test_states_are_the_first_row_of_the_table_that_holds():
    observed, _ = region()
    found = judged(observed, boundaries(observed))
    mean, extreme, states = (found.sel(bands=name).values for name in ("relative_mean", "relative_extreme", "state"))

    def holds(value, limits):
        low, high = limits
        return (low is None or value >= low) and (high is None or value < high)

    rows = tables.read("condition")["states"]
    for place in range(0, states.size, 17):
        pair = mean.flat[place], extreme.flat[place]
        expected = next(row["value"] for row in rows if holds(pair[0], row["mean"]) and holds(pair[1], row["extreme"]))
        assert states.flat[place] == expected


def test_trends_are_the_effects_of_time_and_condition_is_both():
    observed, _ = region()
    found = judged(observed, boundaries(observed))
    trend = found.sel(bands="trend").values
    response, effect = observed["response"], observed["effect_time"]
    expected = np.select([response == 2, response == 4, effect < 0, effect > 0], [2, 4, 1, 3], np.nan)
    np.testing.assert_array_equal(trend, expected)
    np.testing.assert_array_equal(found.sel(bands="condition"), 10 * found.sel(bands="state") + trend)


def test_a_pixel_without_data_has_no_state():
    observed, _ = region()
    fitted = boundaries(observed)
    observed["aridity_mean"][3, 4] = np.nan
    found = judged(observed, fitted).isel(y=3, x=4)
    assert np.isnan(found.sel(bands=["relative_mean", "state", "condition"])).all()
    assert not np.isnan(found.sel(bands="relative_extreme"))


def test_the_published_process_takes_the_boundaries_as_parameters():
    udp = get_product("land_condition").udp(get_profile("cdse"))
    assert [p["name"] for p in udp["parameters"]][-2:] == ["boundaries_mean", "boundaries_extreme"]
    assert str(KNOTS) in udp["description"] or any(str(KNOTS) in p["description"] for p in udp["parameters"])


def seasons(first="1999-07", last="2010-12"):
    t = months(first, last)
    shape = (len(t), *GRID.shape)
    rain = RNG.gamma(2, 15, shape)
    pet = 80 + 60 * np.sin(2 * np.pi * np.arange(len(t)) / 12).reshape(-1, 1, 1) + RNG.normal(0, 5, shape)
    vi = 0.2 + 0.001 * rain + RNG.normal(0, 0.01, shape)
    return t, vi, rain, pet


def test_rain_use_is_the_kernel_on_the_months_of_the_period():
    t, vi, rain, pet = seasons()
    layers = {"vegetation": held(t, vi=vi), "climate": held(t, precipitation=rain, pet=pet)}
    found = computed("rain_use", layers, ["1999-07-01", "2011-01-01"])
    kernel = Kernel("rain_use").module
    moved = [np.moveaxis(values.astype(np.float32), 0, -1) for values in (vi, rain, pet)]
    run = {"start": (1999, 7), "first_year": 2000, "last_year": 2010, "hydrological_month": 1}
    for name, values in kernel.observed(*moved, **run).items():
        np.testing.assert_allclose(found.sel(bands=name), values, rtol=1e-5)
    responses = kernel.stepwise(*kernel.annual(*moved, **run), range(2000, 2011))["response"]
    np.testing.assert_array_equal(found.sel(bands="response"), responses)


def test_tiles_make_no_difference_to_either_pass():
    t, vi, rain, pet = seasons()
    layers = {"vegetation": held(t, vi=vi), "climate": held(t, precipitation=rain, pet=pet)}
    ready = plan("rain_use", layers, ["1999-07-01", "2011-01-01"])
    whole = ready.evaluate(ready.grid)
    parts = [(tile, ready.evaluate(tile.window)) for tile in tiles(ready.grid, 5)]
    for tile, part in parts:
        rows, columns = part.shape[-2:]
        np.testing.assert_array_equal(
            part, whole.values[:, tile.row : tile.row + rows, tile.column : tile.column + columns]
        )
    clouds = [Cloud.of(part.sel(bands="aridity_mean"), part.sel(bands="rue_mean")) for _, part in parts]
    one = fit(Cloud.of(whole.sel(bands="aridity_mean"), whole.sel(bands="rue_mean")), least=20)
    assert fit(Cloud.sum(clouds), least=20) == one or fit(Cloud.sum(clouds), least=20).as_dict() == one.as_dict()
    assert Boundaries.from_dict(one.as_dict()).rows == one.rows


def test_years_leave_room_for_the_rain_before_them():
    period = {"temporal_extent": ["2000-01-01", "2005-07-01"], "hydrological_month": 4}
    assert first_year(period, 3) == 2000
    assert first_year(period, 4) == 2001
    assert last_year(period) == 2004
