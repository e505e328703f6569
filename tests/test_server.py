"""The openEO API as the real client sees it: discovery, access, validation, synchronous results, saved processes."""

import io
import json
import time
import zipfile

import backends
import numpy as np
import openeo
import pytest
import rasterio
import requests
import servers
import xarray as xr
from jsonschema import Draft7Validator
from layers import FormulaSource
from openeo.rest import OpenEoApiError
from test_tiles import BLUR, MEAN, OVERLAP, SIZES, graph, udf

from drylands_openeo import local
from drylands_openeo.engine import Environment
from drylands_openeo.engine.registry import PROCESSES

TEMPORAL = ["2020-01-01", "2021-01-01"]
SLEEP = "import time\n" + MEAN.replace("return", "time.sleep(60)\n    return")

MEAN_MAP = {
    "load": {
        "process_id": "load_collection",
        "arguments": {"id": "formula", "spatial_extent": None, "temporal_extent": TEMPORAL, "bands": ["red", "nir"]},
    },
    "mean": {
        "process_id": "reduce_dimension",
        "arguments": {
            "data": {"from_node": "load"},
            "dimension": "t",
            "reducer": {
                "process_graph": {
                    "mean": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}
                }
            },
        },
        "result": True,
    },
}
SCALED = {
    "id": "scaled",
    "summary": "The mean, times a factor",
    "parameters": [
        {"name": "factor", "description": "", "schema": {"type": "number"}, "optional": True, "default": 2.0}
    ],
    "process_graph": {
        **{key: {name: value for name, value in node.items() if name != "result"} for key, node in MEAN_MAP.items()},
        "scale": {
            "process_id": "apply",
            "arguments": {
                "data": {"from_node": "mean"},
                "process": {
                    "process_graph": {
                        "times": {
                            "process_id": "multiply",
                            "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "factor"}},
                            "result": True,
                        }
                    }
                },
            },
            "result": True,
        },
    },
}


PARAMETERS = b'{"process": {"process_graph": {"a": {}}, "parameters": [1]}}'


def only(process_id, namespace=None, **arguments):
    node = {"process_id": process_id, "arguments": arguments, "result": True}
    return {"only": node | ({"namespace": namespace} if namespace else {})}


def neighborhood(text, **context):
    return graph("apply_neighborhood", process=udf(text, **context), size=SIZES, overlap=OVERLAP)


def saved_as(flat, format):
    """The graph with its result written in a format."""
    bare = {key: {name: value for name, value in node.items() if name != "result"} for key, node in flat.items()}
    last = next(key for key, node in flat.items() if node.get("result"))
    arguments = {"data": {"from_node": last}, "format": format}
    return {**bare, "save": {"process_id": "save_result", "arguments": arguments, "result": True}}


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server as it is by default."""
    with backends.served(tmp_path_factory.mktemp("closed")) as server:
        yield server


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A server that runs any UDF, reads processes from a folder, and has little patience."""
    folder = tmp_path_factory.mktemp("opened")
    (folder / "shared").mkdir()
    (folder / "shared" / "scaled.json").write_text(json.dumps(SCALED), "utf-8")
    (folder / "secret.json").write_text(json.dumps(SCALED), "utf-8")
    limits = {"max_pixels": 5000, "max_body": 40_000, "sync_seconds": 20.0}
    with backends.served(folder / "data", trust_any=True, namespaces=folder / "shared", **limits) as server:
        yield server


@pytest.fixture(scope="module")
def client(closed):
    return closed.connect()


@pytest.fixture(scope="module")
def mean_map(tmp_path_factory):
    """(map, saved map) of MEAN_MAP by the engine itself."""
    output = local.Output(tmp_path_factory.mktemp("direct"), "direct", picture=False)
    return local.run(MEAN_MAP, Environment(FormulaSource()), output).files["map"]


def pixels(path):
    with rasterio.open(path) as source:
        return source.read()


def refused(code, status=400):
    return pytest.raises(OpenEoApiError, match=rf"\[{status}\] {code}")


# --- discovery and access ---------------------------------------------------------------------------------------------


