"""One's own rasters as STAC: valid, and the same pixels come back through a search and a load."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from pystac.validation import validate_dict
from rasterio.transform import from_origin
from typer.testing import CliRunner

from drylands_openeo.area import Area, Period
from drylands_openeo.cli.app import app
from drylands_openeo.errors import DrylandsError
from drylands_openeo.stac import StacSource, load, search
from drylands_openeo.stacbuild import build
from drylands_openeo.stacbuild.names import read_name

WEST, NORTH, STEP, SIZE = 110.0, 45.0, 0.25, 12
AREA = Area.of([WEST, NORTH - SIZE * STEP, WEST + SIZE * STEP, NORTH])


def values(seed, dtype="float32"):
    numbers = np.random.default_rng(seed).uniform(1, 200, (SIZE, SIZE))
    return numbers.astype(dtype)


def geotiff(path, *layers, nodata=None, scale=1.0, offset=0.0, names=(), unit="", crs="EPSG:4326", transform=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = transform or from_origin(WEST, NORTH, STEP, STEP)
    form = {"height": SIZE, "width": SIZE, "count": len(layers), "dtype": layers[0].dtype, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **form) as file:
        file.write(np.stack(layers))
        file.scales, file.offsets = [scale] * len(layers), [offset] * len(layers)
        file.units = [unit] * len(layers)
        if names:
            file.descriptions = names


def netcdf(path, *, upside_down=False, eastern=False, packed=False, calendar=None):
    """Monthly rain and temperature on a CF grid."""
    cubes = {name: np.stack([values(seed + number) for number in range(3)]) for seed, name in ((0, "pr"), (9, "tas"))}
    lat = NORTH - STEP / 2 - STEP * np.arange(SIZE)
    lon = WEST + STEP / 2 + STEP * np.arange(SIZE) - (180.0 if eastern else 0.0)
    t = xr.date_range("2020-01-01", periods=3, freq="MS", calendar=calendar, use_cftime=True) if calendar else None
    dataset = xr.Dataset(
        {name: (("time", "lat", "lon"), cube, {"units": "mm"}) for name, cube in cubes.items()},
        {
            "time": np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[ns]") if t is None else t,
            "lat": ("lat", lat, {"standard_name": "latitude"}),
            "lon": ("lon", lon % 360 if eastern else lon, {"standard_name": "longitude"}),
        },
    )
    dataset["pr"][0, 2, 3] = np.nan
    if upside_down:
        dataset = dataset.isel(lat=slice(None, None, -1))
    if eastern:
        dataset = dataset.sortby("lon")
    encoding = {"pr": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -1}} if packed else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.to_netcdf(path, encoding=encoding)
    return dataset.sortby("lat", ascending=False)


def documents(out):
    return [
        json.loads(path.read_text("utf-8")) for path in (out / "collection.json", *sorted((out / "items").iterdir()))
    ]


def fetched(out, collection, bands, period=None, area=AREA):
    items = search(out / "collection.json", area=area, period=period, collection=collection)
    west, south, east, north = area.bbox
    grid = GeoBox.from_bbox((west, south, east, north), "EPSG:4326", shape=(SIZE, SIZE))
    return load(items, bands, grid, resampling="nearest")


@pytest.fixture
def rain(tmp_path):
    """Three months of rain, packed in integers, with the month in the name."""
    for month in (1, 2, 3):
        stored = values(month, "int16")
        stored[2, 3] = -99
        geotiff(tmp_path / f"own/tp_2020-{month:02d}.tif", stored, nodata=-99, scale=0.1, offset=-2.0, unit="mm")
    return tmp_path / "own"


# The documents


@pytest.fixture(params=["geotiff", "netcdf"])
def built(request, tmp_path):
    if request.param == "geotiff":
        for month in (1, 2):
            geotiff(tmp_path / f"own/tp_2020-{month:02d}.tif", values(month), nodata=np.nan, scale=0.1)
    else:
        netcdf(tmp_path / "own/climate.nc")
    return build(tmp_path / "own", tmp_path / "stac", id="my-climate", title="Mine", description="Rain.")


def test_the_documents_are_valid_stac_1_1(built):
    """By the schemas of the specification, which pystac carries; extensions are checked below."""
    for document in documents(built.path.parent):
        assert document["stac_version"] == "1.1.0"
        validate_dict(document, extensions=[])


def test_the_documents_are_valid_by_another_reading_of_the_specification(built):
    models = pytest.importorskip("stac_pydantic")
    collection, *items = documents(built.path.parent)
    assert models.Collection.model_validate(collection).id == "my-climate"
    assert len([models.Item.model_validate(item) for item in items]) == built.items


def test_the_extensions_hold_what_load_stac_needs(built):
    """Of CDSE's load_stac: STAC 1.1, band names, data role, media type, proj:code and the grid, nodata, data_type."""
    collection, *items = documents(built.path.parent)
    assert {band["name"] for band in collection["summaries"]["bands"]} == set(built.bands)
    assert {b["name"] for asset in collection["item_assets"].values() for b in asset["bands"]} == set(built.bands)
    for item in items:
        properties = item["properties"]
        assert properties["proj:code"] == "EPSG:4326"
        assert properties["proj:shape"] == [SIZE, SIZE]
        assert len(properties["proj:transform"]) == 6
        a, b, c, d, e, f = properties["proj:transform"]
        assert (b, d) == (0, 0)
        np.testing.assert_allclose(properties["proj:bbox"], [c, f + e * SIZE, c + a * SIZE, f])
        assert properties["datetime"].endswith("Z")
        assert item["collection"] == "my-climate"
        for asset in item["assets"].values():
            assert asset["type"].startswith("image/tiff")
            assert asset["roles"] == ["data"]
            for band in asset["bands"]:
                assert band["data_type"] == "float32"
                assert band["nodata"] == "nan"
        declared = {key.split(":")[0] for key in json.loads(json.dumps(properties)) if ":" in key}
        assert declared == {"proj"}
        assert any("/projection/v2" in url for url in item["stac_extensions"])
        assert any("/raster/v2" in url for url in item["stac_extensions"])


