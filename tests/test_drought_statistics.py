"""Tables of drought add up to what was planted, whatever the tiles, and their trends are those of the libraries."""

import json

import numpy as np
import pandas as pd
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import theilslopes
from typer.testing import CliRunner

from drylands_openeo.cli.app import app
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local import Workers, source_of
from drylands_openeo.local.drought import drought_report
from drylands_openeo.statistics.discovery import adjusted
from drylands_openeo.statistics.drought import Classes, Tally, pixel_trends, trends
from drylands_openeo.world.climate import DEFICIT, build_climate

DATES = pd.date_range("1950-01-01", periods=36, freq="MS")
EVERYWHERE = {"spatial_extent": [-180, -90, 180, 90], "temporal_extent": "1900/2100"}


def table(index, areas, dates=DATES, name="scpdsi"):
    tally = Tally(Classes.of(name), dates)
    tally.add(np.asarray(index, float), np.asarray(areas, float))
    return tally.table().set_index(["year", "season"])


def constant(values, months=36):
    return np.broadcast_to(np.asarray(values, float), (months, *np.shape(values)))


def test_shares_are_those_of_the_areas_and_limits_belong_to_the_drier_class():
    values = [[-0.99, -1.0, -1.99, -2.0], [-3.0, -4.0, -7.0, 2.0]]
    areas = [[1, 2, 4, 8], [16, 32, 64, 128]]
    row = table(constant(values), areas).loc[(1950, "annual")]
    assert row["area"] == 255
    expected = {"abnormally_dry": 6, "moderate": 8, "severe": 16, "extreme": 96, "drought_area": 126}
    for name, area in expected.items():
        assert row[name] == pytest.approx(100 * area / 255), name
    assert row["intensity"] == pytest.approx((-2 - 7.96 - 16 - 48 - 128 - 448) / 126)
    assert row["dryness"] == pytest.approx((-0.99 - 2 - 7.96 - 16 - 48 - 128 - 448 + 256) / 255)
    assert row["drought_months"] == pytest.approx(12 * 126 / 255)


def test_a_short_drought_shows_in_the_months_and_not_in_the_mean():
    index = np.zeros((36, 1, 2))
    index[2:5, 0, 0] = -3
    found = table(index, [[1, 1]])
    year, spring = found.loc[(1950, "annual")], found.loc[(1950, "spring")]
    assert (year["drought_area"], year["drought_area_monthly"]) == (0, pytest.approx(12.5))
    assert np.isnan(year["intensity"])
    assert (spring["drought_area"], spring["severe"], spring["drought_months"]) == (50, 50, pytest.approx(1.5))


def test_seasons_are_whole_and_winter_belongs_to_the_year_of_its_february():
    index = np.zeros((36, 1, 1))
    index[11:14] = -2.5  # December 1950 to February 1951
    found = table(index, [[1]])
    assert (1950, "winter") not in found.index
    assert found.loc[(1951, "winter"), "moderate"] == 100
    assert {season for year, season in found.index if year == 1950} == {"annual", "spring", "summer", "autumn"}


def test_what_is_missing_is_neither_dry_nor_land():
    index = constant([[-5.0, 0.0, -5.0]]).copy()
    index[14, 0, 2] = np.nan
    found = table(index, [[1, 1, 2]])
    assert found.loc[(1950, "annual"), "extreme"] == pytest.approx(75)
    assert found.loc[(1951, "annual"), "area"] == 2
    assert found.loc[(1951, "annual"), "extreme"] == pytest.approx(50)
    assert found.loc[(1951, "summer"), "extreme"] == pytest.approx(75)


