"""Vegetation that follows drought is found to, at the lag that was planted; noise is not."""

import climates
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from climates import saved, with_units
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import FormulaLayer
from odc.geo.geobox import GeoBox
from scipy.stats import pearsonr

from drylands_openeo.engine import Environment, Extent, Plan, Program
from drylands_openeo.engine.tiles import evaluate_tiles
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel
from drylands_openeo.local import source_of
from drylands_openeo.local.sources import ByRole
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.response import by_land_cover, in_seven_classes

KERNEL = Kernel("response")
response = KERNEL.module.response
T = 240
MONTH = np.arange(T) % 12 + 1


def red(random, shape, memory=0.9):
    """Noise with memory, (..., t)."""
    white = random.standard_normal((*shape, T))
    out = white.copy()
    for step in range(1, T):
        out[..., step] = memory * out[..., step - 1] + np.sqrt(1 - memory**2) * white[..., step]
    return out


def planted(lag, noise=0.3, seed=0, shape=(5,)):
    """(vegetation, drought): greenness follows drought ``lag`` months before, with season, trend and noise."""
    random = np.random.default_rng(seed)
    index = red(random, shape, 0.8)
    season = 0.3 * np.sin(2 * np.pi * MONTH / 12)
    green = 0.4 + season + 0.0005 * np.arange(T) + 0.05 * np.roll(index, lag, axis=-1)
    return green + 0.05 * noise * random.standard_normal(index.shape), index - 0.004 * np.arange(T)


@pytest.mark.parametrize("lag", [0, 1, 5, 12])
def test_the_planted_lag_comes_back(lag):
    found, r, p, p_any, effective, count = response(*planted(lag), MONTH)
    np.testing.assert_array_equal(found, lag)
    assert (r > 0.9).all()
    assert (p < 1e-6).all()
    assert (p_any >= p).all()
    np.testing.assert_array_equal(count, T - lag)
    assert (effective < count).all()


def test_r_and_p_are_those_of_scipy_where_nothing_has_memory():
    random = np.random.default_rng(5)
    green, dry = random.standard_normal((2, T))
    _, r, p, _, effective, count = response(green, dry, np.ones(T, int), largest_lag=0)
    flat = [field - np.polyval(np.polyfit(np.arange(T), field, 1), np.arange(T)) for field in (green, dry)]
    expected = pearsonr(*flat)
    assert float(r) == pytest.approx(expected.statistic, abs=1e-12)
    assert effective / count == pytest.approx(1, abs=0.05)
    assert float(p) == pytest.approx(expected.pvalue, rel=0.05)


def test_memory_costs_degrees_of_freedom_by_the_formula():
    random = np.random.default_rng(2)
    green, dry = red(random, (1,)), red(random, (1,))
    _, _, _, _, effective, count = response(green, dry, np.ones(T, int), largest_lag=0)
    lines = [f[0] - np.polyval(np.polyfit(np.arange(T), f[0], 1), np.arange(T)) for f in (green, dry)]
    memory = np.prod([np.corrcoef(line[1:], line[:-1])[0, 1] for line in lines])
    assert float(effective[0]) == pytest.approx(count[0] * (1 - memory) / (1 + memory), rel=1e-9)


def test_noise_with_memory_is_rarely_called_a_response():
    random = np.random.default_rng(8)
    green, dry = red(random, (2000,)), red(random, (2000,))
    _, _, p, p_any, *_ = response(green, dry, MONTH)
    assert (p_any <= 0.05).mean() < 0.05
    assert (p <= 0.05).mean() > 0.05  # the best of thirteen lags is no single test


