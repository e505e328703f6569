"""Training, sampling and the statistics of soil carbon on the command line."""

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner

from drylands_openeo.cli.app import app
from drylands_openeo.errors import DrylandsError

RUNNER = CliRunner()


def drylands(*arguments):
    result = RUNNER.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def mistake(*arguments):
    with pytest.raises(DrylandsError) as error:
        drylands(*arguments)
    return str(error.value)


@pytest.fixture
def plots(tmp_path):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"red": random.uniform(0.1, 0.3, 60), "ndvi": random.uniform(0.1, 0.5, 60)})
    frame["soc"] = 20 - 40 * frame["red"] + random.normal(0, 0.5, 60)
    frame["longitude"], frame["latitude"] = 114 + random.uniform(0, 1, 60), 42 + random.uniform(0, 1, 60)
    path = tmp_path / "plots.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_model_is_trained_and_its_metrics_printed(plots, tmp_path):
    options = ("--target", "soc", "--predictors", "red, ndvi", "--model", "mlr", "--unit", "g kg-1", "--folds", "4")
    printed = drylands("train", plots, *options, "--out", tmp_path / "m")
    assert "4 random" in printed
    assert "4 spatial clusters" in printed
    model = json.loads((tmp_path / "m" / "soc.model.json").read_text())
    assert (model["kind"], model["predictors"], model["unit"]) == ("linear", ["red", "ndvi"], "g kg-1")
    assert (tmp_path / "m" / "soc.card.md").read_text().startswith("# mlr of soc [g kg-1]")


def test_a_wrong_model_or_column_is_told(plots, tmp_path):
    assert "model 'forest' is none of cart, rf" in mistake("train", plots, "--target", "soc", "--model", "forest")
    assert "column 'clay' is not in the table" in mistake("train", plots, "--target", "clay")


def test_cover_and_carbon_are_related_in_a_table_and_a_plot(tmp_path):
    pv = np.random.default_rng(1).uniform(0, 0.5, 40)
    pd.DataFrame({"pv": pv, "som": 5 + 10 * pv, "vegetation": "steppe"}).to_csv(tmp_path / "s.csv", index=False)
    printed = drylands("cover-carbon", tmp_path / "s.csv", "--cover", "pv", "--out", tmp_path / "r")
    assert "steppe" in printed
    assert pd.read_csv(tmp_path / "r" / "cover_carbon.csv")["slope"][0] == pytest.approx(10)
    assert (tmp_path / "r" / "cover_carbon.png").exists()


def soc_map(path, level, *, left=500_000):
    values = np.full((3, 40, 50), level, np.float32) + np.array([0, -1.645, 1.645], np.float32)[:, None, None]
    with rasterio.open(
        path, "w", driver="GTiff", width=50, height=40, count=3, dtype="float32", crs="EPSG:32650", nodata=np.nan,
        transform=rasterio.transform.from_origin(left, 4_700_000, 10, 10),
    ) as target:  # fmt: skip
        target.write(values)
        target.descriptions = ("soc", "soc_lower", "soc_upper")
    return path


def test_the_change_of_carbon_is_mapped(tmp_path):
    first, last = soc_map(tmp_path / "a.tif", 12), soc_map(tmp_path / "b.tif", 8)
    drylands("soc-change", first, last, "--years", "2016,2023", "--out", tmp_path / "c.tif")
    with rasterio.open(tmp_path / "c.tif") as made:
        assert made.descriptions == ("change", "change_error", "relative_change", "class")
        change, error, relative, kind = made.read()
    np.testing.assert_allclose(change, -4, rtol=1e-5)
    np.testing.assert_allclose(error, np.sqrt(2), rtol=1e-3)
    np.testing.assert_allclose(relative, -1 / 3, rtol=1e-5)
    assert (kind == -1).all()


def test_maps_that_do_not_belong_together_are_told(tmp_path):
    first, other = soc_map(tmp_path / "a.tif", 12), soc_map(tmp_path / "b.tif", 8, left=510_000)
    assert "on different grids" in mistake("soc-change", first, other, "--years", "2016,2023")
    assert "1 years for 2 maps" in mistake("soc-change", first, other, "--years", "2016")
    assert "cannot be read" in mistake("soc-change", first, tmp_path / "gone.tif", "--years", "2016,2023")
