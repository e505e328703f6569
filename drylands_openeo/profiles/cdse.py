"""Copernicus Data Space Ecosystem, and the federation of which it is a part."""

from dataclasses import replace
from typing import Any

from drylands_openeo.bands import SCL, SENTINEL2_BANDS
from drylands_openeo.profiles.profile import (
    CLIMATE,
    DEM,
    LAND_COVER,
    NPP,
    OPTICAL,
    Collection,
    Credits,
    Limits,
    Narrower,
    Profile,
    UdfRules,
    names,
)

_DOCUMENTATION = "https://documentation.dataspace.copernicus.eu/APIs/openEO"
_DRIVER = "https://github.com/Open-EO/openeo-geopyspark-driver"

_PROCESSES = names("""
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

_CALLBACK_PROCESSES = names("""
    absolute add all and any arccos arcsin arctan array_append array_apply array_concat array_create array_element
    array_find array_interpolate_linear array_modify between ceil clip cos cosh count date_between date_difference
    date_replace_component date_shift divide eq exp first floor gt gte if inspect int is_nan is_nodata last
    linear_scale_range ln log lt lte max mean median min multiply neq normalized_difference not or power
    predict_catboost predict_probabilities predict_random_forest product quantiles round run_udf sd sin sinh sqrt
    subtract sum tan tanh variance xor
""")

_AGERA5 = {
    "precipitation": "total_precipitation",
    "tmin": "2m_temperature_min",
    "tmean": "2m_temperature_mean",
    "tmax": "2m_temperature_max",
}
_HUNDREDTHS_OF_KELVIN = (0.01, -273.15)

_COLLECTIONS = {
    OPTICAL: Collection(
        "SENTINEL2_L2A",
        {**{band.name: band.sensor_name for band in SENTINEL2_BANDS}, SCL: "SCL"},
        10.0,
        f"bands: {_DOCUMENTATION}/Collections.html; offset applied, scale not: {_DRIVER}/issues/1051 and 1212",
        further=names("AOT WVP sunAzimuthAngles sunZenithAngles viewAzimuthMean viewZenithMean"),
        scale=0.0001,
        offset_applied=1000.0,
        classes=frozenset({"SCL"}),
        revisit=5.0,
        start="2015-07-04",
    ),
    DEM: Collection("COPERNICUS_30", {"elevation": "DEM"}, 30.0, f"{_DOCUMENTATION}/Collections.html"),
    LAND_COVER: Collection(
        "ESA_WORLDCOVER_10M_2021_V2",
        {"class": "MAP"},
        10.0,
        f"{_DOCUMENTATION}/Collections.html",
        classes=frozenset({"MAP"}),
        start="2021-01-01",
    ),
    NPP: Collection(
        "clms_dmp_global_300m_10daily_v2_cog",
        {"dmp": "dmp", "quality": "qflag"},
        300.0,
        "https://stac.dataspace.copernicus.eu/v1/collections/clms_dmp_global_300m_10daily_v2_cog",
        url="https://stac.dataspace.copernicus.eu/v1/collections/clms_dmp_global_300m_10daily_v2_cog",
        scale=None,
        classes=frozenset({"qflag"}),
        revisit=10.0,
        start="2013-11-01",
    ),
    CLIMATE: Collection(
        "agera5_daily",
        _AGERA5,
        9600.0,
        f"{_DRIVER}/issues/591; bands: https://github.com/Open-EO/openeo-gfmap; scales: WorldCereal's classification",
        further=names("dewpoint_temperature_mean solar_radiation_flux vapour_pressure wind_speed"),
        conversions={"precipitation": (0.01, 0.0), **dict.fromkeys(("tmin", "tmean", "tmax"), _HUNDREDTHS_OF_KELVIN)},
        totals=frozenset({"precipitation"}),
        url="https://stac.openeo.vito.be/collections/agera5_daily",
        scale=None,
        revisit=1.0,
        start="2010-01-01",
    ),
}


def _window(unit: str, least: int) -> dict[str, Any]:
    """JSON schema of a size or overlap: pixels in x and y, all or one day of t."""
    space = {
        "properties": {
            "dimension": {"enum": ["x", "y"]},
            "value": {"type": "number", "minimum": least},
            "unit": {"const": unit},
        },
        "required": ["dimension", "value", "unit"],
    }
    time = {"properties": {"dimension": {"const": "t"}, "value": {"enum": [None, "P1D"]}}, "required": ["dimension"]}
    return {"type": "array", "items": {"anyOf": [space, time]}}


_NEIGHBOURHOOD = (
    "The driver takes windows in pixels, of at least 4 by 4, written out in the graph, over all dates or one day at a "
    "time (geopysparkdatacube.py)."
)

_ARGUMENTS = {
    ("apply_kernel", "border"): Narrower({"type": "integer"}, "The driver pads with a whole number only."),
    ("apply_kernel", "replace_invalid"): Narrower({"const": 0}, "The driver replaces no data by 0 only."),
    ("apply_neighborhood", "size"): Narrower(_window("px", 4), _NEIGHBOURHOOD, literal=True),
    ("apply_neighborhood", "overlap"): Narrower(_window("px", 0), _NEIGHBOURHOOD, literal=True),
    ("merge_cubes", "overlap_resolver"): Narrower(
        {"properties": {"process_graph": {"maxProperties": 1}}}, "The driver takes a resolver of one process only."
    ),
}

CDSE = Profile(
    name="cdse",
    title="Copernicus Data Space Ecosystem",
    url="https://openeo.dataspace.copernicus.eu",
    collections=_COLLECTIONS,
    scl_resolution=20.0,
    processes=_PROCESSES,
    callback_processes=_CALLBACK_PROCESSES,
    udf_runtimes={"Python": ("3.8", "3.11"), "Python-Jep": ("3.8", "3.11")},
    udf=UdfRules(
        packages=names("numpy scipy pandas xarray h5py bottleneck netCDF4 rasterio openeo shapely"),
        parents=names("apply apply_dimension reduce_dimension apply_neighborhood apply_polygon"),
        words={
            "apply_metadata": "The driver finds the word by a pattern, in a comment too, and then calls a function."
        },
    ),
    arguments=_ARGUMENTS,
    limits=Limits(sync_pixels=1e12),
    credits=Credits(sync=6, batch=2, per_cpu_hour=1.5, per_gb_hour=1, pixels_per_second=1e6, memory=5),
    job_options={
        "driver-memory": "4G",
        "executor-memory": "2G",
        "executor-memoryOverhead": "2G",
        "python-memory": "disable",
        "max-executors": 20,
    },
    udf_job_options={"executor-memoryOverhead": "1G", "python-memory": "3G"},
    sources=(
        "processes: https://github.com/Open-EO/openeo-python-driver, ProcessGraphDeserializer.py and specs",
        "callback processes: https://github.com/Open-EO/openeo-geotrellis-extensions, OpenEOProcessScriptBuilder.scala",
        f"UDF runtimes and packages: {_DRIVER}, setup.py and GET /udf_runtimes",
        f"rules of arguments and of UDFs: {_DRIVER}, geopysparkdatacube.py, job_options.py",
        f"limit of synchronous calls: {_DRIVER}/issues/616; credits: {_DOCUMENTATION}",
        "pixels a second and memory per CPU: our assumption, right within a factor of ten",
    ),
)

FEDERATION = replace(
    CDSE,
    name="federation",
    title="openEO federation of CDSE and Terrascope",
    url="https://openeofed.dataspace.copernicus.eu",
    collections={
        **_COLLECTIONS,
        CLIMATE: replace(
            _COLLECTIONS[CLIMATE],
            id="AGERA5",
            url=None,
            bands={
                "precipitation": "precipitation-flux",
                "tmin": "temperature-min",
                "tmean": "temperature-mean",
                "tmax": "temperature-max",
            },
            further=names("dewpoint-temperature solar-radiation-flux vapour-pressure wind-speed"),
            source="collection of Terrascope, WorldCereal issue 7",
        ),
    },
    sources=(*CDSE.sources, "the aggregator hands a graph on to the back-end that has its collections"),
)
