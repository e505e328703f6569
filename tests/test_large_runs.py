"""A large area in tiles: without seams, on two back-ends of which one dies, taken up again after a kill."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack

import backends
import numpy as np
import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner

from drylands_openeo import jobs
from drylands_openeo.area import Area
from drylands_openeo.cli.app import app
from drylands_openeo.errors import DrylandsError, JobError
from drylands_openeo.jobs.request import Request
from drylands_openeo.jobs.state import State, alone
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.world import build

LOGIN = jobs.Login("drylands", backends.PASSWORD)
PATIENT = 120
"""Seconds until something that should happen is given up."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build(tmp_path_factory.mktemp("large") / "world", size=(1500, 1000), period="2020-06/2020-08")


@pytest.fixture(scope="module")
def request_(world):
    product, extents = get_product("indices"), {"spatial_extent": world.area, "temporal_extent": world.period}
    graph = product.flat_graph(get_profile("local"), **extents)
    return Request(graph, "indices", "indices 2020", {}, product.outputs({}))


@pytest.fixture(scope="module")
def parts(world):
    return jobs.split(world.area, 600, crs="EPSG:32650")


@pytest.fixture(scope="module")
def whole(world, request_, parts, tmp_path_factory):
    """The map of the whole area in one piece, by one job."""
    folder = tmp_path_factory.mktemp("whole")
    (west, south, east, north), epsg = parts.sides, 32650
    extent = {"west": west, "south": south, "east": east, "north": north, "crs": epsg}
    with backends.command(folder / "data", "--source", str(world.catalogue)) as (_, url):
        done = jobs.run_job(
            jobs.connect(url, LOGIN), request_.on(extent, "whole"), folder, patience=jobs.Patience(0.2, 0.2)
        )
    return read(done.files["map"])


def read(path):
    with rasterio.open(path) as source:
        return source.read(), source.transform, source.crs


def jobs_in(folder):
    """(tile, state) of every job that a server's store holds."""
    with sqlite3.connect(folder / "drylands.sqlite") as store:
        rows = store.execute("SELECT status, content FROM jobs").fetchall()
    return [(json.loads(content)["title"].split()[-1], status) for status, content in rows]


def the_same(found, whole):
    assert found[1:] == whole[1:]
    np.testing.assert_array_equal(found[0], whole[0])


def test_a_split_covers_its_area_once_on_whole_pixels():
    area = Area.of([113.9, 42.4, 114.3, 42.6])
    parts = jobs.split(area, 10_000)
    west, south, east, north = parts.sides
    assert sum((t.sides[2] - t.sides[0]) * (t.sides[3] - t.sides[1]) for t in parts.tiles) == (east - west) * (
        north - south
    )
    assert all(value % 60 == 0 for tile in parts.tiles for value in tile.sides)
    assert len({tile.name for tile in parts.tiles}) == len(parts.tiles) == 4 * 3
    extent = parts.tiles[0].extent(parts.crs, parts.margin)
    assert (extent["crs"], parts.tiles[0].sides[0] - extent["west"]) == (32650, 300)


def test_tiles_outside_a_polygon_are_left_out():
    corner = {"type": "Polygon", "coordinates": [[[114, 42], [114.5, 42], [114, 42.4], [114, 42]]]}
    assert len(jobs.split(Area.of(corner), 5000).tiles) < 0.7 * len(
        jobs.split(Area.of([114, 42, 114.5, 42.4]), 5000).tiles
    )
    with pytest.raises(DrylandsError, match="too small"):
        jobs.split(Area.of(corner), 100)
    with pytest.raises(DrylandsError, match="in metres"):
        jobs.split(Area.of(corner), 5000, crs="EPSG:4326")


def test_one_back_end_is_killed_in_the_middle_and_nothing_is_lost_nor_done_twice(
    world, request_, parts, whole, tmp_path
):
    folders, lines = [tmp_path / "a", tmp_path / "b"], []
    with ExitStack() as stack:
        options = ("--source", str(world.catalogue))
        (first, one), (_, other) = (stack.enter_context(backends.command(folder, *options)) for folder in folders)

        def line(text):
            lines.append(text)
            if text.endswith(f"finished at {one}") and first.poll() is None:
                first.send_signal(signal.SIGKILL)
                first.wait()

        done = jobs.run_large(
            {one: LOGIN, other: LOGIN}, request_, parts, tmp_path / "out", line=line,
            care=jobs.Care(parallel=2, poll=0.2, patience=1.0),
        )  # fmt: skip
    the_same(read(done.files["map"]), whole)
    killed, alive = jobs_in(folders[0]), jobs_in(folders[1])
    at_the_kill = [tile for tile, status in killed if status in ("queued", "running")]
    finished = [tile for tile, status in killed + alive if status == "finished"]
    assert len(killed) >= 2
    assert at_the_kill
    assert sorted(finished) == sorted(tile.name for tile in parts.tiles)
    assert len(killed) + len(alive) == len(parts.tiles) + len(at_the_kill)
    assert any("does not answer" in text for text in lines)
    item = json.loads(done.files["item"].read_text())
    assert {job["tile"] for job in item["properties"]["drylands:jobs"]} == set(finished)
    assert {job["backend"] for job in item["properties"]["drylands:jobs"]} == {one, other}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["indices.json", "indices.tif"]


