"""What is planted in the generated world comes back: cover, grain, soil carbon and biomass."""

import pytest

from drylands_openeo.demo_retrievals import demonstrate_retrievals


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return demonstrate_retrievals(tmp_path_factory.mktemp("demo"), size=(1600, 1400))


def test_shares_come_back_within_a_few_per_cent(found):
    assert {line.patch for line in found.cover} == {"steppe", "dunes", "cropland", "declining", "recovering"}
    assert found.cover_error["pv"] < 0.06
    assert found.cover_error["npv"] < 0.06
    assert found.cover_error["bare"] < 0.08


def test_rough_patches_are_found_rough(found):
    assert found.texture > 0.6


def test_carbon_and_biomass_come_back_in_space_and_on_the_map(found):
    carbon, biomass = found.regressions
    for one in (carbon, biomass):
        assert one.trained.validations[1].metrics.r2 > 0.6
        assert one.r2 > 0.7
        assert one.applicable > 0.7
        assert one.covered > 0.85
        assert not [said for said in one.trained.card["findings"] if said.startswith("FAILS")]
    assert carbon.rmse < 1.2
    assert biomass.rmse < 30
    assert all(path.exists() for path in found.files.values())
