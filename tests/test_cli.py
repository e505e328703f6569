"""The command line: what it prints and writes, and that a mistake is a line, not a traceback."""

import json
import subprocess
import sys

import climates
import numpy as np
import pandas as pd
import pytest
import rasterio
import servers
import xarray as xr
from shared import need
from typer.testing import CliRunner

from drylands_openeo.cli.app import app, main
from drylands_openeo.cli.commands import COMMANDS
from drylands_openeo.world import build

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("cli") / "world", size=(900, 800), period="2020")


def bbox(world):
    return ",".join(str(value) for value in world.area.bbox)


def drylands(*arguments, code=0):
    result = RUNNER.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def mistake(monkeypatch, capsys):
    """What the program says on stderr; it must end with exit code 1."""

    def said(*arguments):
        monkeypatch.setattr(sys, "argv", ["drylands", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    return said


def test_products_are_listed():
    listed = drylands("products")
    for name in ("indices", "harmonic_ndvi", "harmonic_series"):
        assert name in listed


def test_a_search_lists_and_saves_the_scenes(world, tmp_path):
    found = drylands(
        "search", "--source", world.catalogue, "--bbox", bbox(world), "--period", "2020", "--out", tmp_path / "i.json"
    )
    items = json.loads((tmp_path / "i.json").read_text())["features"]
    assert f"{len(items)} items" in found
    fewer = drylands(
        "search",
        "--source",
        tmp_path / "i.json",
        "--bbox",
        bbox(world),
        "--period",
        "2020-06/2020-08",
        "--cloud-cover",
        30,
    )
    assert 0 < int(fewer.split()[-2]) < len(items)


def test_a_graph_is_written_and_its_run_is_the_products_run(world, tmp_path):
    place = ("--bbox", bbox(world), "--period", "2020")
    choice = ("--param", "index=evi2", "--param", "method=hants")
    flat = tmp_path / "own.json"
    drylands("graph", "harmonic_ndvi", "--backend", "local", "--as", "flat", *place, *choice, "--out", flat)
    source = ("--source", world.catalogue, "--quiet", "--no-pictures")
    drylands("run", "harmonic_ndvi", *place, *choice, *source, "--out", tmp_path / "a")
    drylands("run", flat, *source, "--out", tmp_path / "b", "--tile", 64)
    with (
        rasterio.open(tmp_path / "a" / "harmonic_ndvi.tif") as one,
        rasterio.open(tmp_path / "b" / "own.tif") as other,
    ):
        assert one.descriptions[0] == "c0"
        assert one.units[one.descriptions.index("phase")] == "rad"
        np.testing.assert_allclose(one.read(), other.read(), atol=2e-6)


def test_a_user_defined_process_runs_with_its_parameters(world, tmp_path):
    process = tmp_path / "harmonic_ndvi.json"
    drylands("graph", "harmonic_ndvi", "--backend", "local", "--out", process)
    place = ("--bbox", bbox(world), "--period", "2020", "--source", world.catalogue, "--quiet", "--no-pictures")
    drylands("run", process, *place, "--param", "harmonics=1", "--param", "index=evi2", "--out", tmp_path / "a")
    drylands("run", "harmonic_ndvi", *place, "--param", "index=evi2", "--out", tmp_path / "b")
    with (
        rasterio.open(tmp_path / "a" / "harmonic_ndvi.tif") as one,
        rasterio.open(tmp_path / "b" / "harmonic_ndvi.tif") as other,
    ):
        assert one.descriptions == other.descriptions
        np.testing.assert_array_equal(one.read(), other.read())


@pytest.mark.parametrize("by", ["path", "address"])
def test_a_shared_process_runs_as_a_node_of_a_graph(world, tmp_path, by):
    drylands("graph", "indices", "--backend", "local", "--out", tmp_path / "indices.json")
    with servers.files(tmp_path) as address:
        namespace = "indices.json" if by == "path" else f"{address}/indices.json"
        extents = {"spatial_extent": world.area.spatial_extent, "temporal_extent": ["2020-01-01", "2021-01-01"]}
        arguments = {**extents, "index": ["ndvi"]}
        node = {"process_id": "indices", "namespace": namespace, "arguments": arguments, "result": True}
        (tmp_path / "calls.json").write_text(json.dumps({"shared": node}))
        source = ("--source", world.catalogue, "--quiet")
        drylands("run", tmp_path / "calls.json", *source, "--out", tmp_path / "a")
    drylands("run", "indices", *source, "--bbox", bbox(world), "--period", "2020", "--out", tmp_path / "b")
    with rasterio.open(tmp_path / "a" / "calls.tif") as one, rasterio.open(tmp_path / "b" / "indices.tif") as other:
        np.testing.assert_array_equal(one.read(), other.read())


def test_a_series_on_dates_is_one_map_each(world, tmp_path):
    dates = 'dates=["2020-05-15","2020-08-15"]'
    place = ("--bbox", bbox(world), "--period", "2020", "--source", world.catalogue, "--quiet", "--no-pictures")
    drylands("run", "harmonic_series", *place, "--param", dates, "--out", tmp_path)
    with rasterio.open(tmp_path / "harmonic_series_20200815.tif") as august:
        found = august.read(1)
        truth = world.truth(_grid(august))
    assert np.nanmedian(found[truth["patch"] == 1]) > 0.3


def _grid(source):
    from odc.geo.geobox import GeoBox

    return GeoBox(source.shape, source.transform, source.crs)


def test_indices_are_medians_with_a_count(world, tmp_path):
    place = ("--bbox", bbox(world), "--period", "2020", "--source", world.catalogue, "--quiet", "--no-pictures")
    drylands("run", "indices", *place, "--param", 'index=["ndvi","nbr2"]', "--out", tmp_path)
    with rasterio.open(tmp_path / "indices.tif") as written:
        assert written.descriptions == ("ndvi", "nbr2", "count")
        count = written.read(3)
    assert np.nanmax(count) <= 48
    assert np.nanmedian(count) > 5


def test_the_program_itself_shows_no_traceback():
    command = [sys.executable, "-m", "drylands_openeo.cli", "run", "missing.json", "--source", "x.json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: process graph 'missing.json' does not exist")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "no_such_product"), "'no_such_product' is not known"),
        (("run", "harmonic_ndvi", "--source", "x.json"), "--bbox or --area"),
        (("run", "harmonic_ndvi", "--bbox", "1,2,3"), "[1.0, 2.0, 3.0] is not a bounding box"),
        (("run", "harmonic_ndvi", "--bbox", "1,2,3,4", "--period", "2020"), "no source"),
        (
            ("run", "harmonic_ndvi", "--source", "nowhere.json", "--bbox", "114,42,114.1,42.1", "--period", "2020"),
            "nowhere",
        ),
        (("run", "missing.json", "--source", "x.json"), "does not exist"),
        (("search", "--source", "x", "--bbox", "a,b"), "west,south,east,north"),
        (("run", "harmonic_ndvi", "--cube", "none.nc"), "none.nc"),
        (("graph", "harmonic_ndvi", "--backend", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, said, mistake):
    stderr = mistake(*arguments)
    assert said in stderr
    assert stderr.strip().startswith("error: ")


def test_the_output_of_a_real_back_end_is_mapped(tmp_path):
    """April in Belgium: two of twelve dates are clear, too few for a curve; with the clouds kept there is one."""
    path = need("data/sentinel2/openeo_gfmap/cdse_sentinel2_l2a.nc")
    with xr.open_dataset(path) as cube:
        scl, red, nir = (cube[f"S2-L2A-{band}"].values.astype(float) for band in ("SCL", "B04", "B08"))
        times = cube["t"].values
    clear = real_back_end(path, tmp_path / "clear", "dilation=0", "erosion=0")
    np.testing.assert_array_equal(clear["count"], np.isin(scl, [4, 5, 6, 7]).sum(axis=0))
    assert np.isnan(clear["mean"]).all()
    cloudy = real_back_end(path, tmp_path / "cloudy", f"keep={list(range(2, 12))}")
    ndvi = np.where(scl > 1, (nir - red) / (nir + red), np.nan)
    np.testing.assert_array_equal(cloudy["count"], np.isfinite(ndvi).sum(axis=0))
    years = (times - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / 365.2425
    model = np.stack([np.ones_like(years), np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)], axis=1)
    valid = np.isfinite(ndvi[:, 30, 30])
    expected, *_ = np.linalg.lstsq(model[valid], ndvi[valid, 30, 30], rcond=None)
    found = [cloudy[name][30, 30] for name in ("c0", "sin1", "cos1")]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def real_back_end(path, folder, *parameters):
    options = [text for parameter in parameters for text in ("--param", parameter)]
    drylands("run", "harmonic_ndvi", "--cube", path, *options, "--out", folder, "--quiet", "--no-pictures")
    with rasterio.open(folder / "harmonic_ndvi.tif") as written:
        assert (written.shape, written.crs.to_epsg()) == ((66, 64), 32631)
        return dict(zip(written.descriptions, written.read(), strict=True))


def test_the_graph_of_the_published_fusion(tmp_path, mistake):
    where = ("--bbox", "115,42.4,115.1,42.5", "--period", "2021-05/2021-09")
    drylands("efast", *where, "--every", 5, "--out", tmp_path / "efast.json")
    (call,) = json.loads((tmp_path / "efast.json").read_text()).values()
    assert call["process_id"] == "efast"
    assert call["arguments"]["temporal_extent_target"] == ["2021-05-03", "2021-09-29"]
    assert call["arguments"]["interval_days"] == 5
    assert "--period" in mistake("efast", *where[:2])


def test_help_names_every_command_and_imports_none():
    listed = "import sys; sys.argv = ['drylands', '--help']; from drylands_openeo.cli import main\n"
    ask = listed + "try: main()\nfinally: print(sorted({'numpy', 'xarray', 'openeo', 'rasterio'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False).stdout
    assert shown.endswith("[]\n")
    assert all(f"\n  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(name):
    assert f"{name} [OPTIONS]" in drylands(name, "--help")


def test_each_role_may_have_a_file_of_its_own(tmp_path, mistake):
    weather = climates.truth("2001-01", 36)
    weather["precipitation"] = weather["precipitation"] * xr.DataArray([1.0, 1.0, 1.0, 2.0], dims="lon")
    climate = climates.saved(climates.with_units(weather.copy()), tmp_path / "climate.nc")
    coords = {"time": pd.date_range("2001-01-01", periods=3, freq="YS"), "lat": climates.LAT, "lon": climates.LON}
    npp = xr.Dataset({"npp": (("time", "lat", "lon"), np.full((3, 3, 4), 250.0))}, coords)
    npp.to_netcdf(tmp_path / "npp.nc", engine="h5netcdf")
    inputs = ("--input", f"climate={climate}", "--input", f"npp={tmp_path / 'npp.nc'}")
    drylands("run", "mnpp", *inputs, "--param", "pet_method=given", "--out", tmp_path, "--quiet", "--no-pictures")
    truth = weather.groupby("time.year").sum()
    with rasterio.open(tmp_path / "mnpp_20020101.tif") as found:
        wanted = 250 / (100 * (truth.precipitation / truth.pet).sel(year=2002))
        np.testing.assert_allclose(found.read(2), wanted, rtol=1e-5)
    masked = ("--param", "pet_method=given", "--drylands", "2001/2003", "--out", tmp_path / "dry")
    drylands("run", "mnpp", *inputs, *masked, "--quiet", "--no-pictures")
    moisture = (truth.precipitation.mean("year") / truth.pet.mean("year")).values
    with rasterio.open(tmp_path / "dry" / "mnpp_20020101.tif") as found:
        inside = np.isfinite(found.read(2))
    assert 0 < inside.sum() < inside.size
    np.testing.assert_array_equal(inside, (moisture >= 0.05) & (moisture < 0.65))
    assert "--drylands 2001 is for products" in mistake("run", "g.json", *inputs, "--drylands", "2001")
    drylands("run", "npp", *inputs[2:], "--param", "method=total", "--out", tmp_path, "--quiet", "--no-pictures",
             "--bbox", "98,41,108,47", "--period", "2001/2003")  # fmt: skip
    with rasterio.open(tmp_path / "npp_20020101.tif") as found:
        assert set(np.unique(found.read(1))) == {250.0}
    assert "--input 'rain=r.nc' is not role=file; roles are climate" in mistake("run", "mnpp", "--input", "rain=r.nc")
    assert "there is no source for 'climate'; there is one for npp" in mistake("run", "mnpp", *inputs[2:])
    assert "'gone.nc' does not exist" in mistake("run", "mnpp", "--input", "npp=gone.nc")


def test_a_graph_within_the_drylands_is_one_that_cdse_takes(tmp_path):
    place = ("--bbox", "115,42.4,115.1,42.5", "--period", "2020/2021", "--drylands", "2011/2020")
    drylands("graph", "harmonic_ndvi", "--backend", "cdse", "--as", "flat", *place, "--out", tmp_path / "dry.json")
    graph = json.loads((tmp_path / "dry.json").read_text())
    (last,) = [node for node in graph.values() if node.get("result")]
    assert (last["process_id"], graph[last["arguments"]["mask"]["from_node"]]["process_id"]) == (
        "mask",
        "resample_cube_spatial",
    )
    assert {"load_stac", "load_collection"} <= {node["process_id"] for node in graph.values()}
    assert "0 errors" in drylands("check", tmp_path / "dry.json", "--backend", "cdse")


def test_the_response_by_land_cover(tmp_path, mistake):
    place = {"crs": "EPSG:4326", "transform": rasterio.Affine(0.1, 0, 100, 0, -0.1, 45), "width": 4, "height": 2}
    bands = {"lag": 2.0, "r": 0.8, "p_any": 0.01}
    with rasterio.open(tmp_path / "map.tif", "w", driver="GTiff", count=3, dtype="float32", **place) as to:
        to.write(np.stack([np.full((2, 4), value, "float32") for value in bands.values()]))
        to.descriptions = tuple(bands)
    finer = {**place, "transform": rasterio.Affine(0.05, 0, 100, 0, -0.05, 45), "width": 8, "height": 4}
    codes = np.where(np.arange(8) < 4, 30, 40).astype("uint8") * np.ones((4, 1), "uint8")  # grassland, cropland
    with rasterio.open(tmp_path / "cover.tif", "w", driver="GTiff", count=1, dtype="uint8", **finer) as to:
        to.write(codes, 1)
    said = drylands("response", tmp_path / "map.tif", tmp_path / "cover.tif", "--out", tmp_path / "table.csv")
    assert "grassland" in said
    table = pd.read_csv(tmp_path / "table.csv").set_index("class")
    assert table["pixels"].to_dict() == {"grassland": 4, "cropland": 4}
    assert (table["lag"] == 2).all()
    assert (table["responds"] == 100).all()
    wrong = ("response", tmp_path / "map.tif", tmp_path / "cover.tif", "--legend", "corine")
    assert "legend 'corine' is not known; there are" in mistake(*map(str, wrong))
    assert "has no band 'lag'" in mistake("response", str(tmp_path / "cover.tif"), str(tmp_path / "cover.tif"))
