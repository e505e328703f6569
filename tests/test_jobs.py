"""One job at a back-end: sent, followed, its failure told, its files and their provenance fetched."""

import json
import re

import backends
import numpy as np
import openeo
import pytest
import rasterio
from layers import FormulaSource
from test_server import MEAN_MAP, SCALED, neighborhood
from test_server_jobs import TALKATIVE, pixels
from test_tiles import MEAN
from typer.testing import CliRunner

from drylands_openeo import jobs, local
from drylands_openeo.cli.app import app
from drylands_openeo.cli.remote import _request
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError, JobError, SourceError
from drylands_openeo.jobs.failure import explained
from drylands_openeo.jobs.request import Request, bound
from drylands_openeo.profiles import get_profile

LOGIN = jobs.Login("drylands", backends.PASSWORD)
QUICK = jobs.Patience(0.1, 0.2, 5.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with backends.served(tmp_path_factory.mktemp("jobs"), trust_any=True) as server:
        yield server


@pytest.fixture(scope="module")
def connection(server):
    return jobs.connect(server.url, LOGIN)


def asked(graph, **more):
    return Request(graph, "mean", "mean of a year", **more)


def test_a_jobs_files_are_the_engines_with_the_job_in_their_item(server, connection, tmp_path):
    direct = local.run(MEAN_MAP, Environment(FormulaSource()), local.Output(tmp_path, "direct", picture=False))
    states, lines = [], []
    request = asked(MEAN_MAP, arguments={"note": 7})
    done = jobs.run_job(
        connection, request, tmp_path / "out", patience=QUICK, line=lines.append, state=lambda *s: states.append(s)
    )
    assert set(done.files) == {"map", "item"}
    assert done.files["map"] == tmp_path / "out" / "mean.tif"
    np.testing.assert_array_equal(pixels(done.files["map"]), pixels(direct.files["map"]))
    assert states[-1] == ("finished", 100)
    item = json.loads(done.files["item"].read_text())
    (told,) = item["properties"]["drylands:jobs"]
    assert told["id"] in lines[0]
    assert (told["backend"], told["status"], told["title"]) == (server.url, "finished", "mean of a year")
    assert item["properties"]["processing:expression"]["expression"] == MEAN_MAP
    assert item["properties"]["drylands:parameters"] == {"note": 7}
    assert [band["name"] for band in item["assets"]["map"]["bands"]] == ["red", "nir"]
    assert item["properties"]["start_datetime"].startswith("2020-01-01")
    assert item["assets"]["map"]["href"] == "./mean.tif"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mean.json", "mean.tif"]


def test_an_interrupted_run_goes_on_with_its_job(connection, tmp_path):
    lines = []

    def interrupt(*state):
        raise KeyboardInterrupt

    before = len(connection.list_jobs())
    with pytest.raises(KeyboardInterrupt):
        jobs.run_job(connection, asked(MEAN_MAP), tmp_path, patience=QUICK, line=lines.append, state=interrupt)
    (sent,) = re.findall(r"--job (\S+) goes on", lines[0])
    done = jobs.run_job(connection, asked(MEAN_MAP), tmp_path, sent=sent, patience=QUICK)
    assert done.jobs[0]["id"] == sent
    assert done.files["map"].exists()
    assert len(connection.list_jobs()) == before + 1
    with pytest.raises(JobError, match="JobNotFound"):
        jobs.run_job(connection, asked(MEAN_MAP), tmp_path, sent="j-gone", patience=QUICK)


def test_netcdf_and_dated_maps_are_fetched_too(connection, tmp_path):
    cube = jobs.run_job(connection, asked(MEAN_MAP, format="netCDF"), tmp_path / "cube", patience=QUICK)
    assert cube.files["map"].suffix == ".nc"
    dated = {"load": {**MEAN_MAP["load"], "result": True}}
    maps = jobs.run_job(connection, asked(dated), tmp_path / "maps", patience=QUICK)
    assert len(maps.files) == 9
    assert maps.files["20200101"].name == "mean_20200101.tif"
    with rasterio.open(maps.files["20200101"]) as first:
        assert first.descriptions == ("red", "nir")


def test_what_a_function_says_is_heard_and_its_failure_is_one_paragraph(connection, tmp_path):
    lines = []
    jobs.run_job(connection, asked(neighborhood(TALKATIVE)), tmp_path / "a", patience=QUICK, line=lines.append)
    assert "warning: looked into" in lines
    with pytest.raises(
        JobError, match=r"^job j-\S+ failed: .*KeyError: 'factor' \(line 6.*Probably a user-defined"
    ) as e:
        jobs.run_job(connection, asked(neighborhood(MEAN)), tmp_path / "b", patience=QUICK)
    assert "\n" not in str(e.value)
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("Container killed on request. Exit code: 137", "executor-memory"),
        ("ExecutorLostFailure (executor 3 exited)", "executor-memory"),
        ("NoDataAvailableException(status_code=400, message='There is no data available for the extents.')", "images"),
        ("[402] PaymentRequired: not enough credits", "credits"),
        ("[400] ConcurrentJobLimit: too many jobs", "--jobs"),
        ("Traceback: File <string>, line 3, in apply_datacube: ZeroDivisionError", "user-defined function"),
        ("INVALID_DRIVER_MEMORY", "driver-memory"),
        ("the worker process was ended by SIGKILL", "memory"),
    ],
)
def test_known_causes_come_with_what_to_do(log, said):
    text = explained("j-1", "error", [{"message": log}, {"message": log}])
    assert text.count(log) == 1
    assert said in text.split("Probably")[1]


