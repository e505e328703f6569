"""Batch jobs as the real client sees them: results, logs, cancelling, workers that die, servers that die."""

import os
import signal
import time
from pathlib import Path

import backends
import numpy as np
import openeo
import pystac
import pytest
import rasterio
import requests
import servers
from layers import FormulaSource
from openeo.rest import JobFailedException, OpenEoApiError
from test_server import MEAN_MAP, neighborhood, only, saved_as
from test_tiles import MEAN

from drylands_openeo import local
from drylands_openeo.area import Period
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.world import build

YEAR = Period.of("2020")

TALKATIVE = """
import xarray as xr
from openeo.udf import inspect


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    print("pixels", cube.sizes["y"])
    inspect(message="looked into", data={"bands": 2}, level="warning")
    return cube
"""
SLEEPY = """
import os
import time
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    with open(context["path"], "w") as told:
        told.write(f"{os.getpid()}.")
    time.sleep(60)
    return cube
"""
ABRUPT = """
import os
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    os._exit(7)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with backends.served(tmp_path_factory.mktemp("jobs"), trust_any=True, parallel=1) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    return server.connect()


def finished(job):
    return job.start_and_wait(max_poll_interval=0.1, print=lambda _: None, show_error_logs=False)


def running(client, path, **load):
    """(a job that sleeps, the id of its process), once its UDF is at it."""
    flat = neighborhood(SLEEPY, path=str(path))
    flat["load"]["arguments"].update(load)
    job = client.create_job(flat).start()
    deadline = time.monotonic() + servers.PATIENCE
    while not (path.exists() and path.read_text().endswith(".")):
        assert time.monotonic() < deadline, f"the UDF was not reached: {job.status()} {messages(job)}"
        time.sleep(0.02)
    return job, int(path.read_text().rstrip("."))


def alive(pid):
    """Whether a process runs; one that has ended but was not asked for its exit code does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def dies(pid):
    deadline = time.monotonic() + servers.PATIENCE
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def messages(job, level="debug"):
    return [entry.message for entry in job.logs(level=level)]


def pixels(path):
    with rasterio.open(path) as source:
        return source.read()


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_jobs_map_is_the_engines_map(client, tmp_path):
    direct = local.run(MEAN_MAP, Environment(FormulaSource()), local.Output(tmp_path, "direct", picture=False))
    job = finished(client.create_job(MEAN_MAP, title="mean", description="of a year"))
    described = job.describe()
    assert (described["status"], described["progress"], described["title"]) == ("finished", 100, "mean")
    assert described["process"]["process_graph"] == MEAN_MAP
    assert described["usage"]["duration"]["unit"] == "seconds"
    job.get_results().download_files(tmp_path / "files")
    np.testing.assert_array_equal(pixels(next((tmp_path / "files").glob("*.tif"))), pixels(direct.files["map"]))


def test_results_are_a_stac_item_that_anyone_with_the_link_can_read(client):
    job = finished(client.create_job(MEAN_MAP, title="mean"))
    metadata = job.get_results().get_metadata()
    item = pystac.Item.from_dict(metadata)
    assert (metadata["stac_version"], item.id, item.properties["title"]) == ("1.1.0", job.job_id, "mean")
    assert item.properties["proj:code"] == "EPSG:32650"
    assert [band["name"] for band in item.assets["map"].extra_fields["bands"]] == ["red", "nir"]
    href = item.assets["map"].href
    assert requests.get(href, headers={"Range": "bytes=0-3"}, timeout=10).status_code == 206
    with rasterio.MemoryFile(requests.get(href, timeout=10).content) as held, held.open() as source:
        assert source.descriptions == ("red", "nir")
    canonical = next(link.href for link in item.links if link.rel == "canonical")
    assert requests.get(canonical, timeout=10).json()["id"] == job.job_id


def test_a_link_that_was_changed_is_refused(client):
    job = finished(client.create_job(only("add", x=1, y=2)))
    href = job.get_results().get_asset().href
    assert requests.get(href, timeout=10).json() == 3
    bare, _, query = href.partition("?")
    for wrong, status in (
        (bare, 401),
        (f"{bare}?{query.replace('expires=', 'expires=9')}", 403),
        (f"{bare}x?{query}", 403),
        (f"{bare}?signature=&expires=1", 403),
    ):
        assert requests.get(wrong, timeout=10).status_code == status


