"""Every rule of `drylands check` fires on the graph that breaks it, there and nowhere else; on sound ones none does."""

import json
import re
from pathlib import Path

import pytest
from bad_graphs import AREA, BAD, PERIOD, TEXT, call, callback, graph, load, loaded, node, parameter, with_udf
from hypothesis import given, settings
from hypothesis import strategies as st
from offered import PAIRS, each_offer
from openeo.udf import OpenEoUdfException, UdfData, XarrayDataCube
from openeo.udf.run_code import run_udf_code
from typer.testing import CliRunner

from drylands_openeo.check import RULES, check, size_of
from drylands_openeo.check.udf_text import UdfText
from drylands_openeo.cli.app import app
from drylands_openeo.profiles import PROFILES, get_profile

CDSE = get_profile("cdse")
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("rule", "where", "profile", "bad"), BAD, ids=[f"{b[0]}-{n}" for n, b in enumerate(BAD)])
def test_a_known_bad_graph_breaks_its_rule_and_no_other(rule, where, profile, bad):
    findings = check(bad, profile)
    assert [(finding.rule, finding.node) for finding in findings] == [(rule, where)]
    (finding,) = findings
    assert finding.severity == RULES[rule].severity
    assert finding.what
    assert finding.why.endswith(".")
    assert finding.mend.endswith((".", "?"))


def test_each_rule_has_a_known_bad_graph():
    assert {bad[0] for bad in BAD} == set(RULES)


def test_each_rule_is_told_in_the_documentation():
    told = set(
        re.findall(
            r"^\| `([a-z-]+\.[a-z-]+)` \| (?:error|warning) \|", (ROOT / "docs/check.md").read_text("utf-8"), re.M
        )
    )
    assert told == set(RULES)


def found(graph, profile):
    """The findings, but for two that are right: udf/drought.py has packages installed, and an example is nobody's."""
    findings = [finding for finding in check(graph, profile) if finding.rule != "udf.dependencies"]
    return [finding for finding in findings if "example.org" not in finding.what]


@each_offer
def test_nothing_is_found_in_the_graphs_of_the_products(product, profile, arguments):
    place = {"spatial_extent": list(AREA.values()), "temporal_extent": PERIOD}
    place["spatial_extent"] = [AREA[side] for side in ("west", "south", "east", "north")]
    assert found(product.flat_graph(profile, **{**place, **product.example, **arguments}), profile) == []
    assert found(product.udp(profile, **arguments), profile) == []


@pytest.mark.parametrize("name", [path.name for path in (ROOT / "process_graphs").glob("*.json")])
def test_nothing_is_found_in_the_published_processes(name):
    assert found(json.loads((ROOT / "process_graphs" / name).read_text("utf-8")), CDSE) == []


