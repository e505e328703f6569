"""Each index has one formula, and NumPy, xarray and openEO give it the same value."""

import numpy as np
import openeo
import pytest
import rasterio
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from openeo.processes import array_create
from shared import need
from small_graph import run

from drylands_openeo.bands import BY_NAME
from drylands_openeo.products.formulas import INDICES, kndvi, ndvi, reip, s2rep

# Reflectance of green plants, dry plants and soil in the ten land bands: EMIT endmembers (emit-sds/SpectralUnmixing,
# Apache-2.0) seen by Sentinel-2A.
NAMES = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")
GREEN = dict(zip(NAMES, (0.0410, 0.0729, 0.0406, 0.1011, 0.3848, 0.5028, 0.5105, 0.5224, 0.2309, 0.1042), strict=True))
DRY = dict(zip(NAMES, (0.1029, 0.1452, 0.2064, 0.2407, 0.2787, 0.3068, 0.3270, 0.3459, 0.3968, 0.2648), strict=True))
SOIL = dict(zip(NAMES, (0.1271, 0.1688, 0.2239, 0.2306, 0.2397, 0.2494, 0.2507, 0.2555, 0.2829, 0.2432), strict=True))


def value(name, spectrum):
    index = INDICES[name]
    return index.formula(**{band: spectrum[band] for band in index.bands})


@pytest.mark.parametrize(
    ("name", "expected"),
    [  # by hand from the published formulas and the spectrum DRY
        ("ndvi", 0.1206 / 0.5334),
        ("evi", 2.5 * 0.1206 / (0.3270 + 1.2384 - 0.77175 + 1)),
        ("evi2", 2.5 * 0.1206 / (0.3270 + 0.49536 + 1)),
        ("savi", 1.5 * 0.1206 / 1.0334),
        ("osavi", 0.1206 / 0.6934),
        ("msavi", (1.654 - (1.654**2 - 0.9648) ** 0.5) / 2),
        ("ndi45", 0.0343 / 0.4471),
        ("s2rep", 705 + 35 * (0.2566 - 0.2407) / 0.0380),
        ("reip", 704.1 + 36.4 * (0.2566 - 0.2407) / 0.0380),
        ("ireci", 0.1004 * 0.2787 / 0.2407),
        ("mtci", 0.0380 / 0.0343),
        ("nbr2", 0.1320 / 0.6616),
        ("sti", 0.3968 / 0.2648),
        ("ndsvi", 0.1904 / 0.6032),
        ("dfi", 100 * (1 - 0.2648 / 0.3968) * 0.2064 / 0.3270),
        ("bsi", (0.6032 - 0.4299) / 1.0331),
        ("swir32", 0.2648 / 0.3968),
        ("ndmi", -0.0698 / 0.7238),
        ("kndvi", np.tanh((0.1206 / 0.5334) ** 2)),
    ],
)
def test_the_formula_is_the_published_one(name, expected):
    assert value(name, DRY) == pytest.approx(expected, rel=1e-9)


def test_every_index_has_a_reference_value():
    tested = test_the_formula_is_the_published_one.pytestmark[0].args[1]
    assert {name for name, _ in tested} == set(INDICES)


def test_the_constants_are_not_those_that_others_mistake():
    pixel = {"nir": 0.3, "red": 0.2}
    assert value("savi", pixel) == pytest.approx(0.15)  # L = 1 would give 0.1333
    assert value("nbr2", {"swir16": 0.3, "swir22": 0.2}) == pytest.approx(0.2)  # not the turbidity index


@pytest.mark.parametrize("spectrum", [GREEN, DRY, SOIL], ids=["green", "dry", "soil"])
@pytest.mark.parametrize("index", INDICES.values(), ids=lambda index: index.name)
def test_land_lies_in_the_stated_range(index, spectrum):
    low, high = index.range
    assert low <= value(index.name, spectrum) <= high


def test_what_is_green_dry_and_bare_is_told_apart():
    assert value("ndvi", GREEN) > 0.8 > 0.3 > value("ndvi", DRY) > value("ndvi", SOIL)
    assert value("nbr2", DRY) > value("nbr2", SOIL)
    assert value("dfi", DRY) > value("dfi", SOIL)
    assert value("bsi", SOIL) > value("bsi", GREEN)