def test_every_link_leads_to_a_file(built):
    for path in (built.path, *(built.path.parent / "items").iterdir()):
        document = json.loads(path.read_text("utf-8"))
        hrefs = [link["href"] for link in document["links"]]
        hrefs += [asset["href"] for asset in document.get("assets", {}).values()]
        assert all((path.parent / href).is_file() for href in hrefs)


def test_pystac_walks_it(built):
    collection = pystac.Collection.from_file(str(built.path))
    items = list(collection.get_items(recursive=True))
    assert len(items) == built.items
    assert all(item.get_collection().id == "my-climate" for item in items)


# The pixels


def test_the_pixels_of_geotiffs_come_back_scaled(rain, tmp_path):
    built = build(rain, tmp_path / "stac", id="rain")
    assert (built.items, built.bands) == (3, ("tp",))
    cube = fetched(tmp_path / "stac", "rain", ["tp"])
    assert [str(label)[:10] for label in cube.t.values] == ["2020-01-01", "2020-02-01", "2020-03-01"]
    for number, month in enumerate((1, 2, 3)):
        expected = values(month, "int16") * 0.1 - 2.0
        expected[2, 3] = np.nan
        np.testing.assert_allclose(cube[number, 0].values, expected, atol=1e-5)


@pytest.mark.parametrize(
    "form",
    [{}, {"upside_down": True}, {"packed": True}, {"calendar": "noleap"}],
    ids=["plain", "upside-down", "packed", "noleap"],
)
def test_the_pixels_of_a_netcdf_come_back(form, tmp_path):
    truth = netcdf(tmp_path / "own/climate.nc", **form)
    built = build(tmp_path / "own", tmp_path / "stac", id="climate")
    assert (built.items, built.bands) == (3, ("pr", "tas"))
    cube = fetched(tmp_path / "stac", "climate", ["pr", "tas"])
    for number, name in enumerate(("pr", "tas")):
        tolerance = {"atol": 0.0051} if form.get("packed") else {"rtol": 1e-6}
        np.testing.assert_allclose(cube[:, number].values, truth[name].values, **tolerance)


def test_longitudes_of_0_to_360_are_brought_to_the_west(tmp_path):
    truth = netcdf(tmp_path / "own/climate.nc", eastern=True)
    assert float(truth.lon.max()) > 180
    build(tmp_path / "own", tmp_path / "stac", id="climate")
    west = WEST - 180.0
    area = Area.of([west, NORTH - SIZE * STEP, west + SIZE * STEP, NORTH])
    cube = fetched(tmp_path / "stac", "climate", ["tas"], area=area)
    np.testing.assert_allclose(cube[:, 0].values, truth["tas"].values, rtol=1e-6)
    assert str(cube.t.values[0])[:10] == "2020-01-01", "also far west the day is the file's"