def test_a_season_counts_only_its_months():
    green, dry = planted(3)
    wintry = green.copy()
    wintry[..., np.isin(MONTH, [11, 12, 1, 2])] += np.random.default_rng(1).normal(0, 3, (5, T // 3))
    lag, r, _, _, _, count = response(wintry, dry, MONTH, season=[4, 5, 6, 7, 8, 9])
    np.testing.assert_array_equal(lag, 3)
    assert (r > 0.85).all()
    np.testing.assert_array_equal(count, T // 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.4))
def test_gaps_shapes_and_types_leave_the_answer(seed, gaps):
    random = np.random.default_rng(seed)
    green, dry = planted(2, seed=seed, shape=(2, 3))
    green[random.random(green.shape) < gaps] = np.nan
    found = response(green, dry, MONTH)
    flat = response(green.reshape(6, T), dry.reshape(6, T), MONTH)
    for one, two in zip(found, flat, strict=True):
        np.testing.assert_array_equal(one.ravel(), two)
    np.testing.assert_array_equal(found[0], 2)
    single = response(green.astype(np.float32), dry.astype(np.float32), MONTH)
    assert all(band.dtype == np.float32 for band in single)
    np.testing.assert_allclose(single[1], found[1], atol=1e-4)
    shifted = response(2 * green - 7, 0.1 * dry + 3, MONTH)
    np.testing.assert_allclose(shifted[1], found[1], atol=1e-9)


def test_empty_constant_and_short_pixels_are_nan():
    dry = planted(0)[1]
    for green in (np.full_like(dry, np.nan), np.full_like(dry, 0.3), np.where(np.arange(T) < 20, dry, np.nan)):
        assert all(np.isnan(band).all() for band in response(green, dry, MONTH))
    assert all(band.shape == (0,) for band in response(np.empty((0, T)), np.empty((0, T)), MONTH))


def test_wrong_input_is_told():
    with pytest.raises(ValueError, match="one shape"):
        response(np.ones((2, T)), np.ones(T), MONTH)
    with pytest.raises(ValueError, match="one calendar month"):
        response(np.ones(T), np.ones(T), MONTH + 1)
    with pytest.raises(ValueError, match="largest_lag is 300"):
        response(np.ones(T), np.ones(T), MONTH, largest_lag=300)
    cube = xr.DataArray(np.ones((2, 1, 1, 1)), dims=("t", "bands", "y", "x"), coords={"bands": ["ndvi"]})
    with pytest.raises(ValueError, match="'vegetation', 'drought'"):
        KERNEL.local(cube)


# By land cover


def test_codes_become_the_seven_classes_and_others_nothing():
    np.testing.assert_array_equal(in_seven_classes([10, 20, 30, 40, 95, 7], "worldcover"), [1, 2, 2, 3, 4, np.nan])
    with pytest.raises(DrylandsError, match="'corine' is not known; there are unccd, worldcover"):
        in_seven_classes([1], "corine")


def test_crops_that_respond_stand_out_from_trees():
    strong, weak = planted(2, 0.3, 1, (40,)), planted(2, 8.0, 2, (40,))
    rows = [np.concatenate([one, two]) for one, two in zip(strong, weak, strict=True)]
    bands = dict(zip(KERNEL.module.BANDS, (band[None] for band in response(*rows, MONTH)), strict=True))
    classes = np.repeat([3, 1], 40)[None]
    found = by_land_cover(bands, classes, np.full((1, 80), 2.0)).set_index("class")
    assert found.loc["cropland", "responds"] == 100
    assert found.loc["cropland", "lag"] == 2
    assert found.loc["cropland", "r"] > found.loc["tree-covered", "r"] + 0.3
    assert found.loc["tree-covered", "area"] == 80
    with pytest.raises(DrylandsError, match="no band 'p_any'"):
        by_land_cover({"lag": rows[0], "r": rows[0]}, classes, classes)


# The product


GRID = GeoBox.from_bbox((101.0, 43.0, 103.0, 44.0), "EPSG:4326", resolution=0.125)
DATES = pd.date_range("1994-01-08", "1999-12-28", freq="16D")


class Greenness(FormulaLayer):
    """Red and near infrared whose NDVI follows the season and the rain of two months before."""

    def read(self, window):
        month = (DATES.year * 12 + DATES.month - 1990 * 12 - 1).to_numpy()
        rain = climates.truth(months=120).precipitation.values[:, 1, 1]
        unusual = WET[month - 2]
        ndvi = 0.35 + 0.15 * np.cos(2 * np.pi * (DATES.month.to_numpy() - 7) / 12) + 0.05 * unusual
        assert len(rain) == 120
        spread = np.broadcast_to(ndvi[:, None, None], (len(DATES), *window.shape))
        planes = {"red": np.full(spread.shape, 0.1), "nir": 0.1 * (1 + spread) / (1 - spread), "scl": 0 * spread + 5}
        cube = np.stack([planes[band] for band in self.bands], axis=1).astype(np.float32)
        return on_grid(cube, window, t=DATES.to_numpy(), bands=list(self.bands))


WET = np.random.default_rng(0).normal(0, 1, 120)


class Images:
    def collection(self, collection, extent: Extent):
        return Greenness(GRID, tuple(DATES.to_numpy()), tuple(extent.bands))

    def stac_at(self, url, extent):
        raise AssertionError(url)


def test_the_product_finds_the_lag_between_images_and_a_climate_of_its_own_grid(tmp_path):
    dataset = climates.truth(months=120)
    dataset["precipitation"] = dataset.precipitation * np.exp(0.5 * WET)[:, None, None]
    climate = source_of(cube=saved(with_units(dataset), tmp_path / "climate.nc"))
    graph = get_product("vegetation_response").flat_graph(
        get_profile("local"), spatial_extent=[101, 43, 103, 44], temporal_extent="1994/1999",
        climate_extent=["1990-01-01", "2000-01-01"], drought_index="spi", accumulation=1, largest_lag=6,
        erosion=0, dilation=0,
    )  # fmt: skip
    plan = Plan(Program.parse(graph), Environment(ByRole({"climate": climate}, Images())))
    whole = plan.evaluate()
    assert [*whole.bands.values] == [band.name for band in get_product("vegetation_response").outputs({})]
    assert dict(whole.sizes) == {"bands": 6, "y": 8, "x": 16}
    np.testing.assert_array_equal(whole.sel(bands="lag"), 2)
    assert (whole.sel(bands="r") > 0.9).all()
    assert (whole.sel(bands="p_any") < 0.01).all()
    for tile, part in evaluate_tiles(plan, size=5, threads=2):
        rows, columns = tile.window.shape
        there = whole.isel(y=slice(tile.row, tile.row + rows), x=slice(tile.column, tile.column + columns))
        np.testing.assert_allclose(part.values, there.values, atol=1e-5)
