"""`drylands run` over a real STAC API and COGs over HTTP is the run from the local catalogue, pixel for pixel."""

import json

import numpy as np
import pytest
import rasterio
import servers
from typer.testing import CliRunner

from drylands_openeo.cli.app import app
from drylands_openeo.world import build


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("http") / "world", size=(700, 600), period="2020")


@pytest.fixture(scope="module")
def features(world):
    """The world's items with the addresses that their files have over HTTP."""
    with servers.files(world.folder) as address:
        text = world.items.read_text().replace(str(world.folder), address)
        content = json.loads(text)["features"]
        assert all(asset["href"].startswith("http") for feature in content for asset in feature["assets"].values())
        yield content


@pytest.fixture(scope="module")
def collections(world):
    return [json.loads(next(world.folder.rglob("collection.json")).read_text()) | {"links": []}]


@pytest.fixture(scope="module")
def rustac_api(features, tmp_path_factory):
    path = tmp_path_factory.mktemp("api") / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with servers.rustac(path) as url:
        yield url


@pytest.fixture(scope="module")
def pgstac_api(features, collections, tmp_path_factory):
    with servers.pgstac(collections, features, tmp_path_factory.mktemp("pg")) as url:
        yield url


def mapped(world, source, folder, *options):
    place = [
        "--bbox",
        ",".join(map(str, world.area.bbox)),
        "--period",
        "2020",
        "--quiet",
        "--no-pictures",
        "--out",
        str(folder),
    ]
    command = ["run", "harmonic_ndvi", "--source", str(source), *place, *options]
    ended = CliRunner().invoke(app, command, catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    with rasterio.open(folder / "harmonic_ndvi.tif") as written:
        return written.read()


@pytest.mark.parametrize("api", ["rustac_api", "pgstac_api"])
def test_a_run_over_http_is_the_local_run(api, world, request, tmp_path):
    url = request.getfixturevalue(api)
    local = mapped(world, world.catalogue, tmp_path / "local")
    np.testing.assert_array_equal(mapped(world, url, tmp_path / "http"), local)
    assert np.isfinite(local[0]).mean() > 0.8


def test_cloud_cover_and_cql2_mean_the_same_on_a_server(pgstac_api, world, tmp_path):
    options = ("--cloud-cover", "40", "--where", "platform = 'sentinel-2b'")
    local = mapped(world, world.items, tmp_path / "local", *options)
    everything = mapped(world, world.items, tmp_path / "everything")
    np.testing.assert_array_equal(mapped(world, pgstac_api, tmp_path / "http", *options), local)
    assert np.nanmax(local[-1]) < np.nanmax(everything[-1])
