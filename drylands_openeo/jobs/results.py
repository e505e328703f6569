"""What a finished job made: its files under names of our own, and the item that says where they come from."""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openeo
import pystac
import rasterio
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.xr import ODCExtensionDs
from openeo.rest.job import ResultAsset

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError, JobError
from drylands_openeo.jobs.request import Request
from drylands_openeo.product import OutputBand
from drylands_openeo.write import provenance_item, save_item

DATA = (".tif", ".tiff", ".nc", ".json")
PICTURED = ("thumbnail", "overview", "metadata")
DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
TOLD = ("id", "title", "status", "created", "updated", "costs", "usage")
"""What is kept of a job's description."""


def fetch(job: openeo.BatchJob, folder: Path, name: str) -> dict[str, Path]:
    """Download a job's data files as ``folder``/``name``[_YYYYMMDD].*: all of them, or nothing. By key: map, 20200101.

    ``folder`` must not exist: it appears when everything is there.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    chosen = _named([asset for asset in job.get_results().get_assets() if _is_data(asset)], job.job_id, name)
    if not chosen:
        raise JobError(f"job {job.job_id} finished without a result file")
    for file, asset in chosen.items():
        asset.download(part / file)
    part.rename(folder)
    return files_in(folder, name)


def files_in(folder: Path, name: str) -> dict[str, Path]:
    """The files of a result, by key."""
    found = sorted(path for path in folder.iterdir() if path.suffix in DATA)
    return {path.stem.removeprefix(name).removeprefix("_") or "map": path for path in found}


def job_of(backend: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """A job as an item tells it."""
    return {"backend": backend, **{key: described[key] for key in TOLD if described.get(key) is not None}}


def sources_of(metadata: Mapping[str, Any]) -> list[str]:
    """The addresses of the items that a back-end says it has read."""
    return [link["href"] for link in metadata.get("links", ()) if link.get("rel") == "derived_from"]


def save_job_item(
    request: Request,
    folder: Path,
    files: Mapping[str, Path],
    jobs: Sequence[Mapping[str, Any]],
    sources: Iterable[str] = (),
) -> Path | None:
    """The STAC item beside the maps: graph, arguments, jobs, items read. None where the result is no map."""
    maps = {key: path for key, path in files.items() if path.suffix in (".tif", ".nc")}
    if not maps:
        return None
    grid, names = described_in(next(iter(maps.values())))
    item = provenance_item(
        request.name,
        maps,
        grid=grid,
        bands=bands_of(request, names),
        period=request.period or Period.of([job_time(jobs, "created"), job_time(jobs, "updated")]),
        graph=request.graph,
        parameters=request.arguments,
        sources=(),
        title=request.title,
    )
    item.properties["drylands:jobs"] = [dict(job) for job in jobs]
    unique = dict.fromkeys(sources)
    item.add_links([pystac.Link(pystac.RelType.DERIVED_FROM, href, media_type="application/json") for href in unique])
    return save_item(item, folder)


def bands_of(request: Request, names: Sequence[str]) -> tuple[OutputBand, ...]:
    """The bands of a file by its own names for them, or in order where it has none."""
    known = {band.name: band for band in request.bands}
    if not all(names) and len(names) == len(request.bands):
        return tuple(request.bands)
    labels = [name or f"band{number}" for number, name in enumerate(names, start=1)]
    return tuple(known.get(label) or OutputBand(label, "1", label) for label in labels)


def described_in(path: Path) -> tuple[GeoBox, list[str]]:
    """The grid of a GeoTIFF or netCDF file, and the names of its bands ('' where it has none)."""
    if path.suffix == ".nc":
        with xr.open_dataset(path, decode_coords="all") as dataset:
            grid = ODCExtensionDs(dataset).geobox
            if not isinstance(grid, GeoBox):
                raise DrylandsError(f"file {str(path)!r} does not say where its pixels lie")
            return grid, [str(name) for name, values in dataset.data_vars.items() if values.ndim >= 2]
    with rasterio.open(path) as source:
        return GeoBox.from_rio(source), [text or "" for text in source.descriptions]


def job_time(jobs: Sequence[Mapping[str, Any]], key: str) -> str:
    """The first creation, or the last change, of jobs."""
    times = [str(job[key]) for job in jobs if key in job]
    if not times:
        raise DrylandsError("the graph's period is open, and the back-end does not say when its jobs ran")
    return max(times) if key == "updated" else min(times)


def _is_data(asset: ResultAsset) -> bool:
    roles = asset.metadata.get("roles") or ["data"]
    return Path(_file_of(asset)).suffix in DATA and not any(role in PICTURED for role in roles)


def _file_of(asset: ResultAsset) -> str:
    """The file's own name: keys are not to be relied on, addresses carry signatures."""
    path = asset.href.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
    return path if Path(path).suffix in DATA else str(asset.key)


def _named(assets: Sequence[ResultAsset], job_id: str, name: str) -> dict[str, ResultAsset]:
    """Assets by the names that their files get: told apart by their date, or else by what they were called."""
    named: dict[str, ResultAsset] = {}
    for asset in assets:
        path = Path(_file_of(asset))
        called, suffix = path.stem.replace(job_id, ""), path.suffix.replace(".tiff", ".tif")
        date = DATE.search(called)
        mark = f"_{''.join(date.groups())}" if date else ""
        if f"{name}{mark}{suffix}" in named:
            mark = f"_{re.sub(r'[^A-Za-z0-9-]+', '-', called).strip('-')}"
        named[f"{name}{mark}{suffix}"] = asset
    return named
