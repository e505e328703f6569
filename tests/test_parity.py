"""Every product gives the engine's numbers over HTTP, and on code that is not ours where that can run it."""

import sys
from pathlib import Path

import backends
import pytest
import servers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # benchmarks/ is beside tests/

from benchmarks.parity import peers
from benchmarks.parity.cases import case_of
from benchmarks.parity.runs import Engine, Loopback, difference, finite, source_of
from benchmarks.parity.table import LIMITS, Line, page
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.world import build


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("parity") / "world", size=(600, 500), period="2020")


@pytest.fixture(scope="module")
def ways(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ways")
    with backends.served(folder / "data", source=source_of(world), collections=[]) as server:
        yield Engine(world, folder), Loopback(world, folder, server.connect())


@pytest.mark.parametrize("name", PRODUCTS)
def test_over_http_a_product_is_the_engines(ways, name):
    engine, loopback = ways
    case = case_of(get_product(name))
    ours = engine(case)
    assert finite(ours) > 0.05
    assert difference(ours, loopback(case)) <= LIMITS["loopback"]


def test_titiler_openeo_gives_the_indices_of_every_band(world, tmp_path):
    if reason := peers.reason_without("titiler"):
        pytest.skip(reason)
    case = case_of(get_product("indices"))
    with peers.titiler(world, tmp_path, servers) as (titiler, engine):
        ours = engine(case)
        assert list(ours) == ["ndvi", "bsi", "nbr2", "count"]
        assert difference(ours, titiler(case)) <= LIMITS["titiler"]


@pytest.mark.filterwarnings("ignore")
def test_openeo_processes_dask_gives_the_ndvi(world, tmp_path):
    if reason := peers.reason_without("dask"):
        pytest.skip(reason)
    tile = peers.Tile.of(world, tmp_path / "items.json")
    case = case_of(get_product("indices"))
    ours = peers.OnTile(tile, tmp_path, single=True)(case)
    assert list(ours) == ["ndvi"]
    assert difference(ours, peers.ProcessesDask(tile)(case)) <= LIMITS["dask"]


def test_a_missing_number_is_an_infinite_difference(ways):
    engine, _ = ways
    ours = engine(case_of(get_product("aridity")))
    hole = {name: values.copy() for name, values in ours.items()}
    next(iter(hole.values()))[0, 0] = float("nan")
    fewer = dict(list(ours.items())[1:])
    assert difference(ours, ours) == 0
    assert difference(ours, hole) == difference(ours, fewer) == float("inf")


def test_the_table_tells_differences_and_reasons():
    versions = dict.fromkeys(LIMITS, "peer")
    text = page([Line("indices", "3 of 2x2, 100% data", {"loopback": 0.0, "titiler": 2e-7})], versions)
    assert text.splitlines()[-1] == "| `indices` | 3 of 2x2, 100% data | 0 | 2.0e-07 | not installed |"
