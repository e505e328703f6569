"""The engine of this project."""

from drylands_openeo.bands import SCL, SENTINEL2_BANDS
from drylands_openeo.profiles.profile import (
    CLIMATE,
    COARSE,
    CONDITION,
    DEM,
    LAND_COVER,
    NPP,
    OPTICAL,
    VEGETATION,
    Collection,
    Profile,
    UdfRules,
    names,
)

COMMON_NAMES = (*(band.name for band in SENTINEL2_BANDS), SCL)

CLIMATE_NAMES = (
    *("precipitation", "tmin", "tmean", "tmax", "pet", "awc"),
    *("radiation", "wind", "humidity", "vapour_pressure", "elevation", "latitude"),
)

OWN = "a file of the user's own, whose bands are called so"

CUBE_PROCESSES = names("""
    add_dimension aggregate_spatial aggregate_temporal aggregate_temporal_period anomaly apply apply_dimension
    apply_kernel apply_neighborhood climatological_normal create_data_cube drop_dimension filter_bands filter_bbox
    filter_labels filter_spatial filter_temporal fit_curve flatten_dimensions load_collection load_stac mask
    mask_polygon merge_cubes ndvi predict_curve reduce_dimension reduce_spatial rename_dimension rename_labels
    resample_cube_spatial resample_cube_temporal resample_spatial save_result trim_cube unflatten_dimension
""")
"""Processes of whole cubes, which have no place in a callback."""

_PROCESSES = CUBE_PROCESSES | names("""
    absolute add all and any arccos arcosh arcsin arctan arctan2 array_append array_apply array_concat array_contains
    array_create array_create_labeled array_element array_filter array_find array_find_label array_interpolate_linear
    array_labels array_modify arsinh artanh between ceil clip constant cos cosh count cummax cummin cumproduct cumsum
    date_between date_difference date_replace_component date_shift dimension_labels divide e eq exp extrema first floor
    gt gte if inspect int is_infinite is_nan is_nodata is_valid last linear_scale_range ln log lt lte max mean median
    min mod multiply nan neq normalized_difference not or order pi power product quantiles rearrange round run_udf sd
    sgn sin sinh sort sqrt subtract sum tan tanh text_begins text_concat text_contains text_ends text_find variance xor
""")

LOCAL = Profile(
    name="local",
    title="The engine of this project, on this machine",
    collections={
        OPTICAL: Collection(
            "sentinel-2-l2a",
            {name: name for name in COMMON_NAMES},
            10.0,
            "the loader of this project hands on reflectance 0..1 by common name",
            offset_applied=0.1,
            classes=frozenset({SCL}),
            revisit=5.0,
            start="2015-06-27",
        ),
        CLIMATE: Collection(
            CLIMATE,
            {name: name for name in CLIMATE_NAMES},
            25_000.0,
            "drylands_openeo.climate hands on monthly values in our units by our names",
            revisit=30.4,
        ),
        DEM: Collection(DEM, {}, 30.0, "a collection of the user's own, whose band is said in the graph"),
        NPP: Collection(NPP, {"npp": "npp"}, 500.0, OWN, revisit=365.25),
        VEGETATION: Collection(VEGETATION, {"vi": "vi"}, 1000.0, OWN, revisit=30.4),
        COARSE: Collection(COARSE, {"vi": "vi"}, 300.0, OWN, revisit=1.0),
        LAND_COVER: Collection(LAND_COVER, {"stratum": "stratum"}, 100.0, OWN, classes=frozenset({"stratum"})),
        CONDITION: Collection(CONDITION, {}, 1000.0, "the map that the product rain_use has made"),
    },
    scl_resolution=20.0,
    one_grid=True,
    processes=_PROCESSES,
    callback_processes=_PROCESSES - CUBE_PROCESSES,
    udf_runtimes={"Python": ("3.11",)},
    udf=UdfRules(
        packages=names("numpy scipy pandas xarray onnxruntime climate_indices"),
        parents=names("apply apply_dimension reduce_dimension apply_neighborhood"),
    ),
    sources=("the registry of drylands_openeo.engine",),
)