def test_a_run_that_was_killed_goes_on_where_it_was(world, whole, tmp_path):
    with backends.command(tmp_path / "data", "--source", str(world.catalogue)) as (_, url):
        place = [
            "--bbox",
            ",".join(map(str, world.area.bbox)),
            "--period",
            "2020-06/2020-08",
            "--out",
            str(tmp_path / "out"),
        ]
        how = ["--backend", url, "--split", "0.6", "--crs", "EPSG:32650", "--user", "drylands", "--poll", "0.2"]
        command = ["run", "indices", *place, *how]
        environment = {**os.environ, "DRYLANDS_PASSWORD": backends.PASSWORD}
        run = subprocess.Popen([sys.executable, "-m", "drylands_openeo.cli", *command], env=environment, stderr=-3)
        end = time.monotonic() + PATIENT
        while not list((tmp_path / "out").glob("indices.run/tiles/r*")):
            assert run.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert not (tmp_path / "out" / "indices.tif").exists()
        other = CliRunner().invoke(app, [*command, "--param", "index=evi2"], env=environment)
        assert "unfinished run of something else" in str(other.exception)
        ended = CliRunner().invoke(app, command, env=environment)
        assert ended.exit_code == 0, ended.output
    the_same(read(tmp_path / "out" / "indices.tif"), whole)
    found = [job for job in jobs_in(tmp_path / "data") if job[1] != "created"]
    assert sorted(found) == sorted({(tile, "finished") for tile, _ in found})


def test_a_tile_that_fails_is_tried_again_and_then_told(request_, parts, world, tmp_path):
    lines = []
    care = jobs.Care(parallel=4, attempts=2, poll=0.1)
    graph = json.loads(json.dumps(request_.graph).replace('"2020-06-01", "2020-09-01"', '"1999-01-01", "2000-01-01"'))
    empty = Request(graph, "indices", "indices 1999")
    few = jobs.Split(parts.crs, parts.side, parts.margin, parts.tiles[:2])
    failed = pytest.raises(JobError, match=r"2 tiles failed \(r0c0, r0c1\).*there are no images")
    with backends.command(tmp_path / "data", "--source", str(world.catalogue)) as (_, url), failed:
        jobs.run_large({url: LOGIN}, empty, few, tmp_path / "out", line=lines.append, care=care)
    assert sorted(jobs_in(tmp_path / "data")) == [("r0c0", "error")] * 2 + [("r0c1", "error")] * 2
    assert sum("It is tried again." in text for text in lines) == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_state_reads_back_as_it_was(parts, tmp_path, kind, monkeypatch):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("drylands_openeo.jobs.state.find_spec", lambda name: kind == "parquet" or None)
    state = State(tmp_path)
    state.begin(parts.tiles)
    state.set(1, status="running", id="007", backend_name="http://127.0.0.1:1")
    again = State(tmp_path)
    assert again.path.name == f"state.{kind}"
    assert (again.of("http://127.0.0.1:1", "running"), again.get(1, "id"), again.get(0, "id")) == ([1], "007", "")
    pd.testing.assert_frame_equal(again.get_by_status(["running"]), state.get_by_status(["running"]))
    again.set(1, status="failed", attempts=3)
    again.begin(parts.tiles)
    assert (again.get(1, "status"), again.get(1, "attempts")) == ("not_started", 0)
    assert [path.name for path in tmp_path.iterdir()] == [again.path.name]


def test_a_start_that_failed_does_not_undo_what_it_noted(parts, tmp_path):
    state = State(tmp_path)
    state.begin(parts.tiles)
    copy = state.get_by_status(["not_started"])
    state.set(0, id="j-1", status="created", backend_name="x")
    copy.loc[0, "status"] = "skipped"
    state.persist(copy.loc[0:0])
    assert (state.get(0, "id"), state.get(0, "status")) == ("j-1", "created")


def test_two_runs_do_not_share_a_folder(tmp_path):
    with alone(tmp_path), pytest.raises(DrylandsError, match="another run"), alone(tmp_path):
        pass
