"""Items to reflectance on one grid: (t, bands, y, x), float32, NaN for no data."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Literal, cast

import dask.array as da
import numpy as np
import xarray as xr
from dask.delayed import delayed
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pystac import Item

from drylands_openeo.errors import AssetError, DrylandsError
from drylands_openeo.stac.read import Loader, Reader, configured
from drylands_openeo.stac.scenes import Scene, SceneBand, scenes_of, touching

OnError = Literal["raise", "gap"]
Days = NDArray[np.datetime64]

TOGETHER = 4
"""Days that one thread reads with one setting of GDAL's options."""


def load(
    items: Iterable[Item],
    bands: Sequence[str],
    geobox: GeoBox,
    *,
    loader: Loader = "odc-stac",
    resampling: str = "bilinear",
    on_error: OnError = "raise",
    chunks: Mapping[str, int] | None = None,
) -> xr.DataArray:
    """The bands of the items on ``geobox``: (t, bands, y, x), float32 reflectance, NaN for no data.

    ``t`` is the solar day, at midnight; scenes of one day are laid over each other, the first valid pixel by (time,
    id) wins. Band labels are those asked. Scale and offset are applied as ``dialects`` says; negative reflectance
    stays. Classes (scl) are never interpolated, and class 0 is NaN. Give items that ``deduplicate`` has seen.
    ``chunks`` ({"t": 1, "y": 512, "x": 512}) makes the result lazy; without, it is read now.

    ``on_error``: "raise" AssetError at a missing or broken asset; "gap" leaves its pixels NaN and names it in
    ``attrs["gaps"]``, a list of "item/asset: reason". A lazy result then opens every file once beforehand.
    """
    if on_error not in ("raise", "gap"):
        raise DrylandsError(f"on_error {on_error!r} is not 'raise' or 'gap'")
    scenes = scenes_of(items, bands, longitude=centre_longitude(geobox), on_error=on_error)
    days = np.unique(np.array([scene.day for scene in scenes], dtype="datetime64[ns]"))
    reader = Reader(loader, resampling)
    met = touching(scenes, geobox)
    if chunks is None:
        values, gaps = read_scenes(met, days, len(bands), geobox, reader, on_error)
        return as_cube(values, days, bands, geobox, gaps)
    sound, gaps = _probed(met, reader, on_error)
    return as_cube(_lazy(sound, days, len(bands), geobox, reader, chunks), days, bands, geobox, gaps)


def centre_longitude(grid: GeoBox) -> float:
    """Longitude of the grid's centre [degrees]."""
    return float(grid.extent.centroid.to_crs("EPSG:4326").coords[0][0])


def read_scenes(
    scenes: Sequence[Scene],
    days: Days,
    bands: int,
    grid: GeoBox,
    reader: Reader,
    on_error: OnError,
    pool: Executor | None = None,
) -> tuple[NDArray[np.float32], list[str]]:
    """((t, bands, y, x), gaps): every day of ``days``, the first valid pixel of its scenes; by the pool's threads."""
    cube = np.empty((len(days), bands, *grid.shape), dtype=np.float32)
    of_day: list[list[Scene]] = [[] for _ in days]
    for scene in scenes:
        of_day[int(np.searchsorted(days, scene.day))].append(scene)

    def read(first: int) -> list[str]:
        with configured():
            return [
                gap
                for day in range(first, min(first + TOGETHER, len(days)))
                for gap in _read_day(cube[day], of_day[day], grid, reader, on_error)
            ]

    spread = map if pool is None else pool.map
    gaps = [gap for scene in scenes for gap in scene.gaps]
    gaps.extend(gap for found in spread(read, range(0, len(days), TOGETHER)) for gap in found)
    return cube, gaps


