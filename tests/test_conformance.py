"""Every official case of every process that the engine offers; those at fault stand in errata.py, by name."""

import os

import pytest
from cases import Case, load
from conformance import run
from errata import ERRATA, mended
from shared import SHARED, need

from drylands_openeo.engine.registry import PROCESSES

FOLDER = SHARED / "data" / "openeo_process_tests"
CASES = load(FOLDER) if FOLDER.is_dir() else []
SOUND = [case for case in CASES if case.name not in ERRATA]
FAULTY = [case for case in CASES if case.name in ERRATA]


def named(case: Case) -> str:
    return case.name


def test_the_collection_is_complete():
    need("data/openeo_process_tests")
    assert len(CASES) == 1014, os.fspath(FOLDER)
    assert {case.process for case in CASES} <= set(PROCESSES)
    assert set(ERRATA) == {case.name for case in FAULTY}


@pytest.mark.parametrize("case", SOUND, ids=named)
def test_a_case_passes(case: Case):
    assert run(case) is None


@pytest.mark.parametrize("case", FAULTY, ids=named)
def test_a_case_at_fault_fails_as_it_stands(case: Case):
    assert run(case) is not None, "this case is sound now: take it off the list"


@pytest.mark.parametrize("case", [case for case in FAULTY if ERRATA[case.name].mend], ids=named)
def test_a_case_passes_once_its_spelling_is_mended(case: Case):
    assert run(mended(case)) is None