def test_every_index_has_its_own_limits():
    row = table(constant([[-0.6, -1.0, -1.4, -2.0]]), [[1, 1, 1, 1]], name="spi").loc[(1950, "annual")]
    assert [row[name] for name in ("abnormally_dry", "moderate", "severe", "extreme")] == [25] * 4
    with pytest.raises(DrylandsError, match="'pdsi' has no classes; there are scpdsi, spi, spei"):
        Classes.of("pdsi")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_tiles_in_any_cut_give_the_same_table(seed, cut):
    random = np.random.default_rng(seed)
    index = random.normal(-1, 2, (36, 3, 6))
    index[:, random.random((3, 6)) < 0.2] = np.nan
    areas = random.uniform(1, 2, (3, 6))
    whole, parts = (Tally(Classes.of("scpdsi"), DATES) for _ in range(2))
    annual = whole.add(index, areas)
    pieces = [parts.add(index[..., part], areas[:, part]) for part in (slice(0, cut), slice(cut, 6))]
    np.testing.assert_array_equal(np.concatenate(pieces, axis=2), annual)
    pd.testing.assert_frame_equal(whole.table(), parts.table(), rtol=1e-12)
    shares = whole.table()[["abnormally_dry", "moderate", "severe", "extreme"]].sum(axis=1)
    np.testing.assert_allclose(shares, whole.table()["drought_area"], rtol=1e-12)


def test_holes_in_the_months_are_refused():
    with pytest.raises(DrylandsError, match="every month once"):
        Tally(Classes.of("spi"), DATES.delete(4))
    with pytest.raises(DrylandsError, match="no whole season lies in 1950-01 to 1950-02"):
        Tally(Classes.of("spi"), DATES[:2])


# Trends


def test_trends_are_those_of_scipy_and_pymannkendall():
    random = np.random.default_rng(3)
    years = np.arange(1950, 2010)
    frame = pd.DataFrame({"year": years, "season": "annual"})
    for name in ("drought_area", "intensity", "dryness", "drought_months"):
        frame[name] = 0.3 * (years - 1950) + np.convolve(random.normal(0, 6, 61), [1, 0.5], "valid")
    found = trends(frame).set_index("quantity")
    for name, row in found.iterrows():
        slope, _, low, high = theilslopes(frame[name], years)
        assert row["slope_per_decade"] == pytest.approx(10 * slope)
        assert (row["low"], row["high"]) == (pytest.approx(10 * low, rel=0.02), pytest.approx(10 * high, rel=0.02))
        assert row["p"] == pytest.approx(pymannkendall.original_test(frame[name]).p, abs=1e-12)
        assert row["p_hamed_rao"] == pytest.approx(pymannkendall.hamed_rao_modification_test(frame[name]).p, abs=1e-9)
        prewhitened = pymannkendall.trend_free_pre_whitening_modification_test(frame[name]).p
        assert row["p_prewhitened"] == pytest.approx(prewhitened, abs=1e-9)
        assert 0 < row["autocorrelation"] < 1


def test_a_pixel_with_few_years_has_no_trend():
    annual = np.arange(10.0)[:, None, None] * np.ones((1, 1, 2))
    annual[:3, 0, 1] = np.nan
    slope, p = pixel_trends(annual, range(10))
    assert (slope[0, 0], np.isnan(slope[0, 1]), np.isnan(p[0, 1])) == (1, True, True)


# Many tests at once


def test_adjusted_values_are_those_of_benjamini_and_hochberg():
    """Table 1 of their paper: of fifteen tests four stand at 0.05 (three by Bonferroni)."""
    p = np.array(
        [
            0.0001,
            0.0004,
            0.0019,
            0.0095,
            0.0201,
            0.0278,
            0.0298,
            0.0344,
            0.0459,
            0.3240,
            0.4262,
            0.5719,
            0.6528,
            0.7590,
            1,
        ]
    )
    assert (adjusted(p) <= 0.05).sum() == 4
    shuffled = np.random.default_rng(1).permutation(15)
    np.testing.assert_allclose(adjusted(p[shuffled]), adjusted(p)[shuffled])
    with_gap = adjusted(np.append(p, np.nan).reshape(4, 4))
    assert with_gap.shape == (4, 4)
    assert np.isnan(with_gap[3, 3])


def test_false_discoveries_stay_below_their_rate():
    random = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        p = np.concatenate([random.uniform(0, 1, 400), random.uniform(0, 1e-4, 100)])
        found = adjusted(p) <= 0.05
        shares.append(found[:400].sum() / max(1, found.sum()))
    assert np.mean(shares) <= 0.05
    assert (random.uniform(0, 1, 10_000) <= 0.05).mean() > 0.04  # without control five in a hundred stand


# From a climate to files


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build_climate(tmp_path_factory.mktemp("climate") / "climate.nc", seed=4, years=(1950, 1979))