def test_an_expired_link_is_told(server, client, monkeypatch):
    job = finished(client.create_job(only("add", x=1, y=2)))
    monkeypatch.setattr("drylands_openeo.server.auth.LINK_SECONDS", -1)
    answer = requests.get(job.get_results().get_asset().href, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (410, "ResultLinkExpired")


@pytest.mark.parametrize("name", ["..%2fdrylands.sqlite", "%2e%2e/%2e%2e/drylands.sqlite", "nothing.tif", ""])
def test_no_other_file_is_handed_out(server, client, name):
    job = finished(client.create_job(only("add", x=1, y=2)))
    for path in (f"/jobs/{job.job_id}/results/{name}", f"/jobs/{name}/results", f"/jobs/..%2f{job.job_id}"):
        answer = requests.get(server.url + path, auth=client.auth, timeout=10)
        assert answer.status_code in (404, 401, 200)
        assert b"SQLite" not in answer.content
        assert path.endswith("/results/") or answer.status_code == 404


# --- from creation to deletion ----------------------------------------------------------------------------------------


def test_jobs_are_listed_the_newest_first_page_by_page(server, client):
    made = [client.create_job(only("add", x=1, y=number)).job_id for number in range(3)]
    assert [job["id"] for job in client.list_jobs()][:3] == made[::-1]
    page = requests.get(f"{server.url}/jobs?limit=2", auth=client.auth, timeout=10).json()
    rest = requests.get(page["links"][0]["href"], auth=client.auth, timeout=10).json()
    assert [job["id"] for job in page["jobs"] + rest["jobs"]][:3] == made[::-1]
    assert "process" not in page["jobs"][0]


def test_a_job_is_edited_and_deleted(server, client):
    job = client.create_job(only("add", x=1, y=2), title="old")
    path = f"/jobs/{job.job_id}"
    client.patch(path, json={"title": "new", "process": {"process_graph": only("add", x=5, y=2)}}, expected_status=204)
    assert job.describe()["title"] == "new"
    assert requests.get(finished(job).get_results().get_asset().href, timeout=10).json() == 7
    for body, code in (({"status": "finished"}, "PropertyNotEditable"), ({}, "NoDataForUpdate")):
        with pytest.raises(OpenEoApiError, match=code):
            client.patch(path, json=body)
    job.delete()
    with pytest.raises(OpenEoApiError, match=r"\[404\] JobNotFound"):
        job.describe()
    assert not (server.backend.settings.data_dir / "jobs" / job.job_id).exists()


def test_a_job_that_cannot_run_is_not_created(client):
    with pytest.raises(OpenEoApiError, match="FormatUnsupported"):
        client.create_job(saved_as(MEAN_MAP, "PNG"))
    with pytest.raises(OpenEoApiError, match="ProcessGraphInvalid"):
        client.create_job({"a": {"process_id": "add", "arguments": {}}})


def test_a_job_without_results_says_so(client):
    with pytest.raises(OpenEoApiError, match="JobNotStarted"):
        client.create_job(MEAN_MAP).get_results().get_metadata()


# --- logs -------------------------------------------------------------------------------------------------------------


def test_what_a_udf_says_is_in_the_log(client):
    job = finished(client.create_job(neighborhood(TALKATIVE)))
    assert "pixels 16" in messages(job)
    entry = job.logs(level="warning")[0]
    assert (entry.message, entry["data"]) == ("looked into", {"bands": 2})
    every = job.logs()
    assert [line.id for line in job.logs(offset=every[1].id)] == [line.id for line in every[2:]]


def test_the_error_of_a_udf_is_in_the_log_with_its_line(client):
    job = client.create_job(neighborhood(MEAN))
    with pytest.raises(JobFailedException):
        finished(job)
    assert "KeyError: 'factor' (line 6: return cube.mean" in messages(job, "error")[-1]
    with pytest.raises(OpenEoApiError, match=r"\[424\] UdfFailed.*KeyError: 'factor' \(line 6"):
        job.get_results().get_metadata()


# --- what dies --------------------------------------------------------------------------------------------------------


def test_a_running_job_is_cancelled_and_the_next_one_runs(client, tmp_path):
    job, pid = running(client, tmp_path / "reached")
    second = client.create_job(only("add", x=1, y=2)).start()
    assert (job.status(), second.status()) == ("running", "queued")
    with pytest.raises(OpenEoApiError, match="JobLocked"):
        client.patch(f"/jobs/{job.job_id}", json={"title": "new"})
    with pytest.raises(OpenEoApiError, match="JobNotFinished"):
        job.get_results().get_metadata()
    job.stop()
    assert job.status() == "canceled"
    assert dies(pid)
    assert backends.wait(second, "finished", "error") == "finished"
    assert job.start().status() in ("queued", "running")
    job.delete()
    assert job.job_id not in [one["id"] for one in client.list_jobs()]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_is_deleted_on_its_way(client, tmp_path, state):
    job, _ = running(client, tmp_path / "reached")
    waiting = client.create_job(only("add", x=1, y=2)).start()
    first, other = (waiting, job) if state == "queued" else (job, waiting)
    first.delete()
    other.delete()
    assert not {job.job_id, waiting.job_id} & {one["id"] for one in client.list_jobs()}


def test_a_worker_killed_from_outside_fails_its_job_and_nothing_else(client, tmp_path):
    job, pid = running(client, tmp_path / "reached")
    os.kill(pid, signal.SIGKILL)
    assert backends.wait(job, "error", "finished") == "error"
    assert "SIGKILL" in messages(job, "error")[-1]
    assert client.execute(only("add", x=1, y=2)) == 3
    assert finished(client.create_job(only("add", x=1, y=2))).status() == "finished"


def test_a_worker_that_ends_without_a_word_fails_its_job(client):
    job = client.create_job(neighborhood(ABRUPT))
    with pytest.raises(JobFailedException):
        finished(job)
    assert "exit code 7" in messages(job, "error")[-1]


@pytest.mark.filterwarnings("ignore:Defining user-defined process")
def test_a_new_server_knows_the_jobs_of_the_old_one(tmp_path):
    with backends.served(tmp_path / "data", trust_any=True) as server:
        client = server.connect()
        client.save_user_defined_process("two", only("add", x=1, y=1), parameters=[])
        done = finished(client.create_job(only("two"))).job_id
        link = client.job(done).get_results().get_asset().href
        interrupted, pid = running(client, tmp_path / "reached")
        waiting = client.create_job(MEAN_MAP).start().job_id
        made = client.create_job(MEAN_MAP).job_id
        with pytest.raises(DrylandsError, match="in use by another server"), backends.served(tmp_path / "data"):
            pass
    assert dies(pid)
    with backends.served(tmp_path / "data") as server:
        client = server.connect()
        states = {job["id"]: job["status"] for job in client.list_jobs()}
        assert states == {done: "finished", interrupted.job_id: "error", waiting: "error", made: "created"}
        assert "the server ended before this job did" in messages(client.job(interrupted.job_id), "error")[-1]
        assert requests.get(link.replace(link.split("/jobs")[0], server.url), timeout=10).json() == 2
        assert [process["id"] for process in client.list_user_defined_processes()] == ["two"]
        assert finished(client.job(waiting)).status() == "finished"


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_serves_a_catalogue_and_its_workers_end_with_it(tmp_path):
    world = build(tmp_path / "world", size=(600, 500), period=YEAR)
    flat = get_product("indices").flat_graph(get_profile("local"), spatial_extent=world.area, temporal_extent=YEAR)
    source = local.source_of(source=world.catalogue)
    direct = local.run(flat, Environment(source), local.Output(tmp_path, "direct", picture=False))
    options = ("--source", str(world.catalogue), "--allow-udf", "any")
    with backends.command(tmp_path / "data", *options) as (process, url):
        client = openeo.connect(url).authenticate_basic("drylands", backends.PASSWORD)
        assert client.list_collection_ids() == ["sentinel-2-l2a"]
        assert "nir" in client.collection_metadata("sentinel-2-l2a").band_names
        assert list(client.validate_process_graph(flat)) == []
        client.download(flat, tmp_path / "indices.tif")
        np.testing.assert_array_equal(pixels(tmp_path / "indices.tif"), pixels(direct.files["map"]))
        extent = {"spatial_extent": world.area.spatial_extent, "temporal_extent": list(YEAR.interval)}
        job, pid = running(client, tmp_path / "reached", id="sentinel-2-l2a", **extent)
        process.send_signal(signal.SIGKILL)
        assert dies(pid)
    with backends.served(tmp_path / "data") as server:
        assert server.connect().job(job.job_id).status() == "error"
