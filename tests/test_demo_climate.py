"""The climate half of the demonstration finds what was planted."""

import pytest

from drylands_openeo.demo_climate import demonstrate_climate


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return demonstrate_climate(tmp_path_factory.mktemp("demo"), seed=2)


def test_areas_of_aridity_are_those_planted(report):
    total = sum(true for true, _ in report.classes.values())
    assert sum(found for _, found in report.classes.values()) == pytest.approx(total, rel=1e-9)
    assert all(abs(true - found) < 0.04 * total for true, found in report.classes.values())


def test_droughts_stand_out_and_so_does_the_drying(report):
    assert all(found > 2 * report.usual for _, found in report.droughts.values())
    assert report.detected > 80
    assert report.false < 15
    assert all(path.exists() for path in report.files.values())