def test_every_endpoint_that_is_listed_answers(closed):
    listed = requests.get(closed.url, timeout=10).json()["endpoints"]
    assert {"path": "/jobs/{job_id}/results", "methods": ["GET", "POST", "DELETE"]} in listed
    for endpoint in listed:
        for method in endpoint["methods"]:
            path = endpoint["path"].replace("{", "").replace("}", "")
            answer = requests.request(method, closed.url + path, timeout=10)
            code = None if answer.ok else answer.json()["code"]
            assert code in (None, "AuthenticationRequired", "CollectionNotFound"), (method, path, answer.text)


def test_capabilities_as_the_client_reads_them(client):
    capabilities = client.capabilities()
    assert capabilities.api_version() == "1.2.0"
    assert capabilities.supports_endpoint("/process_graphs/{process_graph_id}", "PUT")
    assert not capabilities.supports_endpoint("/jobs/{job_id}/estimate")
    assert client.describe_account()["user_id"] == "drylands"
    assert set(client.list_file_formats()["output"]) == {"GTiff", "netCDF", "JSON"}
    assert "numpy" in client.list_udf_runtimes()["Python"]["versions"].popitem()[1]["libraries"]


def test_collections_carry_dimensions_and_bands(client):
    assert client.list_collection_ids() == ["formula"]
    assert client.collection_metadata("formula").band_names == ["red", "nir"]
    with refused("CollectionNotFound", 404):
        client.describe_collection("landsat")


def test_every_process_is_described_with_its_parameters(client):
    described = {process["id"]: process for process in client.list_processes()}
    assert set(described) == set(PROCESSES)
    for name, process in PROCESSES.items():
        parameters = described[name]["parameters"]
        assert [parameter["name"] for parameter in parameters] == list(process.parameters)
        assert {parameter["name"] for parameter in parameters if not parameter.get("optional")} == process.required
        assert described[name]["summary"] is not None
        assert "schema" in described[name]["returns"]
        for parameter in parameters:
            schema = parameter["schema"]
            Draft7Validator.check_schema({"anyOf": schema} if isinstance(schema, list) else schema)


def test_who_may_ask(closed):
    with refused("CredentialsInvalid", 403):
        openeo.connect(closed.url).authenticate_basic("drylands", "guessed")
    with refused("AuthenticationRequired", 401):
        openeo.connect(closed.url).list_jobs()
    for header, code in (("Bearer basic//guessed", "TokenInvalid"), ("Basic Zm9v", "AuthenticationSchemeInvalid")):
        answer = requests.get(f"{closed.url}/jobs", headers={"Authorization": header}, timeout=10)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
        assert set(answer.json()) == {"id", "code", "message", "links"}


def test_a_page_from_elsewhere_may_connect(closed):
    asked = {
        "Origin": "https://editor.openeo.org",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    preflight = requests.options(f"{closed.url}/jobs/any", headers=asked, timeout=10)
    assert preflight.ok
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    answer = requests.get(closed.url, headers={"Origin": "https://editor.openeo.org"}, timeout=10)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert {"OpenEO-Identifier", "Location", "Link"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))


def test_a_browser_gets_a_page_without_foreign_scripts(closed):
    answer = requests.get(closed.url, headers={"Accept": "text/html,*/*"}, timeout=10)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert requests.get(f"{closed.url}/page/page.js", timeout=10).ok


@pytest.mark.parametrize("path", ["/page/../store.py", "/page/..%2fstore.py", "/nowhere"])
def test_what_is_not_there_is_not_found(closed, path):
    assert requests.get(closed.url + path, timeout=10).status_code == 404


# --- validation -------------------------------------------------------------------------------------------------------


def codes(client, flat):
    return sorted(error["code"] for error in client.validate_process_graph(flat))


def test_a_good_graph_has_no_errors(client):
    assert codes(client, MEAN_MAP) == []
    assert codes(client, SCALED["process_graph"]) == ["ProcessParameterMissing"]


def changed(**arguments):
    return {**MEAN_MAP, "load": {**MEAN_MAP["load"], "arguments": {**MEAN_MAP["load"]["arguments"], **arguments}}}


