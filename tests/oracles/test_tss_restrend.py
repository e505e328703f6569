"""The worked pixels of the R package TSS.RESTREND: Australian drylands, GIMMS NDVI 1982-2013, AWAP rain 1980-2013."""

import numpy as np
import pytest
from drylands_openeo.udf.restrend import restrend
from scipy import stats
from shared import need

FOLDER = "data/ndvi_rain/tssrestrend"


def table(name):
    return np.genfromtxt(need(f"{FOLDER}/{name}.csv"), delimiter=",", names=True)


def worked(name):
    return restrend(table(f"{name}CTSR")["ctsNDVI"], table(f"{name}ctRF")["precip"])


def test_the_standard_pixel_has_the_known_relation_and_trend():
    found, annual = worked("stdRESTREND"), table("stdRESTREND")
    relation = stats.linregress(annual["accprecip"], annual["maxNDVI"])
    left = annual["maxNDVI"] - relation.intercept - relation.slope * annual["accprecip"]
    trend = stats.linregress(np.arange(32), left)
    assert found["method"] == 1
    assert found["vpr_r2"] == pytest.approx(0.325, abs=5e-4)
    assert found["vpr_r2"] == pytest.approx(relation.rvalue**2, rel=1e-7)
    assert found["vpr_p"] == pytest.approx(relation.pvalue, rel=1e-6)
    assert found["residual_slope"] == pytest.approx(0.00637, abs=5e-6)
    assert found["residual_slope"] == pytest.approx(trend.slope, rel=1e-6)
    assert found["residual_p"] == pytest.approx(trend.pvalue, rel=1e-5)
    assert found["total_change"] == pytest.approx(31 * trend.slope, rel=1e-6)
    assert (found["accumulation"], found["offset"]) == (4, 1)


def test_the_segmented_pixel_breaks_in_its_residuals_alone():
    found = worked("segRESTREND")
    assert found["method"] == 2
    assert found["vpr_r2"] == pytest.approx(0.154, abs=5e-4)
    assert found["residual_slope"] == pytest.approx(0.0024, abs=5e-5)
    assert 5 <= found["break_index"] <= 27


def test_the_relation_of_the_third_pixel_breaks_after_24_years():
    found = worked("segVPR")
    assert found["method"] == 3
    assert found["break_index"] == 24
    assert found["break_height"] < 0
    assert found["total_change"] == pytest.approx(found["break_height"])  # what is left has no trend


def test_the_rejected_pixel_is_indeterminate():
    series = [np.loadtxt(need(f"{FOLDER}/demo_data/fail{name}.csv")) for name in ("VI", "RF")]
    found = restrend(*series)
    assert found["method"] == 4
    assert found["vpr_p"] > 0.05
    assert np.isnan(found["total_change"])


def test_all_pixels_at_once_are_the_pixels_one_by_one():
    names = ("chow", "chow2", "darling", "desert", "fail", "mungo", "rabit", "southwa")
    vi, rain = (
        np.stack([np.loadtxt(need(f"{FOLDER}/demo_data/{name}{kind}.csv")) for name in names]) for kind in ("VI", "RF")
    )
    together = restrend(vi, rain)
    for number in range(len(names)):
        alone = restrend(vi[number], rain[number])
        for key, values in together.items():
            np.testing.assert_allclose(values[number], alone[key], rtol=1e-9)
