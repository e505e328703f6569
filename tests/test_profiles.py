"""A back-end's profile says what a graph for it may hold."""

import dataclasses

import pytest
from specifications import specifications

from drylands_openeo.bands import BY_NAME, SCL
from drylands_openeo.engine.registry import PROCESSES
from drylands_openeo.errors import DrylandsError
from drylands_openeo.profiles import OPTICAL, PROFILES, get_profile


def test_an_unknown_back_end_is_answered_with_the_known_ones():
    with pytest.raises(DrylandsError, match=r"'cdsee' is not known; give one of: local, cdse, federation, titiler"):
        get_profile("cdsee")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_profile_is_complete(profile):
    assert get_profile(profile.name) is profile
    assert profile.collection(OPTICAL)
    assert set(profile.bands) == {*BY_NAME, SCL}
    assert len(set(profile.bands.values())) == len(profile.bands)
    assert ("run_udf" in profile.processes) == bool(profile.udf_runtimes) == (profile.udf is not None)
    assert profile.udf is None or "3.11" in profile.udf_runtimes["Python"]
    assert profile.callback_processes - {"date_difference", "date_replace_component", "array_modify"} <= (
        profile.processes
    )
    assert all(collection.source for collection in profile.collections.values())
    assert profile.sources


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_process_named_is_one_of_the_specification(profile):
    known = set(specifications())
    beyond = {  # offered by CDSE's driver beyond the specification
        "aggregate_spatial_window convert_data_type date_replace_component discard_result fit_class_catboost "
        "fit_class_random_forest get_geometries load_ml_model load_uploaded_files mask_l1c mask_scl_dilation "
        "predict_catboost predict_onnx predict_probabilities query_stac raster_to_vector read_vector resolution_merge "
        "save_ml_model sleep slope aspect to_scl_dilation_mask to_vector_cube vector_to_raster",
        # and by titiler-openeo
        "apply_pixel_selection color_formula colormap firstpixel get_colormap get_param_item highestpixel hillshade "
        "image_indexes lastbandhight lastbandlow lowestpixel ndwi stdev tile_assignment tiles_summary to_array "
        "to_image trunc xyz_to_bbox xyz_to_tileinfo",
        # and by the engine, from the proposals
        "flatten_dimensions text_find unflatten_dimension",
    }
    beyond_words = {word for text in beyond for word in text.split()}
    assert profile.processes | profile.callback_processes <= known | beyond_words


def test_the_names_of_cdse_are_the_mission_s():
    cdse = get_profile("cdse")
    assert cdse.band_names(("red", "nir", "swir16", SCL)) == ["B04", "B08", "B11", "SCL"]
    assert (cdse.reflectance_scale, cdse.scl_resolution) == (0.0001, 20)


def test_here_values_are_physical_and_names_common():
    local = get_profile("local")
    assert local.band_names(("red", "nir", SCL)) == ["red", "nir", "scl"]
    assert (local.reflectance_scale, local.scl_resolution, local.one_grid) == (1, 20, True)


def test_the_profile_of_this_machine_is_the_engine_s_registry():
    assert get_profile("local").processes == set(PROCESSES)


def test_no_process_is_offered_everywhere_but_on_the_engine():
    """What the openEO drivers of CDSE and titiler-openeo have in common runs here as well."""
    assert get_profile("cdse").processes & get_profile("titiler").processes <= {
        *PROCESSES,
        "load_url",
        "sar_backscatter",
    }


def test_auxiliary_data_come_by_stac_where_the_back_end_has_no_collection():
    cdse, own = get_profile("cdse"), "https://example.org/climate/collection.json"
    assert cdse.of("climate").url.startswith("https://stac.openeo.vito.be/")
    assert get_profile("federation").of("climate").url is None
    climate = cdse.with_stac("climate", own).of("climate")
    assert (climate.url, climate.bands["tmean"], climate.conversions, climate.revisit) == (own, "tmean", {}, 30.4)
    assert cdse.with_stac("npp", own).of("npp").names == frozenset()
    images = cdse.with_stac("sentinel-2-l2a", own).of("sentinel-2-l2a")
    assert (images.url, images.bands["red"], images.scale) == (own, "B04", 0.0001)
    added = get_profile("titiler").with_stac("npp", own)
    assert (added.of("npp").url, added.of("npp").scale) == (own, None)


def test_a_profile_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_profile("local").reflectance_scale = 1e-4


def test_a_wrong_band_or_role_names_the_right_ones():
    with pytest.raises(DrylandsError, match=r"\['B04'\] are not known; common names are: coastal, blue"):
        get_profile("cdse").band_names(("B04",))
    with pytest.raises(DrylandsError, match="no collection for 'soil'; it has: climate, dem, land-cover, npp"):
        get_profile("cdse").collection("soil")
