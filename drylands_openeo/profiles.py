"""What differs between back-ends, one frozen Profile each: a table of data, so that no graph needs a branch."""

from collections.abc import Mapping
from dataclasses import dataclass

from drylands_openeo.bands import SCL, SENTINEL2_BANDS
from drylands_openeo.errors import DrylandsError

OPTICAL = "sentinel-2-l2a"
"""The role of the collection that holds Sentinel-2 surface reflectance and its scene classification."""

ELEVATION, CLIMATE, NPP = "dem", "climate", "npp"
"""Roles of the other inputs: a terrain model [m], monthly climate, somebody else's net primary production."""


@dataclass(frozen=True)
class Profile:
    """One back-end.

    ``collections``: role -> collection id. ``bands``: common name -> the collection's band name.
    ``time``, ``band``: names of the dimensions (x and y are called so everywhere).
    ``reflectance_scale``: what pixel values are still to be multiplied by to be reflectance 0..1; the offset of
    baseline 04.00 is applied by every back-end listed here.
    ``scl_resolution``: pixel size [m] on which the scene classification arrives when it is loaded alone;
    None where the run chooses one grid for all bands.
    ``processes``: those offered; ``callback_processes``: those allowed inside a callback (reducer, apply).
    ``udf_runtimes``: runtime -> versions. ``sources``: where each entry was read.
    """

    name: str
    title: str
    collections: Mapping[str, str]
    bands: Mapping[str, str]
    reflectance_scale: float
    scl_resolution: float | None
    processes: frozenset[str]
    callback_processes: frozenset[str]
    udf_runtimes: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]
    time: str = "t"
    band: str = "bands"

    def collection(self, role: str) -> str:
        """The id of the collection that plays ``role``.

        >>> get_profile("cdse").collection(OPTICAL)
        'SENTINEL2_L2A'
        """
        if role not in self.collections:
            raise DrylandsError(
                f"back-end {self.name!r} has no collection for {role!r}; it has: {', '.join(sorted(self.collections))}"
            )
        return self.collections[role]

    def band_names(self, names: tuple[str, ...]) -> list[str]:
        """The back-end's names of bands given by common name.

        >>> get_profile("cdse").band_names(("red", "nir08", "scl"))
        ['B04', 'B8A', 'SCL']
        """
        unknown = [name for name in names if name not in self.bands]
        if unknown:
            raise DrylandsError(f"bands {unknown} are not known; common names are: {', '.join(self.bands)}")
        return [self.bands[name] for name in names]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON_NAMES = (*(band.name for band in SENTINEL2_BANDS), SCL)

# The 70 that the openEO drivers of CDSE, openeo-processes-dask and titiler-openeo have in common.
_PORTABLE = _names("""
    absolute add add_dimension aggregate_spatial aggregate_temporal and apply apply_dimension arccos arcosh arcsin
    arctan arctan2 arsinh artanh array_apply array_create array_element ceil clip constant cos cosh count divide e eq
    exp filter_temporal first floor gt gte if last linear_scale_range ln load_collection load_stac log lt lte mask
    mask_polygon max mean median merge_cubes min mod multiply ndvi neq normalized_difference or pi power
    reduce_dimension rename_labels resample_cube_spatial resample_spatial sd sgn sin sinh sqrt subtract tan tanh
    variance
""")

_LOCAL = _PORTABLE | _names("""
    aggregate_temporal_period all any apply_kernel apply_neighborhood array_interpolate_linear between filter_bands
    filter_bbox is_nan is_nodata is_valid not product quantiles run_udf save_result sum
""")

