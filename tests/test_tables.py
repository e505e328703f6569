"""Tables held as data: they are whole, and every case has exactly one place."""

import numpy as np
import pytest

from drylands_openeo import tables


def within(value, limits):
    low, high = limits
    return (low is None or value >= low) and (high is None or value < high)


def test_every_pair_of_relative_efficiencies_has_a_state():
    states = tables.read("condition")["states"]
    found = {
        (mean, extreme): next(
            row["value"] for row in states if within(mean, row["mean"]) and within(extreme, row["extreme"])
        )
        for mean in np.arange(-0.5, 1.6, 0.05)
        for extreme in np.arange(-0.5, 1.6, 0.05)
    }
    assert set(found.values()) == set(range(1, 11))


def test_a_state_has_one_name():
    states = tables.read("condition")["states"]
    assert len({(row["value"], row["name"]) for row in states}) == len({row["value"] for row in states}) == 10


def test_states_of_the_index_are_states():
    table = tables.read("condition")
    known = {row["value"] for row in table["states"]}
    assert set(table["index"]["good"]) | set(table["index"]["poor"]) <= known
    assert not set(table["index"]["good"]) & set(table["index"]["poor"])


def test_a_table_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"no table 'soil'; there are \['aridity', 'condition', .*'drivers'.*\]"):
        tables.read("soil")
