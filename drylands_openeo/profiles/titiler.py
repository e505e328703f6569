"""titiler-openeo over a STAC API: tiles and images at once, no batch jobs, no user-defined functions."""

from drylands_openeo.bands import SCL
from drylands_openeo.profiles.local import COMMON_NAMES
from drylands_openeo.profiles.profile import OPTICAL, Collection, Limits, Narrower, Profile, names

_CUBE_PROCESSES = names("""
    add_dimension aggregate_spatial aggregate_temporal apply apply_dimension apply_pixel_selection color_formula
    colormap create_data_cube filter_temporal hillshade load_collection load_stac load_url mask mask_polygon merge_cubes
    ndvi ndwi reduce_dimension rename_labels resample_cube_spatial resample_spatial sar_backscatter save_result
    tile_assignment tiles_summary to_image
""")

_PROCESSES = _CUBE_PROCESSES | names("""
    absolute add and arccos arcosh arcsin arctan arctan2 array_apply array_create array_element arsinh artanh ceil clip
    constant cos cosh count divide e eq exp first firstpixel floor get_colormap get_param_item gt gte highestpixel if
    image_indexes last lastbandhight lastbandlow linear_scale_range ln log lowestpixel lt lte max mean median min mod
    multiply neq normalized_difference or pi power sd sgn sin sinh sqrt stdev subtract tan tanh to_array trunc variance
    xyz_to_bbox xyz_to_tileinfo
""")

TITILER = Profile(
    name="titiler",
    title="titiler-openeo over Earth Search",
    collections={
        OPTICAL: Collection(
            "sentinel-2-l2a",
            {name: name for name in COMMON_NAMES},
            10.0,
            "asset keys of https://earth-search.aws.element84.com/v1; scale and offset are applied while loading: "
            "https://github.com/developmentseed/titiler-openeo/pull/322; load_collection brings everything to "
            "1024 x 1024 pixels, load_stac keeps the images' own grid",
            url="https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a",
            further=names("aot wvp visual"),
            offset_applied=0.1,
            classes=frozenset({SCL}),
            revisit=5.0,
            start="2015-06-27",
        )
    },
    scl_resolution=20.0,
    processes=_PROCESSES,
    callback_processes=_PROCESSES - _CUBE_PROCESSES,
    limits=Limits(items=20, image_pixels=1e8, batch=False),
    arguments={
        ("array_element", "label"): Narrower(
            {"type": "null"}, "Inside callbacks titiler-openeo takes an element by its index only."
        )
    },
    keeps_integers=True,
    has_labels=False,
    resizes_bands=False,
    band="spectral",
    sources=(
        "processes: https://github.com/developmentseed/titiler-openeo 0.19, GET /processes",
        "labels and bands in callbacks, values of loaded pixels: 0.19 run on loopback",
        "dimension names: titiler.openeo.stacapi; limits: titiler.openeo.settings (a deployment may set others)",
    ),
)
