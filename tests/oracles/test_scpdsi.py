"""scPDSI beside the outputs of the program of Wells et al. and of climate-indices; SPI and SPEI beside the latter."""

import json

import numpy as np
import pytest
from drylands_openeo.udf.drought import scpdsi, spei, spi
from shared import need

CLASSES = [-4, -3, -2, -1, 1, 2, 3, 4]


@pytest.mark.parametrize("case", ["lubuge", "lubuge_cal", "lubuge_awc20"])
def test_lubuge_equals_the_program_of_wells(case):
    oracle = np.load(need("oracles/scpdsi/scpdsi_lubuge_oracle.npz"))
    awc, start, first, last = oracle[f"{case}/meta"]
    found = scpdsi(
        oracle[f"{case}/P_mm"],
        oracle[f"{case}/PE_mm"],
        awc,
        start_year=int(start),
        calibration=(int(first), int(last)),
    )
    for name, theirs in {"scpdsi": "X", "phdi": "PHDI", "wplm": "WPLM", "z": "Z"}.items():
        np.testing.assert_allclose(found[name], oracle[f"{case}/sc/{theirs}"], rtol=0, atol=1e-6, err_msg=name)
    expected = np.digitize(oracle[f"{case}/sc/X"], CLASSES)
    np.testing.assert_array_equal(np.digitize(found["scpdsi"], CLASSES), expected)


@pytest.mark.parametrize("division", ["2406", "4806"])
def test_two_american_divisions_equal_climate_indices(division):
    folder = need(f"data/climate/climate_indices/{division}")
    awc = json.loads((folder.parent / "fixture" / "palmer_awc.json").read_text())[division]
    rain, pet = (np.load(folder / f"{name}.npy").ravel() * 25.4 for name in ("precips", "pet"))
    found = scpdsi(rain, pet, awc * 25.4, start_year=1895, calibration=(1931, 1990))
    for name, theirs in {"scpdsi": "scpdsi", "phdi": "scphdi", "wplm": "scpmdi", "z": "sczindex"}.items():
        np.testing.assert_allclose(found[name], np.load(folder / f"{theirs}.npy").ravel(), atol=1e-4, err_msg=name)


FIXTURES = {
    "spi_01_gamma": (1, "gamma", (1895, 2017)),
    "spi_06_gamma": (6, "gamma", (1895, 2017)),
    "spi_06_pearson3": (6, "pearson3", (1981, 2010)),
    "spei_06_gamma": (6, "gamma", (1895, 2017)),
    "spei_06_pearson3": (6, "pearson3", (1895, 2017)),
}


@pytest.mark.parametrize("name", FIXTURES)
def test_a_long_record_equals_climate_indices(name):
    folder = need("data/climate/climate_indices/fixture")
    rain, pet = (np.load(folder / f"{field}.npy").ravel() for field in ("precips_mm_monthly", "pet_thornthwaite"))
    months, law, calibration = FIXTURES[name]
    if name.startswith("spi"):
        found = spi(rain, months, distribution=law, start_year=1895, calibration=calibration)
    else:
        found = spei(rain, pet, months, distribution=law, start_year=1895, calibration=calibration)
    decimals = 6e-4 if name == "spei_06_pearson3" else 1e-5  # that file holds three decimals
    np.testing.assert_allclose(found, np.load(folder / f"{name}.npy").ravel(), rtol=0, atol=decimals)
