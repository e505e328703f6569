"""process_graphs/ is what the products say today, valid by the official specifications and by what is asked of a
shared process."""

import ast
import json
from pathlib import Path

import pytest
from needed import needed
from specifications import complaints

from drylands_openeo import catalogue
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import fingerprint, own_kernels
from drylands_openeo.product import NO_DEFAULT
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.profiles import PROFILES, get_profile

FOLDER = Path(__file__).parents[1] / "process_graphs"
PLACE = {"spatial_extent": [115.0, 42.4, 115.1, 42.5], "temporal_extent": "2020/2021"}
each_product = pytest.mark.parametrize("name", PRODUCTS)
each_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)


def nodes(graph, inside=False):
    """Every node, with whether it stands in a callback."""
    for node in graph.values():
        yield node, inside
        for argument in node["arguments"].values():
            if isinstance(argument, dict) and "process_graph" in argument:
                yield from nodes(argument["process_graph"], inside=True)


@each_product
def test_the_published_graph_is_current(name):
    published = (FOLDER / f"{name}.json").read_text("utf-8")
    assert published == catalogue.text(get_product(name)), "process_graphs/ is stale: run `make graphs`"


def test_nothing_else_is_published():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(PRODUCTS)


def test_writing_twice_writes_the_same(tmp_path):
    first = [path.read_bytes() for path in catalogue.write(tmp_path / "new")]
    assert [path.read_bytes() for path in catalogue.write(tmp_path / "new")] == first
    assert all(content.endswith(b"}\n") for content in first)


@each_product
@each_profile
def test_the_graph_is_valid_by_the_official_specifications(name, profile):
    product = get_product(name)
    udp = product.udp(profile)
    assert complaints(udp["process_graph"], {parameter["name"] for parameter in udp["parameters"]}) == []
    assert complaints(product.flat_graph(profile, **PLACE, **needed(name))) == []


def test_the_check_by_specification_finds_what_is_wrong():
    graph = get_product("harmonic_ndvi").flat_graph(get_profile("cdse"), **PLACE)
    spoilt = json.loads(json.dumps(graph))
    spoilt["mask1"]["arguments"] = {"data": {"from_node": "nowhere"}, "masks": 1}
    spoilt["reducedimension1"]["arguments"]["dimension"] = 3
    spoilt["applykernel1"]["process_id"] = "convolve"
    found = " ".join(complaints(spoilt))
    for fault in ("no node nowhere", "no argument masks", "misses mask", "3 is not of its type", "no process convolve"):
        assert fault in found


@each_product
@each_profile
def test_the_back_end_has_every_process_used(name, profile):
    product = get_product(name)
    for graph in (product.udp(profile)["process_graph"], product.flat_graph(profile, **PLACE, **needed(name))):
        for node, inside in nodes(graph):
            assert node["process_id"] in (profile.callback_processes if inside else profile.processes)
        assert "save_result" not in {node["process_id"] for node, _ in nodes(graph)}


@each_product
@each_profile
def test_the_rules_of_cdse_for_kernels_and_functions_are_kept(name, profile):
    for node, _ in nodes(get_product(name).udp(profile)["process_graph"]):
        arguments = node["arguments"]
        if node["process_id"] == "apply_kernel":
            sides = {len(arguments["kernel"]), *map(len, arguments["kernel"])}
            assert len(sides) == 1, "the kernel is square"
            assert sides.pop() % 2 == 1
            assert (arguments["border"], arguments["replace_invalid"]) == (0, 0)
        for argument in arguments.values():
            if isinstance(argument, dict) and "process_graph" in argument:
                inner = [n["process_id"] for n in argument["process_graph"].values()]
                assert "run_udf" not in inner or inner == ["run_udf"], "a function stands alone in its callback"
        if node["process_id"] == "load_collection":
            assert {"bands", "spatial_extent", "temporal_extent"} <= set(arguments)


@each_product
@each_profile
def test_every_function_is_one_of_our_files_word_for_word(name, profile):
    texts = [n for n, _ in nodes(get_product(name).udp(profile)["process_graph"]) if n["process_id"] == "run_udf"]
    assert bool(texts) == (name != "indices")
    for node in texts:
        assert fingerprint(node["arguments"]["udf"]) in own_kernels()
        assert (node["arguments"]["runtime"], node["arguments"]["version"]) == ("Python", "3.11")
        assert ast.parse(node["arguments"]["udf"])
        assert "apply_metadata" not in node["arguments"]["udf"]


@each_product
def test_the_process_is_fit_to_be_shared(name):
    """The lint rules of ESA-APEx/apex_algorithms for user-defined processes."""
    udp = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    assert udp["id"] == name
    assert udp["summary"]
    assert udp["process_graph"]
    names = [parameter["name"] for parameter in udp["parameters"]]
    assert names[:2] == ["spatial_extent", "temporal_extent"]
    assert len(set(names)) == len(names)
    for parameter in udp["parameters"]:
        assert parameter["description"]
        assert parameter["schema"]["type"]
    for section in ("Description", "Performance", "Examples", "Literature", "Known limitations"):
        assert f"# {section}\n" in udp["description"]
    used = {
        name
        for node, _ in nodes(udp["process_graph"])
        for name in names
        if f'{{"from_parameter": "{name}"}}' in json.dumps(node["arguments"])
    }
    assert used == set(names), "a parameter that nothing uses"


@each_product
def test_the_example_of_the_description_is_a_call_that_works(name):
    product = get_product(name)
    text = product.udp(get_profile("cdse"))["description"]
    call = json.loads(text.split("```json\n")[1].split("\n```")[0])
    assert call["process_id"] == name
    assert product.flat_graph(get_profile("cdse"), **call["arguments"])


def test_the_dates_of_a_series_must_be_given_to_the_process():
    dates = next(
        p for p in get_product("harmonic_series").udp(get_profile("cdse"))["parameters"] if p["name"] == "dates"
    )
    assert not dates.get("optional")


@each_product
def test_a_parameter_refuses_a_wrong_default_at_once(name):
    for parameter in get_product(name).parameters:
        if parameter.derive is None and parameter.default is not NO_DEFAULT:
            assert parameter.checked(parameter.default) == parameter.default
            with pytest.raises(DrylandsError, match=parameter.name):
                parameter.checked({"not": "allowed"})