SOUND = {
    "evi-of-reflectance": loaded(
        scaled=call("apply", data=node("load"), process=callback(by=call("divide", x=parameter("x"), y=10000))),
        more=call("apply", data=node("scaled"), process=callback(one=call("add", x=parameter("x"), y=1))),
    ),
    "ratio-plus-one": loaded(
        index=call(
            "reduce_dimension",
            data=node("load"),
            dimension="bands",
            reducer=callback(
                nir=call("array_element", data=parameter("data"), label="B08"),
                red=call("array_element", data=parameter("data"), label="B04"),
                nd=call("normalized_difference", x=node("nir"), y=node("red")),
                up=call("add", x=node("nd"), y=1),
            ),
        )
    ),
    "classes-compared": graph(
        load=load("SCL"),
        clear=call("apply", data=node("load"), process=callback(water=call("eq", x=parameter("x"), y=6))),
        saved=call("save_result", data=node("clear"), format="GTiff"),
    ),
    "a-process-of-someone-s-own": loaded(
        mine={
            "process_id": "my_index",
            "namespace": "https://example.org/my_index.json",
            "arguments": {"data": node("load"), "anything": 1},
        }
    ),
    "nested-callback": loaded(
        each=call(
            "apply_dimension",
            data=node("load"),
            dimension="t",
            process=callback(
                doubled=call(
                    "array_apply",
                    data=parameter("data"),
                    process=callback(twice=call("multiply", x=parameter("x"), y=parameter("factor"))),
                )
            ),
        )
    ),
    "bands-added-before-a-function": loaded(
        index=call("ndvi", data=node("load"), nir="B08", red="B04"),
        named=call("add_dimension", data=node("index"), name="bands", label="ndvi", type="bands"),
        fit=call(
            "reduce_dimension",
            data=node("named"),
            dimension="t",
            reducer=with_udf()["reduce"]["arguments"]["reducer"],
        ),
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_in_sound_graphs(name):
    declared = [{"name": "factor", "description": "By how much.", "schema": {"type": "number"}}]
    udp = {"id": "sound", "process_graph": SOUND[name], "parameters": declared if name == "nested-callback" else []}
    assert check(udp, CDSE) == []


def test_the_body_of_a_job_is_read_like_its_process():
    bad = loaded(index=call("ndwi2", data=node("load")))
    assert check({"title": "x", "process": {"process_graph": bad}}, CDSE) == check(bad, CDSE)


def test_errors_come_before_warnings():
    bad = graph(unused=load("B02"), load=load("B8"))
    assert [finding.severity for finding in check(bad, CDSE)] == ["error", "warning"]


# Whatever is thrown at it


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    (position, key)
    for position, (*_, bad) in enumerate(BAD)
    for name, one in bad.items()
    if isinstance(one, dict) and "arguments" in one
    for key in ((name, argument) for argument in one["arguments"])
]


@given(st.sampled_from(PATHS), JSON)
@settings(max_examples=150, deadline=None)
def test_nonsense_in_an_argument_is_reported_and_never_stops_the_check(place, nonsense):
    position, (name, argument) = place
    spoilt = json.loads(json.dumps(BAD[position][3]))
    spoilt[name]["arguments"][argument] = nonsense
    assert all(finding.what for finding in check(spoilt, BAD[position][2]))


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
@settings(max_examples=60, deadline=None)
def test_nonsense_is_no_graph(nonsense):
    assert any(finding.severity == "error" for finding in check(nonsense, CDSE))


# Functions


def taken_by_openeo(text):
    """The function that openEO's own loader runs, by running it."""
    import numpy as np
    import xarray as xr

    marked = re.sub(r"^def (\w+)(.*):$", r'def \1\2:\n    raise LookupError("\1")', text, flags=re.MULTILINE)
    cube = xr.DataArray(np.zeros((1, 1, 1, 1)), dims=("t", "bands", "y", "x"))
    try:
        run_udf_code(marked, UdfData(datacube_list=[XarrayDataCube(cube)]))
    except LookupError as found:
        return found.args[0]
    except (OpenEoUdfException, NameError):
        return None


TEXTS = {
    "right": TEXT,
    "future": "from __future__ import annotations\n" + TEXT,
    "text-annotations": TEXT.replace(": xr.DataArray,", ': "xarray.core.dataarray.DataArray",'),
    "no-annotations": TEXT.replace(": xr.DataArray, context: dict", ", context"),
    "no-return": TEXT.replace(" -> xr.DataArray", ""),
    "other-argument": TEXT.replace("cube", "data"),
    "other-name": TEXT.replace("apply_datacube", "run"),
    "not-imported": TEXT.replace("import xarray as xr\n", ""),
    "preloaded": TEXT.replace("import xarray as xr\n", "").replace("xr.", "xarray."),
    "legacy-cube": "from openeo.udf import XarrayDataCube\n" + TEXT.replace("xr.DataArray", "XarrayDataCube"),
    "taken-first": "from openeo.udf import UdfData\ndef note(data: UdfData):\n    return data\n" + TEXT,
    "taken-later": TEXT + "\ndef note(data: UdfData):\n    return data\n",
    "a-second-argument": TEXT + "\ndef note(data: UdfData, more: int):\n    return data\n",
    "series": (
        "import pandas as pd\ndef apply_timeseries(series: pd.Series, context: dict) -> pd.Series:\n    return series\n"
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_function_is_found_as_openeo_s_own_loader_finds_it(name):
    assert UdfText.parse(TEXTS[name]).entry_point() == taken_by_openeo(TEXTS[name])


def test_no_part_of_a_function_s_text_is_run(tmp_path):
    trace = tmp_path / "ran"
    touch = f"open({str(trace)!r}, 'w')"
    text = TEXT.replace("context: dict", f"context: {touch} = {touch}").replace("\ndef", f"\n{touch}\n@{touch}\ndef")
    check(with_udf(text), CDSE)
    assert not trace.exists()


# Size


def test_the_pixels_of_a_graph_are_those_of_its_loads():
    one_kilometre = {"west": 500_000, "south": 4_700_000, "east": 501_000, "north": 4_701_000, "crs": 32650}
    size = size_of(graph(load=load(spatial_extent=one_kilometre, temporal_extent=["2021-01-01", "2021-01-31"])), CDSE)
    assert size.pixels == 100 * 100 * 6 * 2
    assert size.complete
    assert (size.sync_credits, round(size.batch_credits, 3)) == (6, 2.0)


def test_an_open_area_has_no_size():
    (udp,) = [
        product.udp(profile) for product, profile, _ in PAIRS if (product.id, profile.name) == ("indices", "cdse")
    ]
    assert size_of(udp, CDSE).loads == ()
    assert not size_of(udp, CDSE).complete


# The command


def test_the_command_says_what_and_why_and_how_to_mend(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph(load=load("B8"))), "utf-8")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 1
    assert "error load: SENTINEL2_L2A has no band 'B8' [load.bands]" in result.stdout
    assert "It has: AOT, B01" in result.stdout
    assert "1 errors, 0 warnings" in result.stdout


@pytest.mark.parametrize("backend", ["cdse", "federation"])
def test_the_command_is_content_with_a_published_process(backend):
    result = CliRunner().invoke(app, ["check", str(ROOT / "process_graphs/indices.json"), "--backend", backend])
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.stdout


def test_every_back_end_can_be_asked_for():
    bad = {"load": load()}
    assert all(check(bad, profile) for profile in PROFILES.values())