def _read_day(
    planes: NDArray[np.float32], scenes: Sequence[Scene], grid: GeoBox, reader: Reader, on_error: OnError
) -> list[str]:
    """Fills (bands, y, x) with the first valid pixel of the scenes; the gaps."""
    begun, gaps = np.zeros(len(planes), dtype=bool), []
    for scene in scenes:
        for number, band in enumerate(scene.bands):
            if band is None:
                continue
            try:
                _lay(planes[number], band, grid, reader, first=not begun[number])
                begun[number] = True
            except AssetError as error:
                if on_error == "raise":
                    raise
                gaps.append(f"{band.label}: {error}")
    planes[~begun] = np.nan
    return gaps


def as_cube(values: Any, days: Days, bands: Sequence[str], grid: GeoBox, gaps: Sequence[str]) -> xr.DataArray:
    """The array with its coordinates."""
    coords = dict(xr_coords(grid, dims=("y", "x")))
    attrs = {"crs": str(grid.crs), **({"gaps": list(gaps)} if gaps else {})}
    return xr.DataArray(
        values, dims=("t", "bands", "y", "x"), coords={"t": days, "bands": list(bands), **coords}, attrs=attrs
    )


def _lay(plane: NDArray[np.float32], band: SceneBand, grid: GeoBox, reader: Reader, *, first: bool) -> None:
    """Fills what is still empty in ``plane``, all of it at ``first``; a plane without a gap costs no file."""
    if first:
        window, values = reader.read(band, grid)
        if values.shape != plane.shape:
            plane[:] = np.nan
        plane[window] = values
        return
    empty = np.isnan(plane)
    if not empty.any():
        return
    window, values = reader.read(band, grid)
    np.copyto(plane[window], values, where=empty[window])


def _probed(scenes: Sequence[Scene], reader: Reader, on_error: OnError) -> tuple[list[Scene], list[str]]:
    """For gaps in a lazy cube: every file opened once, the broken ones taken out and named."""
    gaps = [gap for scene in scenes for gap in scene.gaps]
    if on_error == "raise":
        return list(scenes), gaps
    sound = []
    for scene in scenes:
        kept: list[SceneBand | None] = []
        for band in scene.bands:
            try:
                if band is not None:
                    reader.probe(band)
                kept.append(band)
            except AssetError as error:
                gaps.append(f"{scene.item}/{band.asset.key if band else ''}: {error}")
                kept.append(None)
        sound.append(Scene(scene.item, scene.day, scene.footprint, tuple(kept)))
    return sound, gaps


def _lazy(
    scenes: Sequence[Scene], days: Days, bands: int, grid: GeoBox, reader: Reader, chunks: Mapping[str, int]
) -> da.Array:
    """A dask array of the same pixels, one task a block."""
    sizes = {"t": len(days), "y": grid.height, "x": grid.width}
    if unknown := set(chunks) - set(sizes):
        raise DrylandsError(f"chunks names {sorted(unknown)}; the dimensions to cut are t, y and x")
    parts = {dim: _parts(size, chunks.get(dim, size)) for dim, size in sizes.items()}

    def block(t: slice, y: slice, x: slice) -> da.Array:
        window, span = grid[y, x], days[t]
        chosen = [scene for scene in touching(scenes, window) if scene.day in span]
        task = delayed(_block, pure=False)(chosen, span, bands, window, reader)
        return cast(da.Array, da.from_delayed(task, (len(span), bands, *window.shape), dtype=np.float32))

    blocks = [[[[block(t, y, x) for x in parts["x"]] for y in parts["y"]]] for t in parts["t"]]
    return cast(da.Array, da.block(blocks))


def _block(scenes: Sequence[Scene], days: Days, bands: int, grid: GeoBox, reader: Reader) -> NDArray[np.float32]:
    return read_scenes(scenes, days, bands, grid, reader, "raise")[0]


def _parts(size: int, step: int) -> list[slice]:
    step = size if step == -1 else step
    return [slice(start, min(start + step, size)) for start in range(0, size, max(step, 1))]