def test_a_graph_s_load_reads_it_on_its_own_grid(rain, tmp_path):
    build(rain, tmp_path / "stac", id="rain")
    source = StacSource(tmp_path / "stac/collection.json", crs="EPSG:4326", resolution=STEP, resampling="nearest")
    layer = source.layer("rain", spatial_extent=AREA, temporal_extent=["2020-02-01", "2020-03-01"], bands=["tp"])
    cube = layer.read(layer.grid)
    assert cube.shape == (1, 1, SIZE, SIZE)
    np.testing.assert_allclose(cube[0, 0].values[5:], (values(2, "int16") * 0.1 - 2.0)[5:], atol=1e-5)


def test_a_period_chooses_dates(rain, tmp_path):
    build(rain, tmp_path / "stac", id="rain")
    cube = fetched(tmp_path / "stac", "rain", ["tp"], period=Period.of("2020-02/2020-03"))
    assert cube.sizes["t"] == 2


def test_bands_of_one_date_are_one_item(tmp_path):
    geotiff(tmp_path / "own/a/2020153_gpp.tif", values(1))
    geotiff(tmp_path / "own/b/2020153_npp.tif", values(2))
    geotiff(tmp_path / "own/c/2020161.tif", values(3), values(4), names=("gpp", "npp"))
    built = build(tmp_path / "own", tmp_path / "stac", id="npp")
    assert (built.items, built.bands) == (2, ("gpp", "npp"))
    cube = fetched(tmp_path / "stac", "npp", ["npp", "gpp"])
    assert [str(label)[:10] for label in cube.t.values] == ["2020-06-01", "2020-06-09"]
    np.testing.assert_array_equal(cube[:, 0].values, np.stack([values(2), values(4)]))
    np.testing.assert_array_equal(cube[:, 1].values, np.stack([values(1), values(3)]))


def test_two_tiles_of_one_date_are_two_items(tmp_path):
    for number, west in enumerate((WEST, WEST + SIZE * STEP)):
        geotiff(
            tmp_path / f"own/tile{number}/npp_2020.tif", values(number), transform=from_origin(west, NORTH, STEP, STEP)
        )
    built = build(tmp_path / "own", tmp_path / "stac", id="npp")
    assert built.items == 2
    names = sorted(path.name for path in (tmp_path / "stac/items").iterdir())
    assert names == ["npp-20200101T1200-2.json", "npp-20200101T1200.json"]
    np.testing.assert_array_equal(fetched(tmp_path / "stac", "npp", ["npp"])[0, 0].values, values(0))


def test_the_address_of_the_files_can_be_given(rain, tmp_path):
    build(rain, tmp_path / "stac", id="rain", href="https://example.org/rain/")
    _, *items = documents(tmp_path / "stac")
    assert items[0]["assets"]["tp"]["href"] == "https://example.org/rain/tp_2020-01.tif"


# Names


@pytest.mark.parametrize(
    ("name", "date", "band"),
    [
        ("tp_2020-06.tif", datetime(2020, 6, 1, 12, tzinfo=UTC), "tp"),
        ("chirps-v2.0.2021.03.tif", datetime(2021, 3, 1, 12, tzinfo=UTC), "chirps-v2.0"),
        ("NPP_20190704_v1.tif", datetime(2019, 7, 4, 12, tzinfo=UTC), "NPP_v1"),
        ("MOD17A3.A2019001.tif", datetime(2019, 1, 1, 12, tzinfo=UTC), "MOD17A3"),
        ("t2m.20200102T0600.tif", datetime(2020, 1, 2, 6, tzinfo=UTC), "t2m"),
        ("2020.tif", datetime(2020, 1, 1, 12, tzinfo=UTC), ""),
        ("dem.tif", None, "dem"),
        ("tile_123456789.tif", None, "tile_123456789"),
    ],
)
def test_a_name_tells_date_and_band(name, date, band):
    assert read_name(Path(name)) == (date, band)


