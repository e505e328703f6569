"""What every file of udf/ must be for a back-end to accept its text, read from the text alone."""

import ast
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from openeo.udf import UdfData, XarrayDataCube
from openeo.udf.run_code import extract_udf_dependencies, run_udf_code

UDF = Path(__file__).resolve().parents[1] / "udf"
FILES = sorted(path for path in UDF.glob("*.py") if path.name != "__init__.py")
ALLOWED = {"numpy", "scipy", "pandas", "xarray"} | (sys.stdlib_module_names - {"__future__"})
BY_HEADER = {"onnxruntime", "climate_indices"}  # allowed where a PEP 723 header asks the back-end to install them
OTHER_ENTRY_POINTS = {"apply_timeseries", "apply_hypercube", "apply_vectorcube", "apply_udf_data"}

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def functions(path):
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def required(path):
    """Packages that the file's PEP 723 header names."""
    listed = extract_udf_dependencies(path.read_text("utf-8")) or []
    return {re.match(r"[\w.-]+", requirement).group().replace("-", "_") for requirement in listed}


def test_it_imports_only_what_a_back_end_has(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            imported.add(node.module.split(".")[0])
    assert imported <= ALLOWED | (required(path) & BY_HEADER)


def test_its_header_asks_for_nothing_else(path):
    assert required(path) <= BY_HEADER


def test_it_has_one_entry_point_with_the_annotations_that_openeo_looks_for(path):
    (entry,) = [node for node in functions(path) if node.name == "apply_datacube"]
    assert entry in ast.parse(path.read_text("utf-8")).body or entry.col_offset == 0
    assert ast.unparse(entry.args) == "cube: xr.DataArray, context: dict"
    assert ast.unparse(entry.returns) == "xr.DataArray"
    assert isinstance(entry, ast.FunctionDef)
    assert not entry.decorator_list


def test_nothing_else_in_it_can_be_taken_for_an_entry_point(path):
    text = path.read_text("utf-8")
    assert "apply_metadata" not in text
    assert "UdfData" not in text
    assert "XarrayDataCube" not in text
    assert not {node.name for node in functions(path)} & OTHER_ENTRY_POINTS


def test_openeo_finds_its_entry_point_and_may_append_lines(path):
    """As back-ends do, lines are appended to the text; here they put a stand-in for the entry point, signature kept."""
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    seen = """
import functools
_entry = apply_datacube
@functools.wraps(_entry)
def apply_datacube(cube, context):
    return cube + context["add"]
"""
    times = pd.date_range("2024-01-01", periods=2)
    cube = xr.DataArray(np.ones((2, 1, 3, 3), np.float32), dims=("t", "bands", "y", "x"), coords={"t": times})
    data = UdfData(datacube_list=[XarrayDataCube(cube)], user_context={"add": 1})
    result = run_udf_code(text + seen, data).get_datacube_list()[0].get_array()
    np.testing.assert_array_equal(result, 2)


def test_it_runs_as_a_text_without_a_file(path):
    for package in required(path):
        pytest.importorskip(package)
    names = {}
    exec(compile(path.read_text("utf-8"), "<udf>", "exec"), names)
    assert callable(names["apply_datacube"])
