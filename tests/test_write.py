"""Maps on disk read back as they were written, or are not there at all."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
import xarray as xr
from matplotlib.image import imread
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.write import MapWriter, SeriesWriter, provenance_item, quicklook, save_item, write_netcdf
from drylands_openeo.write.item import outline_of
from drylands_openeo.write.quicklook import LARGEST, _of_file

GRID = GeoBox.from_bbox((300000, 4690000, 313000, 4701000), crs="EPSG:32650", resolution=10)


class Band(NamedTuple):
    name: str
    unit: str
    description: str


BANDS = (Band("mean", "1", "Mean NDVI"), Band("trend", "year-1", "Change of NDVI a year"))


def image(grid: GeoBox = GRID, bands: int = 2) -> np.ndarray:
    """Smooth values with a hole."""
    y, x = np.mgrid[: grid.shape[0], : grid.shape[1]].astype(np.float32)
    values = np.stack([np.sin(y / 90 + k) * np.cos(x / 70) for k in range(bands)]).astype(np.float32)
    values[:, 100:140, 200:300] = np.nan
    return values


def tiles(grid: GeoBox, side: int) -> list[tuple[int, int, slice, slice]]:
    rows, columns = grid.shape
    starts = [(row, column) for row in range(0, rows, side) for column in range(0, columns, side)]
    return [(row, column, slice(row, row + side), slice(column, column + side)) for row, column in starts]


@pytest.mark.parametrize("side", [512, 300])
def test_windows_from_many_threads_make_the_map(tmp_path, side):
    values = image()
    tags = {"product": "harmonic_ndvi"}
    with MapWriter(tmp_path / "map.tif", GRID, BANDS, tags=tags) as writer, ThreadPoolExecutor(4) as pool:
        for row, column, rows, columns in tiles(GRID, side):
            pool.submit(writer.write, values[:, rows, columns], row, column)
    with rasterio.open(tmp_path / "map.tif") as written:
        np.testing.assert_array_equal(written.read(), values)
        assert written.descriptions == ("mean", "trend")
        assert written.units == ("1", "year-1")
        assert written.tags()["product"] == "harmonic_ndvi"
        assert written.tags(2)["long_name"] == "Change of NDVI a year"
        assert np.isnan(written.nodata)
        assert GeoBox.from_rio(written) == GRID
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]


def ifds(path) -> list[dict[int, tuple[int, ...]]]:
    """Tags (TIFF number -> values, integers only) of each image directory of a classic little-endian TIFF, in order."""
    data = path.read_bytes()
    assert data[:4] == b"II*\0"
    sizes, forms = {3: 2, 4: 4}, {3: "<u2", 4: "<u4"}
    offset, found = int.from_bytes(data[4:8], "little"), []
    while offset:
        entries = {-1: (offset,)}
        for k in range(int.from_bytes(data[offset : offset + 2], "little")):
            at = offset + 2 + 12 * k
            tag, form = np.frombuffer(data, "<u2", 2, at)
            count = int(np.frombuffer(data, "<u4", 1, at + 4)[0])
            if form in sizes:
                start = at + 8 if sizes[form] * count <= 4 else int(np.frombuffer(data, "<u4", 1, at + 8)[0])
                entries[int(tag)] = tuple(int(v) for v in np.frombuffer(data, forms[form], count, start))
        found.append(entries)
        end = offset + 2 + 12 * int.from_bytes(data[offset : offset + 2], "little")
        offset = int.from_bytes(data[end : end + 4], "little")
    return found


def test_the_map_obeys_the_rules_of_cloud_optimised_geotiff(tmp_path):
    """Those of GDAL's validate_cloud_optimized_geotiff: tiled; overviews to below 512; every directory in front of
    all pixels, in order of size; pixels of the smallest overview first."""
    path = tmp_path / "map.tif"
    with MapWriter(path, GRID, BANDS) as writer:
        writer.write(image(), 0, 0)
    with rasterio.open(path) as written:
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "3"
        assert written.block_shapes == [(512, 512)] * 2
        assert written.overviews(1) == [2, 4]
    width, tile_width, tile_offsets = 256, 322, 324
    directories = ifds(path)
    assert [tags[width][0] for tags in directories] == [1300, 650, 325]
    assert all(tags[tile_width] == (512,) for tags in directories)
    positions = [tags[-1][0] for tags in directories]
    pixels = [min(offset for offset in tags[tile_offsets] if offset) for tags in directories]
    assert positions == sorted(positions)
    assert pixels == sorted(pixels, reverse=True)
    assert positions[-1] < pixels[-1]


def test_overviews_average_quantities_past_gaps_and_vote_on_classes(tmp_path):
    values = np.full((1, *GRID.shape), np.nan, np.float32)
    values[0, ::2] = 3.0
    with MapWriter(tmp_path / "mean.tif", GRID, BANDS[:1]) as writer:
        writer.write(values, 0, 0)
    classes = np.full((1, *GRID.shape), 9, np.uint8)
    classes[0, ::2, ::2] = 4
    with MapWriter(tmp_path / "class.tif", GRID, BANDS[:1], dtype="uint8", nodata=0) as writer:
        writer.write(classes, 0, 0)
    for name, expected in (("mean", 3.0), ("class", 9)):
        with rasterio.open(tmp_path / f"{name}.tif", overview_level=0) as overview:
            assert np.all(overview.read(1) == expected)


def test_what_is_never_written_is_no_data(tmp_path):
    with MapWriter(tmp_path / "map.tif", GRID, BANDS) as writer:
        writer.write(np.ones((2, 10, 10), np.float32), 600, 700)
    with rasterio.open(tmp_path / "map.tif") as written:
        values = written.read(1)
    assert np.nansum(values) == 100
    assert np.isnan(values).sum() == values.size - 100


def interrupted(path: Path) -> None:
    with MapWriter(path, GRID, BANDS, overwrite=True) as writer:
        writer.write(image(), 0, 0)
        raise KeyboardInterrupt


def test_an_error_leaves_nothing_and_spares_the_map_before(tmp_path):
    (tmp_path / "map.tif").write_bytes(b"before")

    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "map.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]
    assert (tmp_path / "map.tif").read_bytes() == b"before"


def test_wrong_input_is_named_before_any_work(tmp_path):
    (tmp_path / "there.tif").touch()
    for path, options, message in (
        ("there.tif", {}, "exists"),
        ("map.png", {}, r"\.tif"),
        ("no/map.tif", {}, "folder"),
        ("map.tif", {"dtype": "uint8"}, "nodata nan"),
    ):
        with pytest.raises(DrylandsError, match=message):
            MapWriter(tmp_path / path, GRID, BANDS, **options)
    with pytest.raises(DrylandsError, match="unique"):
        MapWriter(tmp_path / "map.tif", GRID, (BANDS[0], BANDS[0]))
    with MapWriter(tmp_path / "map.tif", GRID, BANDS) as writer:
        for tile, row in ((np.zeros((1, 5, 5)), 0), (np.zeros((2, 5, 5)), 1097), (np.zeros((2, 5, 5)), -1)):
            with pytest.raises(DrylandsError, match="tile of shape"):
                writer.write(tile, row, 0)


SMALL = GeoBox.from_bbox((300000, 4690000, 301000, 4690800), crs="EPSG:32650", resolution=10)
TIMES = pd.DatetimeIndex(["2020-05-01", "2020-05-16", "2020-06-02"])


def cube(grid: GeoBox = SMALL) -> xr.DataArray:
    values = image(grid, 6).reshape(3, 2, *grid.shape)
    values[0, 0, 0, 0] = np.nan
    return xr.DataArray(
        values, dims=("t", "bands", "y", "x"), coords={"t": TIMES, "bands": [band.name for band in BANDS]}
    )


def test_a_series_is_one_map_a_date(tmp_path):
    values = cube().values
    with SeriesWriter(tmp_path / "ndvi.tif", SMALL, BANDS, TIMES) as writer:
        for row, column, rows, columns in tiles(SMALL, 64):
            writer.write(values[:, :, rows, columns], row, column)
    names = ["ndvi_20200501.tif", "ndvi_20200516.tif", "ndvi_20200602.tif"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name, expected in zip(names, values, strict=True):
        with rasterio.open(tmp_path / name) as written:
            np.testing.assert_array_equal(written.read(), expected)


def test_a_failed_series_leaves_no_map_at_all(tmp_path, monkeypatch):
    finish, done = MapWriter.finish, []

    def failing(writer: MapWriter) -> None:
        if len(done) == 2:
            raise OSError("disk full")
        done.append(finish(writer))

    monkeypatch.setattr(MapWriter, "finish", failing)
    with pytest.raises(OSError, match="disk full"), SeriesWriter(tmp_path / "n.tif", SMALL, BANDS, TIMES) as writer:
        writer.write(cube().values, 0, 0)
    assert list(tmp_path.iterdir()) == []


def test_times_of_one_day_are_told_apart(tmp_path):
    times = pd.DatetimeIndex(["2020-05-01T03:00:00", "2020-05-01T04:00:00"])
    writer = SeriesWriter(tmp_path / "n.tif", SMALL, BANDS, times)
    assert [path.name for path in writer.paths] == ["n_20200501T030000.tif", "n_20200501T040000.tif"]
    with pytest.raises(DrylandsError, match="unique"):
        SeriesWriter(tmp_path / "n.tif", SMALL, BANDS, times[[0, 0]])


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("crs", ["EPSG:32650", "EPSG:4326"])
def test_netcdf_reads_back_equal_with_its_grid(tmp_path, crs, lazy):
    grid = SMALL if crs == "EPSG:32650" else GeoBox.from_bbox((114, 42, 114.1, 42.08), crs=crs, resolution=0.001)
    written = cube(grid).chunk(x=32) if lazy else cube(grid)
    path = write_netcdf(written, tmp_path / "cube.nc", BANDS, grid=grid, attributes={"title": "three dates"})
    with xr.open_dataset(path, engine="h5netcdf", decode_coords="all") as found:
        assert found.odc.geobox == grid
        back = found.to_array("bands").transpose("t", "bands", "y", "x")
        np.testing.assert_array_equal(back.values, written.values)
        assert back.dtype == np.float32
        assert list(back["t"].values) == list(TIMES.values)
        assert found["trend"].attrs["units"] == "year-1"
        assert found["trend"].attrs["long_name"] == "Change of NDVI a year"
        assert found["x"].attrs["standard_name"] in ("projection_x_coordinate", "longitude")
        assert "WGS" in found["crs"].attrs["spatial_ref"]
        assert found["trend"].encoding["grid_mapping"] == "crs"
        assert found["trend"].encoding["zlib"]
        assert found.attrs["title"] == "three dates"
    assert [path.name for path in tmp_path.iterdir()] == ["cube.nc"]


def test_netcdf_without_time_and_with_wrong_bands(tmp_path):
    one = cube().isel(t=0, drop=True)
    with xr.open_dataset(write_netcdf(one, tmp_path / "map.nc", BANDS, grid=SMALL), engine="h5netcdf") as found:
        assert found["mean"].dims == ("y", "x")
    with pytest.raises(DrylandsError, match="'trend', 'mean'"):
        write_netcdf(one, tmp_path / "other.nc", BANDS[::-1], grid=SMALL)
    with pytest.raises(DrylandsError, match=r"80, 100"):
        write_netcdf(one.isel(x=slice(5)), tmp_path / "other.nc", BANDS, grid=SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["map.nc"]


def source(name: str) -> pystac.Item:
    item = pystac.Item(name, None, None, datetime(2020, 5, 1, tzinfo=UTC), {}, collection="sentinel-2-l2a")
    item.set_self_href(f"https://stac.example/{name}")
    return item


@pytest.fixture
def run(tmp_path) -> pystac.Item:
    folder = tmp_path / "run"
    folder.mkdir()
    with MapWriter(folder / "ndvi.tif", SMALL, BANDS) as writer:
        writer.write(cube().values[0], 0, 0)
    quicklook(folder / "ndvi.png", folder / "ndvi.tif")
    return provenance_item(
        "ndvi",
        {"map": folder / "ndvi.tif", "quicklook": folder / "ndvi.png"},
        grid=SMALL,
        bands=BANDS,
        period=Period.of("2020/2022"),
        graph={"load1": {"process_id": "load_collection", "arguments": {"id": "s2"}, "result": True}},
        parameters={"harmonics": 1},
        sources=[source("S2A_1"), source("S2B_2")],
        title="Harmonic NDVI",
    )


def test_the_item_tells_how_the_map_was_made(run, tmp_path):
    save_item(run, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    item = pystac.Item.from_file(str(tmp_path / "moved" / "ndvi.json"))
    assert item.to_dict()["stac_version"].startswith("1.1")
    assert item.properties["start_datetime"] == "2020-01-01T00:00:00Z"
    assert item.properties["end_datetime"] == "2022-12-31T23:59:59Z"
    assert item.properties["processing:expression"]["format"] == "openeo"
    assert item.properties["processing:expression"]["expression"]["load1"]["process_id"] == "load_collection"
    assert item.properties["processing:software"]["rasterio"] == rasterio.__version__
    assert item.properties["drylands:parameters"] == {"harmonics": 1}
    derived = item.get_links("derived_from")
    assert [link.href for link in derived] == ["https://stac.example/S2A_1", "https://stac.example/S2B_2"]
    with rasterio.open(item.assets["map"].get_absolute_href()) as written:
        assert list(written.shape) == item.properties["proj:shape"]
        assert list(written.transform)[:6] == item.properties["proj:transform"]
        assert written.crs.to_string() == item.properties["proj:code"]
    west, south, east, north = item.bbox
    assert 114 < west < east < 115
    assert 42 < south < north < 43


@pytest.mark.parametrize(
    ("box", "crs", "step"),
    [
        ((300000, 4690000, 301000, 4690800), "EPSG:32650", 10),
        ((200000, 4000000, 1000000, 4700000), "EPSG:32650", 60),
        ((114, 42, 114.1, 42.08), "EPSG:4326", 0.001),
    ],
)
def test_the_outline_follows_the_grid_to_a_pixel_with_few_corners(box, crs, step):
    grid = GeoBox.from_bbox(box, crs=crs, resolution=step)
    outline = outline_of(grid)
    assert len(outline.geom.exterior.coords) <= 200
    back = outline.geom if crs == "EPSG:4326" else outline.to_crs(crs, 0.001).geom
    assert back.symmetric_difference(grid.extent.geom).area < 0.2 * step * grid.extent.geom.length
    assert back.hausdorff_distance(grid.extent.geom) < step


def test_the_item_describes_its_bands_as_stac_1_1_does(run):
    bands = run.to_dict()["assets"]["map"]["bands"]
    assert bands[1] == {
        "name": "trend", "description": "Change of NDVI a year", "unit": "year-1", "data_type": "float32",
        "nodata": "nan", "raster:spatial_resolution": 10.0,
    }  # fmt: skip
    assert "bands" not in run.to_dict()["assets"]["quicklook"]


def test_the_item_is_strict_json_and_survives_a_round_trip(run, tmp_path):
    path = save_item(run, tmp_path / "run")
    content = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert content["assets"]["map"]["href"] == "./ndvi.tif"
    assert pystac.Item.from_dict(content).to_dict(include_self_link=False) == content


@pytest.mark.parametrize(
    ("name", "colours", "limits"),
    [("trend", "BrBG", None), ("phase", "twilight", (-np.pi, np.pi)), ("mean", "viridis", None)],
)
def test_a_picture_is_drawn_of_every_kind(tmp_path, name, colours, limits):
    array = xr.DataArray(image(SMALL)[0], dims=("y", "x"), coords=xr_coords(SMALL), name=name, attrs={"units": "1"})
    picture = imread(quicklook(tmp_path / "q.png", array, title="A map"))
    assert picture.ndim == 3
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 50


def test_a_picture_of_nothing_is_a_picture(tmp_path):
    empty = xr.DataArray(np.full(SMALL.shape, np.nan), dims=("y", "x"), coords=xr_coords(SMALL), name="ndvi")
    assert quicklook(tmp_path / "q.png", empty).stat().st_size > 1000


def test_a_large_map_is_read_from_its_overviews(tmp_path):
    grid = GeoBox.from_bbox((300000, 4650000, 340000, 4700000), crs="EPSG:32650", resolution=10)
    with MapWriter(tmp_path / "map.tif", grid, BANDS[:1]) as writer:
        writer.write(np.tile(np.float32([0, 4]), (1, 5000, 2000)), 0, 0)
    picture = _of_file(tmp_path / "map.tif", "mean")
    assert max(picture.values.shape) == LARGEST
    assert np.all(picture.values == 2)


def test_a_missing_band_is_named(tmp_path, run):
    with pytest.raises(DrylandsError, match=r"'slope'.*'mean', 'trend'"):
        quicklook(tmp_path / "q.png", tmp_path / "run" / "ndvi.tif", band="slope")