@pytest.mark.parametrize(
    ("flat", "code"),
    [
        (changed(id="landsat"), "CollectionNotFound"),
        (changed(temporal_extent="2020"), "ProcessParameterInvalid"),
        (changed(colour="red"), "ProcessParameterUnsupported"),
        (only("ndwi2"), "ProcessUnsupported"),
        (only("ndwi2", namespace="backend"), "ProcessUnsupported"),
        (only("add", x=1), "ProcessParameterRequired"),
        (only("resample_spatial", data=None, method="nearest"), "ProcessParameterInvalid"),
        (graph("apply", process={"process_graph": only("ndwi2")}), "ProcessUnsupported"),
        (neighborhood(BLUR), "UdfNotTrusted"),
        (saved_as(MEAN_MAP, "PNG"), "FormatUnsupported"),
        (
            {"a": {"process_id": "add", "arguments": {"x": {"from_node": "a"}, "y": 1}, "result": True}},
            "ProcessGraphInvalid",
        ),
        ({"a": {"process_id": "add", "arguments": {"x": 1, "y": 1}}}, "ProcessGraphInvalid"),
    ],
)
def test_a_bad_graph_is_told_by_its_code(client, flat, code):
    assert code in codes(client, flat)


# --- synchronous results ----------------------------------------------------------------------------------------------


def test_a_downloaded_map_is_the_engines_map(client, mean_map, tmp_path):
    client.download(MEAN_MAP, tmp_path / "mean.tif")
    np.testing.assert_array_equal(pixels(tmp_path / "mean.tif"), pixels(mean_map))
    client.download(saved_as(MEAN_MAP, "netcdf"), tmp_path / "mean.nc")
    with xr.open_dataset(tmp_path / "mean.nc") as cube:
        np.testing.assert_array_equal(cube["nir"], pixels(mean_map)[1])


def test_a_datacube_of_the_client_is_computed(client, tmp_path):
    cube = client.load_collection("formula", temporal_extent=TEMPORAL, bands=["red", "nir"]).reduce_temporal("max")
    ndvi = (cube.band("nir") - cube.band("red")) / (cube.band("nir") + cube.band("red"))
    ndvi.download(tmp_path / "ndvi.tif")
    red, nir = np.nanmax(FormulaSource().collection("", type("E", (), {"bands": None})).read(FormulaSource().grid), 0)
    np.testing.assert_allclose(pixels(tmp_path / "ndvi.tif")[0], (nir - red) / (nir + red), rtol=1e-5, atol=1e-6)


def test_a_value_comes_as_json_and_a_series_as_one_archive(client):
    assert client.execute(only("add", x=1, y=2)) == 3
    series = {"load": {**MEAN_MAP["load"], "result": True}}
    content = requests.post(
        f"{client.root_url}/result", json={"process": {"process_graph": series}}, auth=client.auth, timeout=60
    )
    assert content.headers["Content-Type"] == "application/zip"
    assert len(zipfile.ZipFile(io.BytesIO(content.content)).namelist()) == 8


