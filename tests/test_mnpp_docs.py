"""The tables on the page of MNPP are what the simulation prints, and the script is run here on fewer pixels."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import mnpp_simulation

PAGE = Path(__file__).parents[1] / "docs" / "methods" / "mnpp.md"


def rows():
    """First cell of each row of the page's tables -> the others."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines()]
    return {row[0]: row[1:] for row in cells if len(row) > 1}


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(mnpp_simulation, "PIXELS", 800)


@pytest.mark.parametrize("world", mnpp_simulation.WORLDS, ids=lambda world: world.truth)
def test_the_page_says_what_the_classes_say(world, few):
    stated = [list(map(float, cell.split("/"))) for cell in rows()[world.truth]]
    for reading, percent in zip(("printed", "mirror"), stated, strict=True):
        # 800 pixels scatter by 1.8 % at most; four times that, and half of rounding
        np.testing.assert_allclose(mnpp_simulation.shares(world, reading), percent, atol=7.6)


@pytest.mark.parametrize("window", [1, 3, 5])
def test_the_page_says_how_often_noise_has_a_trend(window, few):
    name = "annual series" if window == 1 else f"moving average of {window} years"
    stated = [float(re.sub("[^0-9.]", "", cell)) for cell in rows()[name]]
    for years, percent in zip((15, 20, 30), stated, strict=True):
        np.testing.assert_allclose(mnpp_simulation.false_trends(window, years), percent, atol=7)


def test_a_moving_average_finds_trends_in_noise_and_the_annual_series_does_not(few):
    assert mnpp_simulation.false_trends(1, 20) < 8
    assert mnpp_simulation.false_trends(5, 20) > 25
