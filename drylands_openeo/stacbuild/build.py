"""A folder of rasters -> a STAC collection in a folder of its own."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pystac

from drylands_openeo.errors import DrylandsError
from drylands_openeo.stacbuild.documents import Href, collection_of, items_of
from drylands_openeo.stacbuild.names import read_name
from drylands_openeo.stacbuild.netcdf import unpack
from drylands_openeo.stacbuild.raster import Raster, read_raster

GEOTIFF, NETCDF = {".tif", ".tiff"}, {".nc", ".nc4"}


@dataclass(frozen=True)
class Built:
    """What was written: the collection's file, how many items, the names of the bands."""

    path: Path
    items: int
    bands: tuple[str, ...]


def build(
    folder: str | Path,
    out: str | Path,
    *,
    id: str,
    title: str = "",
    description: str = "",
    license: str = "other",
    pattern: str | None = None,
    bands: tuple[str, ...] = (),
    crs: str | None = None,
    href: str | None = None,
    overwrite: bool = False,
) -> Built:
    """Describe the GeoTIFFs and CF-netCDF files below ``folder`` as one STAC 1.1 collection in ``out``.

    GeoTIFFs stay where they are; a netCDF file is taken apart into COGs in ``out``/data, one a variable and date.
    ``pattern`` finds date and band in a file's name (:func:`names.read_name`); ``bands`` names the bands of a GeoTIFF
    in order; ``crs`` is the projection of files that tell none; ``href`` is the address under which ``folder`` is
    served: without it, and for the COGs, addresses are relative to the item.
    Raises DrylandsError, and then leaves nothing behind.
    """
    folder, out = Path(folder).resolve(), Path(out).resolve()
    files = _files(folder, out)
    if out.exists() and not overwrite:
        raise DrylandsError(f"folder {str(out)!r} exists; give another one, or --overwrite")
    out.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        rasters = [raster for path in files for raster in _rasters(path, workshop, pattern, bands, crs)]
        items = items_of(rasters, id, _addresses(folder, out, workshop, href))
        collection = collection_of(items, id, title, description or f"{title or id}: rasters by date", license)
        _save(collection, items, workshop)
        if out.exists():
            shutil.rmtree(out)
        workshop.chmod(0o755)
        workshop.rename(out)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    names = dict.fromkeys(band.name for raster in rasters for band in raster.bands)
    return Built(out / "collection.json", len(items), tuple(names))


def _files(folder: Path, out: Path) -> list[Path]:
    if not folder.is_dir():
        raise DrylandsError(f"folder {str(folder)!r} does not exist")
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in GEOTIFF | NETCDF]
    found = [path for path in found if not path.is_relative_to(out)]
    if not found:
        raise DrylandsError(f"folder {str(folder)!r} has no files {', '.join(sorted(GEOTIFF | NETCDF))}")
    return found


def _rasters(
    path: Path, workshop: Path, pattern: str | None, bands: tuple[str, ...], crs: str | None
) -> Iterator[Raster]:
    """The rasters of one file."""
    date, name = read_name(path, pattern)
    if path.suffix.lower() in GEOTIFF:
        if date is None:
            raise DrylandsError(f"file {path.name!r} tells no date: give --pattern with a group (?P<year>...)")
        yield read_raster(path, date, name, crs=crs, names=bands)
    else:
        for part, moment in unpack(path, workshop / "data", date, crs=crs):
            yield read_raster(part, moment, name, crs=None)


def _addresses(folder: Path, out: Path, workshop: Path, href: str | None) -> Href:
    """File -> its address in an item, which lies in ``out``/items."""

    def address(path: Path) -> str:
        if path.is_relative_to(workshop):
            return f"../{path.relative_to(workshop).as_posix()}"
        if href is not None:
            return f"{href.rstrip('/')}/{path.relative_to(folder).as_posix()}"
        return Path(os.path.relpath(path, out / "items")).as_posix()

    return address


def _save(collection: pystac.Collection, items: list[pystac.Item], folder: Path) -> None:
    """collection.json, and items/<id>.json beside it, with links relative to each other."""
    (folder / "items").mkdir()
    text = collection.to_dict(include_self_link=False)
    json_media = str(pystac.MediaType.GEOJSON)
    links = [{"rel": "item", "href": f"./items/{item.id}.json", "type": json_media} for item in items]
    text["links"] = [{"rel": "root", "href": "./collection.json", "type": "application/json"}, *links]
    _write(folder / "collection.json", text)
    for item in items:
        content = item.to_dict(include_self_link=False)
        content["collection"] = collection.id
        up = [{"rel": rel, "href": "../collection.json", "type": "application/json"} for rel in ("root", "parent")]
        content["links"] = [*up, {**up[0], "rel": "collection"}]
        _write(folder / "items" / f"{item.id}.json", content)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
