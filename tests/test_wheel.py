"""The wheel carries everything: the kernels as drylands_openeo.udf, their texts, the data files."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PROBE = """
import pathlib, drylands_openeo
from drylands_openeo.kernel import Kernel, own_kernels
from drylands_openeo.products import PRODUCTS
print(pathlib.Path(drylands_openeo.__file__).parent.parent)
print(len(own_kernels()), len(PRODUCTS), "def apply_datacube" in Kernel("harmonic_ndvi").text)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_module_and_kernel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "drylands_openeo").rglob("*.py")}
    kernels = {f"drylands_openeo/udf/{path.name}" for path in (ROOT / "udf").glob("*.py")}
    assert modules | kernels <= names


def test_the_wheel_works_without_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    probe = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    place, figures = probe.stdout.strip().splitlines()
    assert Path(place) == tmp_path
    kernels = len(list((ROOT / "udf").glob("*.py"))) - 1
    assert figures.split()[0] == str(kernels)
    assert figures.endswith("True")
