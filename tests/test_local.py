"""A graph, from its plan to its files: the same pixels whatever the tiles, and provenance beside them."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from layers import GRID, FormulaSource

from drylands_openeo import local
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError, GraphError
from drylands_openeo.product import OutputBand

LOAD = {"process_id": "load_collection", "arguments": {"id": "any", "spatial_extent": None, "bands": ["red", "nir"]}}
MEAN = {
    "reducer": {
        "process_graph": {
            "m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
        }
    }
}


def reduced(dimension, process_id="reduce_dimension"):
    arguments = {"data": {"from_node": "load"}, "dimension": dimension, **MEAN}
    return {"load": LOAD, "last": {"process_id": process_id, "arguments": arguments, "result": True}}


def run(graph, folder, **how):
    output = local.Output(folder, "result", **{"picture": False, **how.pop("output", {})})
    return local.run(graph, Environment(FormulaSource()), output, **how)


def test_a_map_has_its_bands_and_its_provenance(tmp_path):
    bands = [OutputBand("red", "1", "mean red reflectance"), OutputBand("nir", "1", "mean near infrared")]
    result = run(reduced("t"), tmp_path, output={"bands": bands, "picture": True}, arguments={"note": 7})
    with rasterio.open(result.files["map"]) as written:
        assert written.descriptions == ("red", "nir")
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert tuple(written.shape) == tuple(GRID.shape)
        expected = np.nanmean(FormulaSource().collection("any", Extent()).read(GRID).values, axis=0)
        np.testing.assert_allclose(written.read(), expected, rtol=1e-6)
    item = json.loads(result.files["item"].read_text())
    assert item["properties"]["processing:expression"]["expression"]["last"]["process_id"] == "reduce_dimension"
    assert item["properties"]["drylands:parameters"] == {"note": 7}
    assert item["properties"]["start_datetime"].startswith("2020-01-01")
    assert result.files["picture-nir"].stat().st_size > 1000
    assert item["assets"]["map"]["bands"][1]["description"] == "mean near infrared"


class Extent:
    bands = None


@pytest.mark.parametrize("tile", [16, 37, 512])
def test_tiles_and_threads_make_no_difference(tmp_path, tile):
    one = run(reduced("t"), tmp_path / "one", workers=local.Workers(1, 1000))
    many = run(reduced("t"), tmp_path / "many", workers=local.Workers(2, tile))
    with rasterio.open(one.files["map"]) as first, rasterio.open(many.files["map"]) as second:
        np.testing.assert_array_equal(first.read(), second.read())


def test_dates_become_one_map_each_or_one_netcdf(tmp_path):
    maps = run(reduced("bands"), tmp_path / "maps")
    dated = [key for key in maps.files if key.isdigit()]
    assert len(dated) == 8
    assert "20200101" in dated
    cube = run(reduced("bands"), tmp_path / "cube", output={"format": "netCDF"})
    with xr.open_dataset(cube.files["map"]) as dataset, rasterio.open(maps.files["20200101"]) as first:
        np.testing.assert_array_equal(dataset["value"].isel(t=0), first.read(1))


def test_a_result_without_pixels_is_json(tmp_path):
    arguments = {"data": {"from_node": "mean"}, **MEAN}
    graph = reduced("t")
    graph["mean"] = {**graph.pop("last"), "result": False}
    graph["all"] = {"process_id": "reduce_spatial", "arguments": arguments, "result": True}
    values = json.loads(run(graph, tmp_path).files["values"].read_text())
    assert values["dims"] == ["bands"]
    assert values["labels"]["bands"] == ["red", "nir"]
    assert values["values"][0] == pytest.approx(0.3, abs=0.05)


def test_an_error_leaves_nothing_behind(tmp_path):
    with pytest.raises(GraphError, match="no such"):
        run(reduced("no such"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_format_is_told():
    with pytest.raises(DrylandsError, match="GTiff or netCDF"):
        local.Output("out", "x", format="PNG")