@given(st.floats(0.01, 1), st.floats(0.01, 1))
def test_kndvi_is_the_hyperbolic_tangent(nir, red):
    assert kndvi(nir, red) == pytest.approx(np.tanh(ndvi(nir, red) ** 2), abs=1e-11)


def test_reip_is_s2rep_on_another_scale():
    bands = {band: GREEN[band] for band in INDICES["reip"].bands}
    assert reip(**bands) == pytest.approx(704.1 + 1.04 * (s2rep(**bands) - 705))


@pytest.mark.parametrize("index", INDICES.values(), ids=lambda index: index.name)
def test_numpy_xarray_and_the_process_graph_agree(index):
    rng = np.random.default_rng(1)
    cube = xr.DataArray(
        rng.uniform(0.02, 0.6, (3, len(index.bands), 4, 5)),
        dims=("t", "bands", "y", "x"),
        coords={"bands": [*index.bands]},
    )
    arrays = {band: cube.sel(bands=band).values for band in index.bands}
    by_numpy = index.formula(**arrays)
    by_xarray = index.formula(**{band: cube.sel(bands=band, drop=True) for band in index.bands})
    loaded = openeo.DataCube.load_collection("S2", connection=None, bands=list(index.bands))
    graph = loaded.apply_dimension(
        dimension="bands",
        process=lambda data: array_create([index.formula(**{b: data.array_element(label=b) for b in index.bands})]),
    ).flat_graph()
    for load in graph.values():
        if load["process_id"] == "load_collection":
            load["arguments"].update(spatial_extent=None, temporal_extent=None)
    by_graph = run(graph, {index.bands: cube})
    np.testing.assert_array_equal(by_xarray.values, by_numpy)
    np.testing.assert_allclose(by_graph.sel(bands=0).values, by_numpy, rtol=1e-12)


@pytest.mark.parametrize("index", INDICES.values(), ids=lambda index: index.name)
def test_the_band_math_of_a_cube_builds_the_same_graph(index):
    metadata = openeo.metadata.CollectionMetadata(
        {"cube:dimensions": {"bands": {"type": "bands", "values": list(index.bands)}}}
    )
    node = openeo.internal.graph_building.PGNode("load_collection", id="S2", bands=list(index.bands))
    cube = openeo.DataCube(graph=node, connection=None, metadata=metadata)
    graph = index.formula(**{band: cube.band(band) for band in index.bands}).flat_graph()
    assert [node["process_id"] for node in graph.values()] == ["load_collection", "reduce_dimension"]


@pytest.mark.parametrize("index", INDICES.values(), ids=lambda index: index.name)
def test_the_registry_is_complete(index):
    assert set(index.bands) <= set(BY_NAME)
    assert index.unit in {"1", "nm"}
    assert index.summary.endswith(".")
    assert any(year in index.reference for year in ("(19", "(20"))


@pytest.mark.parametrize("date", ["20170703", "20190723"])
@pytest.mark.parametrize(("name", "file"), [("ndvi", "NDVI"), ("msavi", "MSAVI2")])
def test_sen2r_gives_the_same_values_to_half_a_unit(date, name, file):
    """Sen2r, bottom of atmosphere, Barbellino: the index is stored as integer x 10000."""
    folder = need("data/sentinel2/sen2r")
    with rasterio.open(folder / f"S2A2A_{date}_022_Barbellino_BOA_10.tif") as image:
        numbers = image.read().astype(float)
    with rasterio.open(folder / f"S2A2A_{date}_022_Barbellino_{file}_10.tif") as image:
        theirs = image.read(1).astype(float)
    reflectance = np.where(numbers == 65535, np.nan, numbers / 10000)
    ours = INDICES[name].formula(nir=reflectance[7], red=reflectance[3])  # bands B01 to B08, B8A, ...
    valid = (theirs != -32768) & np.isfinite(ours)
    assert valid.mean() > 0.5
    assert np.abs(ours[valid] * 10000 - theirs[valid]).max() <= 0.5 + 1e-6