@pytest.fixture(scope="module")
def report(world, tmp_path_factory):
    return drought_report(source_of(cube=world.path), tmp_path_factory.mktemp("out"), **EVERYWHERE)


def test_the_planted_droughts_are_the_years_of_the_largest_area(world, report):
    annual = report.table[report.table["season"] == "annual"].set_index("year")["drought_area"]
    planted = annual[list(world.droughts)]
    assert (planted > 100 * 0.6 * pd.Series({year: where.mean() for year, where in world.droughts.items()})).all()
    after = [year + 1 for year in world.droughts if year + 1 in annual.index]  # a soil does not fill in a season
    others = annual.drop([*world.droughts, *after])
    assert planted.min() > others.median()


def test_the_files_say_the_same(report, world):
    content = json.loads(report.files["values"].read_text())
    frame = pd.read_csv(report.files["table"])
    assert len(content["table"]) == len(frame) == len(report.table)
    np.testing.assert_allclose(frame["drought_area"], report.table["drought_area"], rtol=1e-4)
    assert frame["area"].round(-2).nunique() == 1
    assert {row["quantity"] for row in content["trends"]} == {"drought_area", "intensity", "dryness", "drought_months"}
    assert sum(content["pixel_trends"]["area"].values()) == pytest.approx(frame["area"][0], rel=1e-3)
    assert report.files["plot"].read_bytes().startswith(b"\x89PNG")
    assert all(path.exists() for path in report.files.values())
    assert world.path.exists()


def test_the_report_does_not_depend_on_the_tiles(world, report, tmp_path):
    again = drought_report(source_of(cube=world.path), tmp_path, workers=Workers(threads=2, tile=16), **EVERYWHERE)
    pd.testing.assert_frame_equal(again.table, report.table, rtol=1e-10)
    assert again.pixels == pytest.approx(report.pixels)


def test_a_region_where_it_never_rains_is_told(tmp_path):
    import xarray as xr

    with xr.open_dataset(build_climate(tmp_path / "c.nc", seed=1, years=(1950, 1959)).path) as dataset:
        dry = dataset.load()
    dry["pr"] = dry["pr"] * 0
    dry["pr"].attrs["units"] = "kg m-2 s-1"
    dry.to_netcdf(tmp_path / "dry.nc", engine="h5netcdf")
    with pytest.raises(DrylandsError, match="no pixel has the index"):
        drought_report(source_of(cube=tmp_path / "dry.nc"), tmp_path / "out", **EVERYWHERE)
    assert not (tmp_path / "out").exists()


def test_one_command_makes_the_table(world, tmp_path):
    call = ["drought", str(world.path), "--index", "spei", "--param", "accumulation=12", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "drought_area" in done.output
    assert len(pd.read_csv(tmp_path / "drought.csv").query("season == 'annual'")) == 30
    assert {"drought.csv", "drought.json", "drought.png", "drought_maps.tif"} <= {p.name for p in tmp_path.iterdir()}


def test_areas_of_a_map_are_told_by_class(world, tmp_path):
    assert (
        CliRunner().invoke(app, ["run", "aridity", "--cube", str(world.path), "--out", str(tmp_path), "-q"]).exit_code
        == 0
    )
    done = CliRunner().invoke(app, ["areas", str(tmp_path / "aridity.tif")])
    assert "3 semi-arid" in done.output
    wrong = CliRunner().invoke(app, ["areas", str(tmp_path / "aridity.tif"), "--band", "colour"])
    assert "it has mi, aridity_class" in str(wrong.exception)


def test_the_climate_is_the_same_for_a_seed_and_its_deficit_is_in_the_rain(world, tmp_path):
    import xarray as xr

    again = build_climate(tmp_path / "again.nc", seed=4, years=(1950, 1979))
    with xr.open_dataset(world.path) as one, xr.open_dataset(again.path) as two:
        xr.testing.assert_identical(one, two)
        annual = one["pr"].groupby("time.year").mean().sortby("lat", ascending=False)
        for year, where in world.droughts.items():
            ratio = (annual.sel(year=year) / annual.mean("year")).values
            assert np.median(ratio[where]) == pytest.approx(DEFICIT * np.median(ratio[~where]), rel=0.35)
    with pytest.raises(DrylandsError, match="exists"):
        build_climate(world.path)
