"""openEO processes as functions; importing this package registers them all.

Of the specification 2.x (proposals included) these are left out:

- made for a back-end's own stores, accounts and services: export_collection, export_workspace, load_result,
  load_uploaded_files, run_ogcapi, run_ogcapi_externally, run_udf_externally, stac_modify
- corrections of raw data, which come done: ard_normalized_radar_backscatter, ard_surface_reflectance,
  atmospheric_correction, cloud_detection, sar_backscatter
- vector cubes, which this engine does not hold (geometries are GeoJSON, given to the process that needs them):
  apply_polygon, filter_vector, load_geojson, load_url, vector_buffer, vector_reproject, vector_to_random_points,
  vector_to_regular_points
- aggregate_spatial_window: resample_spatial with an averaging method gives its usual results
"""

from drylands_openeo.engine.processes import (
    aggregate,
    apply,
    arrays,
    checks,
    climate,
    comparison,
    curves,
    dates,
    dimensions,
    filters,
    indices,
    kernel,
    load,
    logic,
    masks,
    math,
    merge,
    neighborhood,
    reducers,
    resample,
    resample_temporal,
    save,
    series,
    spatial,
    text,
    trigonometry,
    udf,
)

__all__ = [
    "aggregate",
    "apply",
    "arrays",
    "checks",
    "climate",
    "comparison",
    "curves",
    "dates",
    "dimensions",
    "filters",
    "indices",
    "kernel",
    "load",
    "logic",
    "masks",
    "math",
    "merge",
    "neighborhood",
    "reducers",
    "resample",
    "resample_temporal",
    "save",
    "series",
    "spatial",
    "text",
    "trigonometry",
    "udf",
]