def test_long_logs_are_cut_to_their_end():
    lines = [{"message": f"error {number} " + "x" * 300} for number in range(50)]
    text = explained("j-1", "error", lines)
    assert len(text) < 900
    assert "error 49" in text
    assert "Probably" not in text
    assert "silent" in explained("j-1", "error", [])


def test_parameters_are_filled_in_callbacks_unless_these_have_their_own():
    flat = bound(SCALED, {"factor": 3})
    callback = flat["scale"]["arguments"]["process"]["process_graph"]["times"]["arguments"]
    assert callback == {"x": {"from_parameter": "x"}, "y": 3}
    shadowed = {**SCALED, "parameters": [{"name": "x", "schema": {}, "default": 9}, *SCALED["parameters"]]}
    callback = bound(shadowed, {})["scale"]["arguments"]["process"]["process_graph"]["times"]["arguments"]
    assert callback == {"x": {"from_parameter": "x"}, "y": 2.0}
    with pytest.raises(DrylandsError, match="no parameter 'colour'; it has: factor"):
        bound(SCALED, {"colour": 1})
    with pytest.raises(DrylandsError, match="needs its parameter 'factor'"):
        bound({**SCALED, "parameters": [{"name": "factor", "schema": {}}]}, {})


def drylands(*arguments):
    command = ["run", *map(str, arguments), "--user", "drylands", "--password", backends.PASSWORD, "--poll", "0.1"]
    return CliRunner().invoke(app, command)


def test_the_command_runs_a_graph_with_its_parameters(server, tmp_path):
    (tmp_path / "scaled.json").write_text(json.dumps(SCALED))
    for factor in (2, 4):
        ended = drylands(
            tmp_path / "scaled.json",
            "--backend",
            server.url,
            "--param",
            f"factor={factor}",
            "--out",
            tmp_path / f"{factor}",
        )
        assert ended.exit_code == 0, ended.output
    np.testing.assert_allclose(pixels(tmp_path / "4" / "scaled.tif"), 2 * pixels(tmp_path / "2" / "scaled.tif"))


def test_a_graph_that_is_wrong_is_not_sent(server, tmp_path):
    wrong = {**MEAN_MAP, "mean": {**MEAN_MAP["mean"], "process_id": "reduce_dimensoin"}}
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    before = len(server.connect().list_jobs())
    ended = drylands(tmp_path / "wrong.json", "--backend", server.url, "--out", tmp_path)
    assert isinstance(ended.exception, DrylandsError)
    assert "reduce_dimensoin" in str(ended.exception)
    assert len(server.connect().list_jobs()) == before


def test_logins_that_cannot_be_are_told(server):
    with pytest.raises(DrylandsError, match="CredentialsInvalid"):
        jobs.connect(server.url, jobs.Login("drylands", "wrong"))
    with pytest.raises(DrylandsError, match="knows no OpenID Connect; give --user"):
        jobs.connect(server.url, jobs.Login())
    with pytest.raises(DrylandsError, match="has no password"):
        jobs.connect(server.url, jobs.Login("drylands"))
    with pytest.raises(SourceError, match="does not answer"):
        jobs.connect("http://127.0.0.1:9", LOGIN)
    with pytest.raises(DrylandsError, match="has no address"):
        jobs.address_of("local")


def test_a_password_is_never_shown():
    assert backends.PASSWORD not in repr(LOGIN)
    assert "s3cret" not in repr(jobs.Login(client_id="a", client_secret="s3cret"))


def test_the_profile_of_a_back_end_is_known_by_name_address_and_its_own_word(server, connection):
    assert jobs.profile_at(server.url, connection).name == "local"
    assert jobs.profile_at("https://openeofed.dataspace.copernicus.eu/", connection).name == "federation"
    foreign = openeo.connect(server.url)
    foreign.capabilities().capabilities["id"] = "something else"
    with pytest.raises(DrylandsError, match="--profile"):
        jobs.profile_at(server.url, foreign)


def test_job_options_are_the_products_and_the_users():
    from drylands_openeo.area import Area
    from drylands_openeo.cli.remote import How, Order

    order = Order("indices", Area.of([114, 42, 114.1, 42.1]), "2020", {}, None, "GTiff", None)
    how = How(None, None, 2, 3, 1.0, 1.0, {"executor-memory": "9G"}, None, None)
    request = _request(order, how, get_profile("cdse"))
    assert request.options["executor-memory"] == "9G"
    assert request.options["max-executors"] == get_profile("cdse").job_options["max-executors"]
    assert _request(order, How(None, None, 2, 3, 1.0, 1.0, {}, None, None), get_profile("local")).options is None
    assert request.saved["save1"]["arguments"]["format"] == "GTiff"
    assert sum(bool(node.get("result")) for node in request.saved.values()) == 1
