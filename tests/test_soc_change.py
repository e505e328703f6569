"""Change of soil carbon: the difference and its error, and a class that errs as rarely as it says."""

import numpy as np
import pytest

from drylands_openeo.errors import RegionError
from drylands_openeo.statistics.soc_change import soc_change, standard_error


def test_two_dates_are_a_difference():
    random = np.random.default_rng(0)
    maps, errors = random.uniform(5, 20, (2, 4, 5)), random.uniform(0.5, 2, (2, 4, 5))
    made = soc_change(maps, errors, [2015, 2023], correlation=0.4)
    np.testing.assert_allclose(made["change"], maps[1] - maps[0])
    variance = errors[0] ** 2 + errors[1] ** 2 - 2 * 0.4 * errors[0] * errors[1]
    np.testing.assert_allclose(made["change_error"], np.sqrt(variance))
    np.testing.assert_allclose(made["relative_change"], maps[1] / maps[0] - 1)


def test_several_dates_are_a_line():
    years = np.array([2015.0, 2017, 2018, 2022, 2024])
    maps = (12 - 0.3 * (years - 2015))[:, None, None] * np.ones((5, 2, 3))
    errors = np.random.default_rng(0).uniform(0.5, 2, maps.shape)
    np.testing.assert_allclose(soc_change(maps, errors, years)["change"], -0.3 * 9)
    even = soc_change(maps, np.ones_like(maps), years)
    assert even["change_error"][0, 0] == pytest.approx(9 / np.sqrt(np.sum((years - years.mean()) ** 2)))


def test_land_without_change_is_rarely_called_changed():
    random = np.random.default_rng(1)
    maps = 10 + random.normal(0, 1.5, (2, 100, 100))
    kind = soc_change(maps, np.full(maps.shape, 1.5), [2015, 2023])["class"]
    assert np.mean(kind != 0) < 0.11


def test_a_loss_below_the_threshold_is_no_degradation_however_sure():
    made = soc_change([[[10.0]], [[9.5]]], np.full((2, 1, 1), 0.01), [2015, 2020])
    assert made["class"][0, 0] == 0


def test_a_gap_on_any_date_is_a_gap():
    made = soc_change([[[10.0]], [[np.nan]]], np.ones((2, 1, 1)), [2015, 2020])
    assert all(np.isnan(values).all() for values in made.values())


def test_errors_follow_from_intervals():
    np.testing.assert_allclose(standard_error([10 - 1.959964], [10 + 1.959964], level=0.95), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.ones((1, 2, 2)), np.ones((1, 2, 2)), [2015]), {}, "at least two ascending"),
        ((np.ones((2, 2, 2)), np.ones((2, 2, 2)), [2020, 2015]), {}, "ascending"),
        ((np.ones((2, 2, 2)), np.ones((2, 2, 2)), [2015, 2020]), {"correlation": 1}, "correlation 1"),
    ],
)
def test_wrong_input_is_told(arguments, options, message):
    with pytest.raises(RegionError, match=message):
        soc_change(*arguments, **options)
