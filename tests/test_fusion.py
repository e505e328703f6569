"""Fusion: fine images told from coarse ones, the weights, and how well it does, on arrays and on the engine."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from cubes import GRID, computed, held, plan
from drylands_openeo.udf import fusion
from odc.geo.geobox import GeoBox

from drylands_openeo.engine.tiles import tiles
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products.efast import NAMESPACE, efast_graph

DAYS = np.arange(0, 120.0)
COURSE = 0.3 + 0.2 * np.sin(DAYS / 40)


def sensors(offset=0.1, every=15, noise=0.0):
    rng = np.random.default_rng(0)
    truth = COURSE[:, None] + offset + np.zeros(6)
    fine = np.full_like(truth, np.nan)
    fine[::every] = truth[::every] + rng.normal(0, noise, truth[::every].shape)
    return truth, fine, np.repeat(COURSE[:, None], 6, axis=1)


def test_a_pixel_that_keeps_a_constant_distance_to_its_surroundings_is_told_exactly():
    truth, fine, coarse = sensors()
    fused = fusion.fuse(fine, coarse, DAYS, DAYS, smoothing=0.1)
    np.testing.assert_allclose(fused, truth, atol=1e-12)


def test_fusion_beats_the_fine_images_alone():
    truth, fine, coarse = sensors(every=40)
    fused = fusion.fuse(fine, coarse, DAYS, DAYS, smoothing=0.5)
    seen = ~np.isnan(fine[:, 0])
    alone = np.interp(DAYS, DAYS[seen], fine[seen, 0])
    inside = slice(8, 80)
    assert np.abs(fused[inside] - truth[inside]).max() < 0.1 * np.abs(alone - truth[:, 0])[inside].max()


def test_weights_fall_with_time_and_with_cloud():
    fine = np.full((3, 1), np.nan)
    fine[0], fine[2] = 0.5, 0.7
    coarse, days = np.full((3, 1), 0.4), [0.0, 10.0, 40.0]
    near_first = fusion.fuse(fine, coarse, days, [10.0], sigma=20)[0, 0]
    assert 0.5 < near_first < 0.6
    cloudy_first = fusion.fuse(fine, coarse, days, [10.0], sigma=20, weight=[[0.0], [1.0], [1.0]])[0, 0]
    np.testing.assert_allclose(cloudy_first, 0.7)


def test_far_from_every_image_there_is_nothing():
    _, fine, coarse = sensors()
    fine[1:] = np.nan
    fused = fusion.fuse(fine, coarse, DAYS, DAYS, sigma=10)
    assert np.isnan(fused[41:]).all()
    assert not np.isnan(fused[:41]).any()


def test_accuracy_is_that_of_leaving_out_by_hand():
    _, fine, coarse = sensors(noise=0.02)
    found = fusion.accuracy(fine, coarse, DAYS, smoothing=2)
    seen = np.flatnonzero(~np.isnan(fine[:, 0]))
    told = []
    for day in seen:
        without = fine.copy()
        without[day] = np.nan
        told.append(fusion.fuse(without, coarse, DAYS, [DAYS[day]], smoothing=2)[0])
    difference = np.array(told) - fine[seen]
    np.testing.assert_allclose(found["bias"], difference.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found["rmse"], np.sqrt((difference**2).mean(axis=0)), atol=1e-12)
    expected = [np.corrcoef(np.array(told)[:, pixel], fine[seen, pixel])[0, 1] for pixel in range(6)]
    np.testing.assert_allclose(found["r"], expected)
    assert (found["left_out"] == len(seen)).all()


def test_dtypes_shapes_and_wrong_input():
    _, fine, coarse = sensors()
    many = fusion.fuse(
        fine.reshape(-1, 2, 3).astype(np.float32), coarse.reshape(-1, 2, 3).astype(np.float32), DAYS, [3]
    )
    assert many.dtype == np.float32
    np.testing.assert_allclose(many.reshape(1, 6), fusion.fuse(fine, coarse, DAYS, [3]), rtol=1e-5)
    assert fusion.fuse(fine[:, :0], coarse[:, :0], DAYS, [3]).shape == (1, 0)
    with pytest.raises(ValueError, match="sigma must be a number of days above 0"):
        fusion.fuse(fine, coarse, DAYS, [3], sigma=0)
    with pytest.raises(ValueError, match="must have one shape"):
        fusion.fuse(fine[:, :2], coarse, DAYS, [3])
    cube = xr.DataArray(np.zeros((1, 1, 1, 1)), dims=("t", "bands", "y", "x"), coords={"bands": ["fine"]})
    with pytest.raises(ValueError, match="'fine' and 'coarse'"):
        fusion.apply_datacube(cube, {})


FINE = GeoBox.from_bbox((500_000, 4_700_000, 512_000, 4_708_000), "EPSG:32650", resolution=250, tight=True)
PERIOD = ["2020-05-01", "2020-08-01"]


def layers(cloud=False):
    coarse_days = pd.date_range("2020-05-01", "2020-07-31", freq="D")
    fine_days = pd.date_range("2020-05-03", "2020-07-30", freq="12D")
    start = coarse_days[0]

    def course(days):
        return (0.3 + 0.15 * np.sin((days - start).days.to_numpy() / 30)).reshape(-1, 1, 1)

    place = 0.1 * np.sin(np.arange(FINE.shape[1]) / 7)
    ndvi = course(fine_days) + place + np.zeros(FINE.shape)
    scl = np.full((len(fine_days), *FINE.shape), 5.0)
    if cloud:
        ndvi[3, :8, :8] = 0.0
        scl[3, :8, :8] = 9
    optical = held(fine_days, FINE, red=0.1 * np.ones_like(ndvi), nir=0.1 * (1 + ndvi) / (1 - ndvi), scl=scl)
    return {"sentinel-2-l2a": optical, "coarse-daily": held(coarse_days, GRID, vi=course(coarse_days))}, course, place


def fused(given, **arguments):
    return computed("fusion", given, PERIOD, resolution=250.0, smoothing=1.0, **arguments)


def test_on_the_engine_both_sensors_meet():
    given, course, place = layers()
    dates = ["2020-05-20", "2020-06-25"]
    found = fused(given, dates=dates)
    assert set(found.dims) == {"t", "bands", "y", "x"}
    assert [*found.bands.values] == ["ndvi"]
    expected = course(pd.DatetimeIndex(dates)) + place + np.zeros(FINE.shape)
    np.testing.assert_allclose(found.isel(bands=0), expected, atol=0.01)


def test_on_the_engine_tiles_make_no_difference_though_cloud_acts_from_afar():
    given, _, _ = layers(cloud=True)
    ready = plan("fusion", given, PERIOD, dates=["2020-06-08"], resolution=250.0, cloud_distance=5, dilation=0)
    whole = ready.evaluate(ready.grid)
    for tile in tiles(ready.grid, 20):
        part = ready.evaluate(tile.window)
        rows, columns = part.shape[-2:]
        expected = whole.values[..., tile.row : tile.row + rows, tile.column : tile.column + columns]
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_the_accuracy_product_says_how_good_it_is():
    given, _, _ = layers()
    found = computed("fusion_accuracy", given, PERIOD, resolution=250.0, smoothing=1.0)
    assert [*found.bands.values] == ["bias", "rmse", "r", "left_out"]
    assert float(found.sel(bands="rmse").max()) < 0.02
    assert float(found.sel(bands="left_out").min()) >= 7


def test_the_published_process_is_called_where_it_stands():
    graph = efast_graph(spatial_extent=[115, 42.4, 115.1, 42.5], temporal_extent="2021", interval_days=5)
    (node,) = graph.values()
    assert (node["process_id"], node["namespace"], node["result"]) == ("efast", NAMESPACE, True)
    assert node["arguments"]["temporal_extent_target"] == ["2021-01-03", "2021-12-30"]
    with pytest.raises(DrylandsError, match="must lie within"):
        efast_graph(spatial_extent=[115, 42.4, 115.1, 42.5], temporal_extent="2021", wanted="2022")
