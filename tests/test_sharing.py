"""What is shared can be shared: APEx's rules, the official validator, and code that builds the same graph."""

import json
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlparse

import openeo
import pytest
from offered import PAIRS, PLACE, each_offer
from openeo import DataCube
from typer.testing import CliRunner

from drylands_openeo import catalogue
from drylands_openeo.cli.app import app
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.specifications import specifications

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "process_graphs"
NODE_MODULES = ROOT / ".node" / "node_modules"
each_product = pytest.mark.parametrize("name", PRODUCTS)

KEYWORDS = {
    "Vegetation",
    "Normalized Difference Vegetation Index (NDVI)",
    "Sentinel-2",
    "ECMWF ERA5",
    "Soils",
    "Climate",
}
"""Of the closed list of APEx's record schema, those that drylands may need."""

RELATIONS = {
    *("platform", "provider", "application", "service", "example-output", "example-input", "preview", "order"),
    *("license", "about", "webapp", "code", "thumbnail", "cite-as", "notebook"),
}
CORE = "https://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"
KINDS = {"https://apex.esa.int/core/openeo-udp", "https://apex.esa.int/core/ogc-api-processes"}


def read(kind, name):
    return json.loads((FOLDER / kind / f"{name}.json").read_text("utf-8"))


@each_product
def test_everything_that_is_published_is_current(name):
    for path, text in catalogue.files(get_product(name)).items():
        assert (FOLDER / path).read_text("utf-8") == text, "process_graphs/ is stale: run `make graphs`"


def test_nothing_else_lies_there():
    published = {path for product in PRODUCTS.values() for path in catalogue.files(product)}
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()} == published


# The rules of ESA-APEx/apex_algorithms (qa/unittests and schemas/), said again


@each_product
def test_the_process_passes_apex_s_lint(name):
    udp = read(".", name)
    assert udp["id"] == name
    assert {"description", "parameters", "process_graph", "summary", "returns", "categories"} <= set(udp)
    assert all(parameter["name"] and parameter["description"] for parameter in udp["parameters"])
    assert all(parameter["schema"]["type"] for parameter in udp["parameters"])
    assert [parameter["name"] for parameter in udp["parameters"]][:2] == ["spatial_extent", "temporal_extent"]
    for link in udp.get("links", []):
        assert "github" not in link["href"] or "/refs/heads/" not in link["href"]
    loads = [node["arguments"] for node in udp["process_graph"].values() if node["process_id"].startswith("load_")]
    assert loads
    for load in loads:
        assert load["spatial_extent"] == {"from_parameter": "spatial_extent"}
    assert "save_result" not in {node["process_id"] for node in udp["process_graph"].values()}


@each_product
def test_a_job_of_the_process_has_memory_for_its_function_and_not_too_much(name):
    udp = read(".", name)
    options = udp["default_job_options"]
    has_function = '"run_udf"' in json.dumps(udp["process_graph"])
    assert (options["python-memory"] == "disable") != has_function
    memory = [options[key] for key in ("executor-memory", "executor-memoryOverhead", "python-memory")]
    assert sum(int(text.removesuffix("G")) for text in memory if text != "disable") <= 64


@each_product
def test_the_record_passes_apex_s_schema(name):
    record = read("records", name)
    properties = record["properties"]
    assert (record["id"], record["type"], record["geometry"]) == (name, "Feature", None)
    assert CORE in record["conformsTo"]
    assert len(KINDS & set(record["conformsTo"])) == 1
    assert len(set(record["conformsTo"])) == len(record["conformsTo"]) >= 2
    assert properties["type"] == "service"
    assert {"created", "updated", "title", "description", "contacts", "themes", "formats"} <= set(properties)
    assert isinstance(properties["cost_estimate"], float)
    assert properties["cost_estimate"] > 0
    assert properties["cost_unit"]
    assert properties["keywords"]
    assert set(properties["keywords"]) <= KEYWORDS
    assert all(contact["name"] and contact["roles"] for contact in properties["contacts"])
    assert all(theme["scheme"] and theme["concepts"][0]["id"] for theme in properties["themes"])
    assert all("name" in form or "mediaType" in form for form in properties["formats"])
    for link in record["links"]:
        assert {"rel", "type", "title", "href"} <= set(link)
        assert link["rel"] in RELATIONS
    links = {link["rel"]: link["href"] for link in record["links"]}
    assert links["provider"] == "../../record.json"
    assert links["platform"].startswith("../../../../platform_catalog/")
    assert links["service"] == get_profile("cdse").url
    assert links["application"].endswith(f"/process_graphs/{name}.json")


@each_product
def test_the_scenario_passes_apex_s_lint(name):
    (scenario,) = read("benchmark_scenarios", name)
    assert {"id", "type", "backend", "process_graph"} <= set(scenario)
    assert scenario["type"] == "openeo"
    assert scenario["backend"] == "openeo.dataspace.copernicus.eu"
    (node,) = scenario["process_graph"].values()
    address = urlparse(node["namespace"])
    assert (address.scheme, address.netloc) == ("https", "raw.githubusercontent.com")
    assert f"/v{version('drylands-openeo')}/" in address.path, "a tag, not a branch"
    assert Path(address.path).stem == node["process_id"] == name
    assert node["result"] is True
    names = {parameter["name"] for parameter in read(".", name)["parameters"]}
    assert set(node["arguments"]) <= names
    assert get_product(name).flat_graph(get_profile("cdse"), **node["arguments"])


# The official validator