def test_nothing_is_left_of_a_synchronous_request(closed, client):
    client.execute(only("add", x=1, y=2))
    deadline = time.monotonic() + 5
    while any(closed.backend.scratch.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(closed.backend.scratch.iterdir())


def test_a_map_is_not_written_as_json(client):
    with refused("FormatUnsuitable"):
        client.execute(saved_as(MEAN_MAP, "JSON"))


@pytest.mark.parametrize("url", ["/etc/passwd", "catalog.json", "file:///etc/passwd"])
def test_no_file_of_this_machine_is_read_as_stac(client, url):
    with refused("ProcessParameterInvalid"):
        client.execute(only("load_stac", url=url))


def test_foreign_code_is_refused(client):
    with refused("UdfNotTrusted", 403):
        client.execute(neighborhood(BLUR))


def test_the_error_of_a_udf_names_its_line(opened):
    with refused("UdfFailed") as raised:
        opened.connect().execute(neighborhood(MEAN))
    assert "KeyError: 'factor' (line 6: return cube.mean" in str(raised.value)


def test_what_is_too_large_is_refused(opened):
    client = opened.connect()
    with refused("ProcessGraphComplexity"):
        client.execute(graph("resample_spatial", resolution=1))
    with refused("ContentTooLarge", 413):
        client.execute(neighborhood(BLUR + "#" * 50_000))


def test_a_request_that_takes_too_long_is_ended(tmp_path):
    with backends.served(tmp_path, trust_any=True, sync_seconds=1.0) as server, refused("RequestTimeout", 408):
        server.connect().execute(neighborhood(SLEEP, factor=1))


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"[]", b'{"process": 1}', b'{"process": {"process_graph": []}}', PARAMETERS]
)
def test_a_body_that_is_no_request_is_told(closed, client, body):
    answer = requests.post(f"{closed.url}/result", data=body, auth=client.auth, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("ContentTypeInvalid", "ProcessGraphMissing", "ProcessInvalid")


# --- processes of one's own -------------------------------------------------------------------------------------------


def test_a_saved_process_is_used_like_any_other(closed, mean_map, tmp_path):
    client = closed.connect()
    client.save_user_defined_process("scaled", SCALED["process_graph"], parameters=SCALED["parameters"], summary="S")
    assert [process["id"] for process in client.list_user_defined_processes()] == ["scaled"]
    assert "process_graph" not in client.list_user_defined_processes()[0]
    assert client.user_defined_process("scaled").describe()["process_graph"] == SCALED["process_graph"]
    assert codes(client, only("scaled", factor=3)) == []
    assert codes(client, only("scaled", faktor=3)) == ["ProcessParameterUnsupported"]
    client.datacube_from_process("scaled", factor=3).download(tmp_path / "by3.tif")
    client.datacube_from_process("scaled", namespace="user").download(tmp_path / "by2.tif")
    np.testing.assert_allclose(pixels(tmp_path / "by3.tif"), 3 * pixels(mean_map), rtol=1e-6)
    np.testing.assert_allclose(pixels(tmp_path / "by2.tif"), 2 * pixels(mean_map), rtol=1e-6)
    client.user_defined_process("scaled").delete()
    with refused("ProcessGraphNotFound", 404):
        client.user_defined_process("scaled").describe()


@pytest.mark.filterwarnings("ignore:Defining user-defined process")
def test_a_process_that_cannot_be_saved(client):
    for name, content, code in (
        ("add", SCALED["process_graph"], "PredefinedProcessExists"),
        ("a.b", SCALED["process_graph"], "ProcessInvalid"),
        ("c", {"x": {"process_id": "add", "arguments": {}}}, "ProcessGraphInvalid"),
    ):
        with refused(code):
            client.save_user_defined_process(name, content)


def test_a_process_behind_an_address_is_used(opened, mean_map, tmp_path):
    client = opened.connect()
    (tmp_path / "scaled.json").write_text(json.dumps(SCALED), "utf-8")
    (tmp_path / "processes.json").write_text(json.dumps({"processes": [SCALED], "links": []}), "utf-8")
    (tmp_path / "large.json").write_text(" " * 5 * 2**20, "utf-8")
    with servers.files(tmp_path) as root:
        for name in ("scaled", "processes"):
            cube = client.datacube_from_process("scaled", namespace=f"{root}/{name}.json", factor=3)
            cube.download(tmp_path / "by3.tif")
            np.testing.assert_allclose(pixels(tmp_path / "by3.tif"), 3 * pixels(mean_map), rtol=1e-6)
        for name in ("large", "absent"):
            assert codes(client, only("scaled", namespace=f"{root}/{name}.json")) == ["ProcessUnsupported"]


def test_a_process_in_the_folder_that_was_opened(opened, client):
    assert codes(opened.connect(), only("scaled", namespace="scaled.json")) == []
    assert codes(client, only("scaled", namespace="scaled.json")) == ["ProcessUnsupported"]


@pytest.mark.parametrize("path", ["../secret.json", "/etc/passwd", "file:///etc/passwd", "..", "scaled"])
def test_no_other_file_is_read_as_a_process(opened, path):
    assert codes(opened.connect(), only("scaled", namespace=path)) == ["ProcessUnsupported"]
