"""A map's provenance: a STAC item with the process graph, its parameters, the software and the source items."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from os.path import relpath
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import pystac
import rasterio

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.write.bands import MapBand

EXTENSIONS = [
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
]
MEDIA = {
    ".tif": (pystac.MediaType.COG, "data"),
    ".nc": (pystac.MediaType.NETCDF, "data"),
    ".png": (pystac.MediaType.PNG, "overview"),
}
VERTICES = 180
"""Most corners of a map's outline, besides its own."""

PACKAGES = ("drylands-openeo", "numpy", "odc-geo", "odc-stac", "pystac", "rasterio", "scipy", "xarray")


def provenance_item(
    name: str,
    files: Mapping[str, Path],
    *,
    grid: Any,
    bands: Sequence[MapBand],
    period: Period,
    graph: Mapping[str, Any],
    parameters: Mapping[str, Any],
    sources: Iterable[pystac.Item],
    title: str = "",
) -> pystac.Item:
    """The item of one run: ``files`` by asset key (.tif, .nc, .png), all on one odc-geo GeoBox.

    ``graph`` is the openEO process graph that made them, ``parameters`` the values it was run with, ``sources`` the
    items that it read (links ``derived_from``).
    """
    outline = outline_of(grid)
    item = pystac.Item(
        id=name,
        geometry=outline.json,
        bbox=list(outline.boundingbox.bbox),
        datetime=None,
        start_datetime=period.start,
        end_datetime=period.end - timedelta(seconds=1),
        properties={
            **({"title": title} if title else {}),
            "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            **_projection(grid),
            "processing:expression": {"format": "openeo", "expression": dict(graph)},
            "processing:software": software(),
            "drylands:parameters": dict(parameters),
        },
        stac_extensions=list(EXTENSIONS),
    )
    for key, path in files.items():
        item.add_asset(key, _asset(Path(path), bands, abs(float(grid.resolution.x))))
    item.add_links([_derived_from(source) for source in sources])
    return item


def outline_of(grid: Any) -> Any:
    """The grid's border in longitude and latitude, as an odc-geo Geometry.

    A straight side of a projected grid is a curve in degrees: it gets vertices where a chord would miss it by a tenth
    of a pixel, and at most ``VERTICES`` in all.
    """
    border = grid.extent
    if border.crs != "EPSG:4326":
        border = border.to_crs("EPSG:4326", border.boundary.length / VERTICES)
    west, south, east, north = border.boundingbox.bbox
    rows, columns = grid.shape
    return border.simplify(0.1 * min((east - west) / columns, (north - south) / rows))


def save_item(item: pystac.Item, folder: str | Path) -> Path:
    """Write <folder>/<id>.json with hrefs relative to the folder, so that both may move together."""
    folder = Path(folder)
    content = item.to_dict(include_self_link=False)
    for asset in content["assets"].values():
        asset["href"] = "./" + Path(relpath(asset["href"], folder)).as_posix()
    text = json.dumps(content, indent=2)
    path = folder / f"{item.id}.json"
    path.write_text(text, "utf-8")
    return path


def software() -> dict[str, str]:
    """Versions of what computed the map."""
    versions = {package: version(package) for package in PACKAGES}
    return {"python": python_version(), "gdal": rasterio.__gdal_version__, **versions}


def _projection(grid: Any) -> dict[str, Any]:
    epsg = grid.crs.epsg
    code = {"proj:code": f"EPSG:{epsg}"} if epsg else {"proj:code": None, "proj:wkt2": grid.crs.to_wkt()}
    return {**code, "proj:shape": list(grid.shape), "proj:transform": list(grid.affine)[:6]}


def _asset(path: Path, bands: Sequence[MapBand], resolution: float) -> pystac.Asset:
    if path.suffix not in MEDIA:
        raise DrylandsError(f"file {path.name!r} is none of {', '.join(MEDIA)}")
    media, role = MEDIA[path.suffix]
    fields = {"bands": _bands(path, bands, resolution)} if role == "data" else {}
    return pystac.Asset(str(path.resolve()), media_type=media, roles=[role], extra_fields=fields)


def _bands(path: Path, bands: Sequence[MapBand], resolution: float) -> list[dict[str, Any]]:
    dtype, nodata = "float32", float("nan")
    if path.suffix == ".tif":
        with rasterio.open(path) as written:
            dtype, nodata = written.dtypes[0], written.nodata
    declared = {"data_type": dtype, "raster:spatial_resolution": resolution}
    if nodata is not None:
        declared["nodata"] = "nan" if np.isnan(nodata) else nodata
    return [{"name": band.name, "description": band.description, "unit": band.unit, **declared} for band in bands]


def _derived_from(source: pystac.Item) -> pystac.Link:
    href = source.get_self_href() or f"{source.collection_id}/{source.id}"
    return pystac.Link(pystac.RelType.DERIVED_FROM, href, media_type=pystac.MediaType.GEOJSON, title=source.id)
