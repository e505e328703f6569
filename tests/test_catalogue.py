"""The graphs of the products are valid by the official specifications and offered by the back-ends they are for."""

import ast
import json
from pathlib import Path

import pytest
from offered import PLACE, each_offer
from specifications import complaints

from drylands_openeo import catalogue
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import fingerprint, own_kernels
from drylands_openeo.product import NO_DEFAULT
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.profiles import get_profile

FOLDER = Path(__file__).parents[1] / "process_graphs"
WITHOUT_KERNEL = ("indices", "land_condition")
"""Products that standard processes say altogether."""

each_product = pytest.mark.parametrize("name", PRODUCTS)


def nodes(graph, inside=False):
    """Every node, with whether it stands in a callback."""
    for node in graph.values():
        yield node, inside
        for argument in node["arguments"].values():
            if isinstance(argument, dict) and "process_graph" in argument:
                yield from nodes(argument["process_graph"], inside=True)


def test_writing_twice_writes_the_same(tmp_path):
    first = [path.read_bytes() for path in catalogue.write(tmp_path / "new")]
    assert [path.read_bytes() for path in catalogue.write(tmp_path / "new")] == first
    assert all(content.endswith((b"}\n", b"]\n")) for content in first)


@each_offer
def test_the_graph_is_valid_by_the_official_specifications(product, profile, arguments):
    udp = product.udp(profile, **arguments)
    assert complaints(udp["process_graph"], {parameter["name"] for parameter in udp["parameters"]}) == []
    assert complaints(product.flat_graph(profile, **{**PLACE, **product.example, **arguments})) == []


def test_the_check_by_specification_finds_what_is_wrong():
    graph = get_product("harmonic_ndvi").flat_graph(get_profile("cdse"), **PLACE)
    spoilt = json.loads(json.dumps(graph))
    spoilt["mask1"]["arguments"] = {"data": {"from_node": "nowhere"}, "masks": 1}
    spoilt["reducedimension1"]["arguments"]["dimension"] = 3
    spoilt["applykernel1"]["process_id"] = "convolve"
    found = " ".join(complaints(spoilt))
    for fault in ("no node nowhere", "no argument masks", "misses mask", "3 is not of its type", "no process convolve"):
        assert fault in found


@each_offer
def test_the_back_end_has_every_process_used(product, profile, arguments):
    udp = product.udp(profile, **arguments)
    for graph in (udp["process_graph"], product.flat_graph(profile, **{**PLACE, **product.example, **arguments})):
        for node, inside in nodes(graph):
            assert node["process_id"] in (profile.callback_processes if inside else profile.processes)
        assert "save_result" not in {node["process_id"] for node, _ in nodes(graph)}


@each_offer
def test_the_rules_of_cdse_for_kernels_and_functions_are_kept(product, profile, arguments):
    for node, _ in nodes(product.udp(profile, **arguments)["process_graph"]):
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


@each_offer
def test_every_function_is_one_of_our_files_word_for_word(product, profile, arguments):
    found = [node for node, _ in nodes(product.udp(profile, **arguments)["process_graph"])]
    texts = [node for node in found if node["process_id"] == "run_udf"]
    assert bool(texts) == (product.id not in WITHOUT_KERNEL)
    for node in texts:
        assert fingerprint(node["arguments"]["udf"]) in own_kernels()
        assert (node["arguments"]["runtime"], node["arguments"]["version"]) == ("Python", "3.11")
        assert ast.parse(node["arguments"]["udf"])
        assert "apply_metadata" not in node["arguments"]["udf"]


@each_product
def test_the_process_has_every_section_and_uses_every_parameter(name):
    udp = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    names = [parameter["name"] for parameter in udp["parameters"]]
    assert len(set(names)) == len(names)
    for section in (
        "Description",
        "Performance characteristics",
        "Examples",
        "Literature references",
        "Known limitations",
    ):
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
