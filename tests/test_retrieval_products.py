"""Fractional cover, texture and NPP, run by the engine on the generated world and on layers of arithmetic."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import rasterio
from drylands_openeo.udf.npp import casa, moisture_of
from drylands_openeo.udf.texture import glcm, quantise
from odc.geo.geobox import GeoBox
from typer.testing import CliRunner

from drylands_openeo import local
from drylands_openeo.bands import BY_NAME
from drylands_openeo.cli.app import app
from drylands_openeo.endmembers import published, read
from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.errors import DrylandsError, RegionError, SourceError
from drylands_openeo.products import get_product
from drylands_openeo.products.fractional_cover import BANDS, library_of
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.range import Histogram, grey_range
from drylands_openeo.world import build

LOCAL, CDSE = get_profile("local"), get_profile("cdse")
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("retrievals") / "world", size=(900, 800), period="2020")


def cube_of(world, name, **arguments):
    graph = get_product(name).flat_graph(LOCAL, spatial_extent=world.area, temporal_extent=world.period, **arguments)
    plan = Plan(Program.parse(graph), Environment(local.source_of(source=world.catalogue)))
    return plan.evaluate()


# fractional_cover


@pytest.mark.parametrize("model", ["bundle", "linear", "ppnm", "fan"])
def test_shares_sum_to_one_on_pixels_of_twenty_metres(world, model):
    cube = cube_of(world, "fractional_cover", model=model, draws=10)
    names = [band.name for band in get_product("fractional_cover").outputs({"model": model})]
    assert [*cube.bands.values] == names
    assert float(cube.x[1] - cube.x[0]) == 20
    shares = cube.sel(bands=["pv", "npv", "bare"])
    known = np.isfinite(cube.sel(bands="rmse").values)
    assert known.mean() > 0.9
    np.testing.assert_allclose(shares.sum("bands").values[known], 1, atol=1e-5)
    assert shares.values[:, known].min() >= 0
    seen = cube.sel(bands="count").values
    assert seen[known].min() > 0
    assert (seen[~known] < 1).all()


def test_a_composite_a_month_has_dates(world):
    cube = cube_of(world, "fractional_cover", composite="month", draws=1)
    assert cube.dims == ("t", "bands", "y", "x")
    assert [str(label)[:7] for label in cube.t.values[:2]] == ["2020-01", "2020-02"]
    dates = cube_of(world, "fractional_cover", composite="date", draws=1).sel(bands="count")
    whole = cube_of(world, "fractional_cover", draws=1).sel(bands="count")
    assert set(np.unique(dates)) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    np.testing.assert_allclose(dates.sum("t"), whole)
    np.testing.assert_allclose(cube.sel(bands="count").fillna(0).sum("t"), whole)


def test_a_library_of_one_s_own_is_taken_and_a_wrong_name_told(tmp_path):
    own = tmp_path / "own.csv"
    header = ",".join(("class", "name", *BANDS))
    rows = [f"{cover},one,{','.join(str(0.1 + 0.05 * i + 0.01 * b) for b in range(10))}"
            for i, cover in enumerate(("pv", "npv", "bare"))]  # fmt: skip
    own.write_text("\n".join([header, *rows]))
    place = {"spatial_extent": [115.0, 42.4, 115.1, 42.5], "temporal_extent": "2020"}
    graph = get_product("fractional_cover").flat_graph(LOCAL, library=str(own), **place)
    context = next(node for node in _udfs(graph))["arguments"]["context"]
    assert np.shape(context["libraries"]) == (3, 1, 10)
    assert context["libraries"][0][0][0] == pytest.approx(0.1)
    with pytest.raises(DrylandsError, match="'library': 'earth' is none of all, earthlib, emit"):
        get_product("fractional_cover").flat_graph(LOCAL, library="earth", **place)
    with pytest.raises(SourceError, match="cannot be read"):
        get_product("fractional_cover").flat_graph(LOCAL, library="gone.csv", **place)


def _udfs(graph):
    for node in graph.values():
        if node["process_id"] == "run_udf":
            yield node
        for argument in node["arguments"].values():
            if isinstance(argument, dict) and "process_graph" in argument:
                yield from _udfs(argument["process_graph"])


# texture and its range


def test_texture_is_that_of_the_median_image_whatever_the_tiles(world):
    arguments = {"band": ["nir"], "window": 5, "displacement": 1, "low": [0.1], "high": [0.5]}
    cube = cube_of(world, "texture", **arguments)
    with_tiles = _tiled(world, arguments, 32)
    np.testing.assert_allclose(with_tiles, cube.values, atol=1e-6, equal_nan=True)
    image = _median(world, ["nir"])[0]
    expected = glcm(quantise(image, 0.1, 0.5, 32), window=5, displacement=1, features=["homogeneity", "variance"])
    for name, values in expected.items():
        inner = np.isfinite(values)
        found = cube.sel(bands=f"nir_{name}").values
        np.testing.assert_allclose(found[inner], values[inner], rtol=1e-4, atol=1e-4)


def _median(world, bands):
    from drylands_openeo.products.texture import PRODUCT, median_image

    arguments = PRODUCT.filled(spatial_extent=world.area, temporal_extent=world.period, band=bands)
    graph = median_image(LOCAL, arguments).flat_graph()
    cube = Plan(Program.parse(graph), Environment(local.source_of(source=world.catalogue))).evaluate()
    return cube.transpose("bands", "y", "x").values


def _tiled(world, arguments, tile):
    from drylands_openeo.engine.tiles import evaluate_tiles

    graph = get_product("texture").flat_graph(
        LOCAL, spatial_extent=world.area, temporal_extent=world.period, **arguments
    )
    plan = Plan(Program.parse(graph), Environment(local.source_of(source=world.catalogue)))
    whole = np.full((3, *plan.grid.shape), np.nan, np.float32)
    for piece, cube in evaluate_tiles(plan, size=tile, threads=2):
        rows, columns = cube.shape[-2:]
        whole[:, piece.row : piece.row + rows, piece.column : piece.column + columns] = cube.values
    return whole


def test_the_range_is_that_of_the_whole_region(world):
    printed = RUNNER.invoke(
        app,
        ["range", "--source", str(world.catalogue), "--bbox", ",".join(map(str, world.area.bbox)), "--period", "2020",
         "--param", "band=nir", "--percent", "1", "99", "--quiet"],
        catch_exceptions=False,
    ).output  # fmt: skip
    low, high = (json.loads(part.split("=")[1]) for part in printed.split(" --param "))
    image = _median(world, ["nir"])[0]
    values = image[np.isfinite(image)].astype(float)
    expected = np.quantile(values, [0.01, 0.99], method="inverted_cdf")
    np.testing.assert_allclose([low[0], high[0]], expected, atol=1e-4)


def test_a_histogram_does_not_depend_on_the_tiles():
    values = np.random.default_rng(0).uniform(0, 0.5, (2, 30, 40))
    values[0, 3] = np.nan
    whole = Histogram(("a", "b")).add(values)
    parts = Histogram(("a", "b")).add(values[:, :7]).add(values[:, 7:])
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert grey_range(whole) == grey_range(parts)


@pytest.mark.parametrize(("values", "message"), [(np.nan, "no valid pixel"), (0.25, "has no range")])
def test_a_region_without_a_range_is_told(values, message):
    with pytest.raises(RegionError, match=message):
        grey_range(Histogram(("nir",)).add(np.full((1, 2, 2), values)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"low": [0.1, 0.2]}, "'low'"), ({"low": [0.7]}, "low < high"), ({"window": 4}, "'window': 4 is not one of")],
)
def test_wrong_ranges_are_told(arguments, message):
    with pytest.raises(DrylandsError, match=message):
        get_product("texture").flat_graph(
            LOCAL, spatial_extent=[115.0, 42.4, 115.1, 42.5], temporal_extent="2020", **arguments
        )


# endmembers on the command line


def invoke(*arguments):
    result = RUNNER.invoke(app, ["endmembers", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_endmembers_are_shown_with_their_citation_and_drawn(tmp_path):
    shown = invoke("show", "emit")
    assert "dry vegetation" in shown
    assert "citation: EMIT basic endmember library" in shown
    assert invoke("plot", "--out", tmp_path / "e.png").strip() == str(tmp_path / "e.png")
    assert (tmp_path / "e.png").read_bytes()[:4] == b"\x89PNG"


def test_a_library_is_built_from_a_spectrometer_s_table(tmp_path):
    grid = range(400, 2501, 5)
    flat = ",".join(["0.3"] * len(grid))
    (tmp_path / "s.csv").write_text(f"class,name,{','.join(map(str, grid))}\nbare,plaster,{flat}\n")
    invoke("build", "--spectra", tmp_path / "s.csv", "--out", tmp_path / "l.csv", "--licence", "CC0-1.0")
    library = read(tmp_path / "l.csv")
    assert (library.names, library.licence, library.bands) == (("plaster",), "CC0-1.0", BANDS)
    np.testing.assert_allclose(library.spectra, 0.3)


def test_a_library_is_built_from_polygons_on_an_image(tmp_path):
    transform = rasterio.transform.from_origin(500_000, 4_700_000, 10, 10)
    values = np.stack([np.full((20, 20), 0.05), np.tile(np.linspace(0.1, 0.48, 20), (20, 1))])
    with rasterio.open(
        tmp_path / "i.tif", "w", driver="GTiff", width=20, height=20, count=2, dtype="float32", crs="EPSG:32650",
        transform=transform, nodata=np.nan,
    ) as image:  # fmt: skip
        image.write(values.astype(np.float32))
        image.descriptions = ("red", "nir")
    ring = [
        [500_000, 4_700_000],
        [500_100, 4_700_000],
        [500_100, 4_699_900],
        [500_000, 4_699_900],
        [500_000, 4_700_000],
    ]
    feature = {
        "type": "Feature",
        "properties": {"class": "npv"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    crs = {"type": "name", "properties": {"name": "EPSG:32650"}}
    (tmp_path / "p.json").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))
    invoke("build", "--image", tmp_path / "i.tif", "--polygons", tmp_path / "p.json", "--out", tmp_path / "l.csv")
    library = read(tmp_path / "l.csv")
    assert library.classes == ("npv",)
    np.testing.assert_allclose(library.spectra[0], [0.05, values[1, 0, :10].mean()], rtol=1e-5)


def test_all_published_spectra_are_one_library():
    every = library_of("all")
    assert len(every.names) == len(published("emit").names) + len(published("earthlib").names)
    assert set(every.bands) <= set(BY_NAME)


# npp


def npp_graph(profile=LOCAL, period="2020", **arguments):
    place = {"spatial_extent": [115.0, 42.4, 115.1, 42.5], "temporal_extent": period}
    return get_product("npp").flat_graph(profile, **place, **arguments)


def test_production_takes_the_climate_of_the_other_products():
    ids = [node["arguments"]["id"] for node in npp_graph(LOCAL).values() if node["process_id"] == "load_collection"]
    assert set(ids) == {"sentinel-2-l2a", "climate"}
    with pytest.raises(DrylandsError, match=r"'cdse': its climate has no radiation; give the address of a monthly"):
        npp_graph(CDSE)
    graph = npp_graph(CDSE, climate="https://stac.example.org/collections/climate")
    addresses = {node["arguments"]["url"] for node in graph.values() if node["process_id"] == "load_stac"}
    assert addresses == {"https://stac.example.org/collections/climate"}


def test_annual_totals_need_whole_years():
    with pytest.raises(DrylandsError, match="7 dates from 2020-01-16 to 2020-07-16; annual totals need"):
        npp_graph(period="2020-01-01/2020-07-31")


@pytest.mark.parametrize(("step", "unit"), [("month", "g m-2 month-1"), ("year", "g m-2 year-1")])
def test_the_unit_follows_the_step(step, unit):
    (band,) = get_product("npp").outputs({"step": step})
    assert (band.name, band.unit) == ("npp", unit)


GRID = GeoBox.from_bbox((500_000, 4_700_000, 500_080, 4_700_080), "EPSG:32650", resolution=10, tight=True)
COARSE = GeoBox.from_bbox((498_000, 4_698_000, 503_000, 4_703_000), "EPSG:32650", resolution=1000, tight=True)
MONTHS = pd.date_range("2020-01-01", periods=24, freq="MS").to_numpy()
WARMTH = 10 - 15 * np.cos(2 * np.pi * np.arange(24) / 12)


LIGHT, RAIN, DEMAND = (np.full(24, level) for level in (13.0, 30.0, 80.0))
CLIMATE = {"radiation": LIGHT, "tmean": WARMTH, "precipitation": RAIN, "pet": DEMAND}


@dataclass(frozen=True)
class Steady:
    """A layer whose values depend on band and date alone: ``values`` (t, bands)."""

    grid: GeoBox
    times: tuple
    bands: tuple[str, ...]
    values: np.ndarray

    def read(self, window):
        values = np.broadcast_to(self.values[:, :, None, None], (*self.values.shape, *window.shape))
        return on_grid(values.astype(np.float32), window, t=np.array(self.times), bands=list(self.bands))


class SteadySource:
    """NDVI 0.5 under clear sky, a climate of two years, and somebody's NPP: 10 a month or 2 a day."""

    def collection(self, collection, extent):
        if collection == "sentinel-2-l2a":
            times = pd.date_range("2020-01-05", "2021-12-30", freq="10D").to_numpy()
            level = {"red": 0.1, "nir": 0.3, "scl": 5.0}
            return Steady(GRID, tuple(times), tuple(extent.bands), np.tile([level[b] for b in extent.bands], (73, 1)))
        if collection == "climate":
            climate = np.stack([CLIMATE[band] for band in extent.bands], axis=1)
            return Steady(COARSE, tuple(MONTHS), tuple(extent.bands), climate)
        return Steady(
            COARSE, tuple(MONTHS), tuple(extent.bands), np.full((24, 1), 10.0 if collection == "npp" else 2.0)
        )

    def stac_at(self, url, extent):
        return self.collection(url, extent)