_CDSE = _names("""
    absolute add add_dimension aggregate_spatial aggregate_spatial_window aggregate_temporal aggregate_temporal_period
    all and any apply apply_dimension apply_kernel apply_neighborhood apply_polygon arccos arcosh arcsin arctan arctan2
    ard_normalized_radar_backscatter array_append array_apply array_concat array_contains array_create array_element
    array_filter array_find array_interpolate_linear array_labels arsinh artanh aspect atmospheric_correction between
    ceil clip constant convert_data_type cos cosh count date_between date_shift dimension_labels discard_result divide
    drop_dimension e eq exp export_workspace extrema filter_bands filter_bbox filter_labels filter_spatial
    filter_temporal first fit_class_catboost fit_class_random_forest floor get_geometries gt gte if inspect int is_nan
    is_nodata is_valid last linear_scale_range ln load_collection load_geojson load_ml_model load_stac
    load_uploaded_files load_url log lt lte mask mask_l1c mask_polygon mask_scl_dilation max mean median merge_cubes
    min mod multiply ndvi neq normalized_difference not or order pi power predict_catboost predict_onnx
    predict_probabilities predict_random_forest product quantiles query_stac raster_to_vector read_vector rearrange
    reduce_dimension rename_dimension rename_labels resample_cube_spatial resample_spatial resolution_merge round
    run_udf sar_backscatter save_ml_model save_result sd sgn sin sinh sleep slope sort sqrt subtract sum tan tanh
    text_begins text_concat text_contains text_ends to_scl_dilation_mask to_vector_cube variance vector_buffer
    vector_to_raster xor
""")

_CDSE_CALLBACK = _names("""
    absolute add all and any arccos arcsin arctan array_append array_apply array_concat array_create array_element
    array_find array_interpolate_linear array_modify between ceil clip cos cosh count date_between date_difference
    date_replace_component date_shift divide eq exp first floor gt gte if inspect int is_nan is_nodata last
    linear_scale_range ln log lt lte max mean median min multiply neq normalized_difference not or power
    predict_catboost predict_probabilities predict_random_forest product quantiles round run_udf sd sin sinh sqrt
    subtract sum tan tanh variance xor
""")

_NOT_IN_CALLBACKS = _names("""
    add_dimension aggregate_spatial aggregate_temporal aggregate_temporal_period apply apply_dimension apply_kernel
    apply_neighborhood filter_bands filter_bbox filter_temporal load_collection load_stac mask mask_polygon merge_cubes
    ndvi reduce_dimension rename_labels resample_cube_spatial resample_spatial save_result
""")

LOCAL = Profile(
    name="local",
    title="The engine of this project, on this machine",
    collections={OPTICAL: "sentinel-2-l2a", ELEVATION: "dem", CLIMATE: "climate", NPP: "npp"},
    bands={name: name for name in _COMMON_NAMES},
    reflectance_scale=1.0,
    scl_resolution=None,
    processes=_LOCAL,
    callback_processes=_LOCAL - _NOT_IN_CALLBACKS,
    udf_runtimes={"Python": ("3.11",)},
    sources=("values, names and grid: the loader of this project, which hands on reflectance 0..1",),
)

CDSE = Profile(
    name="cdse",
    title="Copernicus Data Space Ecosystem, https://openeo.dataspace.copernicus.eu",
    collections={OPTICAL: "SENTINEL2_L2A", ELEVATION: "COPERNICUS_30"},
    bands={**{band.name: band.sensor_name for band in SENTINEL2_BANDS}, SCL: "SCL"},
    reflectance_scale=0.0001,
    scl_resolution=20.0,
    processes=_CDSE,
    callback_processes=_CDSE_CALLBACK,
    udf_runtimes={"Python": ("3.8", "3.11")},
    sources=(
        "collection and bands: https://documentation.dataspace.copernicus.eu/APIs/openEO/Collections.html",
        "offset applied, scale not: https://github.com/Open-EO/openeo-geopyspark-driver/issues/1051 and 1212",
        "processes: https://github.com/Open-EO/openeo-python-driver, ProcessGraphDeserializer.py and specs",
        "callback processes: https://github.com/Open-EO/openeo-geotrellis-extensions, OpenEOProcessScriptBuilder.scala",
        "UDF runtime: https://github.com/Open-EO/openeo-geopyspark-driver, setup.py and GET /udf_runtimes",
        "apply_kernel takes square kernels, border 0, replace_invalid 0: "
        "https://github.com/Open-EO/openeo-geopyspark-driver, geopysparkdatacube.py",
    ),
)

PROFILES = {profile.name: profile for profile in (LOCAL, CDSE)}
"""Every back-end by name."""


def get_profile(name: str) -> Profile:
    """The profile called ``name``.

    >>> get_profile("local").bands["nir"]
    'nir'
    """
    if name not in PROFILES:
        raise DrylandsError(f"back-end {name!r} is not known; give one of: {', '.join(PROFILES)}")
    return PROFILES[name]