def test_the_official_validator_finds_nothing(tmp_path):
    """@openeo/js-processgraphs on every published process, and on one that is spoilt."""
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "@openeo" / "js-processgraphs").is_dir():
        pytest.skip("node or @openeo/js-processgraphs is not there: `make node-tools` installs it")
    spoilt = read(".", "indices")
    del next(n for n in spoilt["process_graph"].values() if n["process_id"] == "mask")["arguments"]["mask"]
    (tmp_path / "spoilt.json").write_text(json.dumps(spoilt), "utf-8")
    (tmp_path / "specifications.json").write_text(json.dumps(list(specifications().values())), "utf-8")
    files = [tmp_path / "spoilt.json", *sorted(FOLDER.glob("*.json"))]
    for product, profile, arguments in PAIRS:
        files.append(tmp_path / f"{product.id}-{profile.name}.json")
        graph = product.flat_graph(profile, **{**PLACE, **product.example, **arguments})
        files[-1].write_text(json.dumps({"process_graph": graph}), "utf-8")
    command = [
        node,
        str(ROOT / "tests" / "validate_graphs.js"),
        str(NODE_MODULES),
        str(tmp_path / "specifications.json"),
    ]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=True, timeout=120)
    found = {Path(path).stem: errors for path, errors in json.loads(done.stdout).items()}
    assert any("mask" in error for error in found.pop("spoilt"))
    assert len(found) == len(PRODUCTS) + len(PAIRS)
    assert not any(found.values()), found


# Code


class Recorder:
    """In the place of a connection: builds cubes as openEO's does, and keeps what is run."""

    def __init__(self):
        self.ran = []

    def authenticate_oidc(self):
        return self

    def authenticate_basic(self, user, password):
        return self

    def datacube_from_process(self, process_id, namespace=None, **kwargs):
        return RecordedCube(openeo.Connection.datacube_from_process(self, process_id, namespace, **kwargs), self)


class RecordedCube(DataCube):
    def __init__(self, cube, recorder):
        super().__init__(graph=cube._pg, connection=None)
        self.recorder = recorder

    def execute_batch(self, path, **options):
        self.recorder.ran.append((self.flat_graph(), path, options))

    def download(self, path, format):
        self.recorder.ran.append((self.flat_graph(), path, {"format": format}))


def by_content(graph, node=None):
    """A graph without the names of its nodes: each reference replaced by what it refers to."""
    name = node or next(key for key, one in graph.items() if one.get("result"))
    call = graph[name]

    def inner(value):
        if isinstance(value, dict):
            if set(value) == {"from_node"}:
                return by_content(graph, value["from_node"])
            if "process_graph" in value:
                return {"callback": by_content(value["process_graph"])}
            return {key: inner(item) for key, item in value.items()}
        return [inner(item) for item in value] if isinstance(value, list) else value

    return call["process_id"], {key: inner(value) for key, value in sorted(call["arguments"].items())}


@each_offer
def test_the_code_builds_and_runs_the_very_same_graph(product, profile, arguments, monkeypatch):
    graph = product.flat_graph(profile, **{**PLACE, **product.example, **arguments})
    options = product.options(profile, graph)
    code = catalogue.snippet(graph, profile, name=product.id, job_options=options)
    recorder, addresses = Recorder(), []
    monkeypatch.setattr(openeo, "connect", lambda address: addresses.append(address) or recorder)
    exec(compile(code, "<snippet>", "exec"), {})
    ((built, path, given),) = recorder.ran
    assert by_content(built) == by_content(graph)
    assert len(built) == len(graph)
    assert addresses == [profile.url or "http://127.0.0.1:8080"]
    assert path == f"{product.id}.{'nc' if profile.limits.batch else 'tif'}"
    assert given.get("job_options") == options
    assert max(map(len, code.splitlines())) <= 120 + len("udf10 = r'''")


def test_names_that_are_no_variables_are_made_some():
    graph = {
        "1-load": {"process_id": "pi", "arguments": {}},
        "class": {"process_id": "cos", "arguments": {"x": {"from_node": "1-load"}}},
        "node": {"process_id": "add", "arguments": {"x": {"from_node": "class"}, "y": [1, {"from_node": "1-load"}]}},
        "end": {"process_id": "my", "namespace": "https://x.org/my.json", "arguments": {"x": {"from_node": "node"}}},
    }
    graph["end"]["result"] = True
    code = catalogue.snippet(graph, get_profile("cdse"), name="odd")
    compile(code, "<snippet>", "exec")
    for line in (
        'node_1load = node("pi")',
        'node_class = node("cos", x=node_1load)',
        "namespace='https://x.org/my.json'",
    ):
        assert line in code


# The command


def graph_command(*arguments):
    return CliRunner().invoke(app, ["graph", *arguments])


def test_the_command_gives_each_form():
    place = ("--bbox", "115,42.4,115.1,42.5", "--period", "2020/2021")
    flat = json.loads(graph_command("indices", "--as", "flat", *place).stdout)
    assert flat == get_product("indices").flat_graph(get_profile("cdse"), **PLACE)
    udp = json.loads(graph_command("indices", "--param", 'index=["bsi"]').stdout)
    assert udp == get_product("indices").udp(get_profile("cdse"), index=["bsi"])
    code = graph_command("indices", "--as", "code", *place).stdout
    assert code.startswith("import openeo\n")


def test_the_command_writes_for_another_back_end():
    place = ("--bbox", "115,42.4,115.1,42.5", "--period", "2020/2021", "--param", "erosion=0", "--param", "dilation=0")
    own = "https://example.org/collections/s2"
    graph = json.loads(
        graph_command(
            "indices", "--backend", "titiler", "--as", "flat", *place, "--stac", f"sentinel-2-l2a={own}"
        ).stdout
    )
    assert {node["arguments"]["url"] for node in graph.values() if node["process_id"] == "load_stac"} == {own}


def test_a_process_leaves_area_and_period_open():
    result = graph_command("indices", "--period", "2020")
    assert result.exit_code == 1
    assert "leaves area and period open" in str(result.exception)