def npp(period="2020/2021", **arguments):
    plan = Plan(
        Program.parse(npp_graph(period=period, **{"pet_method": "given", **arguments})), Environment(SteadySource())
    )
    return plan.evaluate()


def test_npp_of_steady_green_and_a_seasonal_climate_is_that_of_the_formula():
    days = pd.DatetimeIndex(MONTHS).days_in_month.to_numpy()
    expected = casa(np.full(24, 0.5), LIGHT * days, WARMTH, moisture_of(RAIN, DEMAND))
    monthly = npp(step="month")
    np.testing.assert_allclose(monthly.values[:, 0, 2, 3], expected, rtol=2e-3)
    annual = npp()
    assert [str(label)[:4] for label in annual.t.values] == ["2020", "2021"]
    np.testing.assert_allclose(annual.values[:, 0, 2, 3], expected.reshape(2, 12).sum(axis=1), rtol=2e-3)


def test_another_s_npp_has_the_same_band_and_unit():
    totals = npp(method="total")
    assert [*totals.bands.values] == ["npp"]
    np.testing.assert_allclose(totals.values, 120)
    rates = npp(method="rate", npp="somebody/dmp", npp_band="dmp", factor=0.045)
    np.testing.assert_allclose(rates.values, 2 * 0.045 * 365.2425, rtol=1e-6)