def test_a_pattern_tells_what_a_name_does_not():
    pattern = r"(?P<band>[a-z]+)(?P<day>\d\d)(?P<month>\d\d)(?P<year>\d{4})"
    assert read_name(Path("rain04072019.tif"), pattern) == (datetime(2019, 7, 4, 12, tzinfo=UTC), "rain")


@given(st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)))
def test_every_day_is_read_as_it_was_written(day):
    for form in ("%Y%m%d", "%Y-%m-%d", "%Y_%m_%d", "A%Y%j"):
        found, band = read_name(Path(f"npp_{day.strftime(form)}.tif"))
        assert (found.date(), band) == (day.date(), "npp")


# What goes wrong


def failed(tmp_path, match, **options):
    with pytest.raises(DrylandsError, match=match):
        build(tmp_path / "own", tmp_path / "stac", id="mine", **options)
    assert {path.name for path in tmp_path.iterdir()} <= {"own"}, "something was left behind"


def test_a_fault_is_named_and_nothing_is_left_behind(tmp_path):
    failed(tmp_path, "own' does not exist")
    (tmp_path / "own").mkdir()
    failed(tmp_path, "has no files .nc, .nc4, .tif, .tiff")
    geotiff(tmp_path / "own/dem.tif", values(1))
    failed(tmp_path, r"'dem.tif' tells no date: give --pattern")
    failed(tmp_path, "does not match the pattern", pattern=r"x(?P<year>\d{4})")
    (tmp_path / "own/dem.tif").unlink()
    geotiff(tmp_path / "own/tp_2020.tif", values(1), crs=None)
    failed(tmp_path, r"'tp_2020.tif' has no projection: give --crs")
    failed(tmp_path, "has 1 bands, not 2: a, b", crs="EPSG:4326", bands=("a", "b"))
    geotiff(tmp_path / "own/again/tp_2020.tif", values(1))
    failed(tmp_path, "both have band 'tp' of 2020-01-01", crs="EPSG:4326")
    (tmp_path / "own/again/tp_2020.tif").write_bytes(b"no picture")
    failed(tmp_path, "cannot be read as a GeoTIFF", crs="EPSG:4326")


def test_a_turned_file_is_refused(tmp_path):
    geotiff(tmp_path / "own/tp_2020.tif", values(1), transform=from_origin(WEST, NORTH, STEP, -STEP))
    failed(tmp_path, "turned or upside down")


def test_a_netcdf_that_cannot_be_placed_is_refused(tmp_path):
    plane = (("y", "x"), values(1))
    (tmp_path / "own").mkdir()
    regular = np.arange(SIZE, dtype=float)
    xr.Dataset({"a": plane}, {"y": regular, "x": regular}).to_netcdf(tmp_path / "own/a_2020.nc")
    failed(tmp_path, "'a_2020.nc' has no projection: give --crs")
    xr.Dataset({"a": plane}, {"y": regular, "x": regular**2}).to_netcdf(tmp_path / "own/a_2020.nc")
    failed(tmp_path, "'x' has no regular steps", crs="EPSG:32650")
    levels = (("level", "y", "x"), np.stack([values(1), values(2)]))
    xr.Dataset({"a": levels}, {"y": regular, "x": regular}).to_netcdf(tmp_path / "own/a_2020.nc")
    failed(tmp_path, "dimension 'level' has 2 labels; choose one", crs="EPSG:32650")
    xr.Dataset({"a": plane}, {"y": regular, "x": regular}).to_netcdf(tmp_path / "own/a_2020.nc")
    built = build(tmp_path / "own", tmp_path / "stac", id="mine", crs="EPSG:32650")
    assert (built.items, built.bands) == (1, ("a",))


def test_an_existing_folder_is_kept_unless_it_may_go(rain, tmp_path):
    build(rain, tmp_path / "stac", id="rain")
    with pytest.raises(DrylandsError, match="exists; give another one"):
        build(rain, tmp_path / "stac", id="rain")
    (rain / "tp_2020-03.tif").unlink()
    assert build(rain, tmp_path / "stac", id="rain", overwrite=True).items == 2


def test_the_command_says_what_it_wrote(rain, tmp_path):
    out = tmp_path / "stac"
    result = CliRunner().invoke(app, ["stac-build", str(rain), "--id", "rain", "--out", str(out), "--bands", "rain"])
    assert result.exit_code == 0, result.output
    assert "3 items, bands: rain" in result.stdout
    assert (out / "collection.json").is_file()
