"""Maps as Cloud-optimised GeoTIFFs, written window by window."""

import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window

from drylands_openeo.errors import DrylandsError
from drylands_openeo.write.bands import MapBand, checked_target

BLOCK = 512
CACHE = 128_000_000
"""GDAL's block cache [bytes] while a map is made; its own default is a twentieth of the machine."""

Merging = Literal["average", "mode", "nearest"]


class MapWriter:
    """A GeoTIFF of (bands, y, x) on an odc-geo GeoBox; a context manager.

    Windows may come in any order and from several threads; what is never written is no data. The windows gather in a
    plain tiled file in a hidden folder beside ``path``; when the context ends well, GDAL's COG driver (deflate,
    predictor, 512 blocks, overviews) makes the map of it and it takes its place in one step. When it ends badly,
    nothing is left. Memory is bounded by the window and by GDAL's block cache.

    ``overviews`` says how pixels are merged: "average" for quantities, "mode" for classes, "nearest" for what must
    neither be averaged nor counted (angles, days of the year). Default: "average" for floats, "mode" for integers.
    """

    def __init__(
        self,
        path: str | Path,
        grid: Any,
        bands: Sequence[MapBand],
        *,
        dtype: str = "float32",
        nodata: float | None = math.nan,
        overviews: Merging | None = None,
        tags: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = checked_target(path, suffix=".tif", overwrite=overwrite)
        self.grid = grid
        self.bands = _checked_bands(bands)
        self.dtype = np.dtype(dtype)
        self.nodata = _checked_nodata(nodata, self.dtype)
        self.overviews = overviews or ("average" if self.dtype.kind == "f" else "mode")
        self.tags = dict(tags or {})
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._workshop = Path(tempfile.mkdtemp(dir=self.path.parent, prefix=f".{self.path.name}-"))
        try:
            self._canvas = self._opened(self._workshop / "canvas.tif")
        except BaseException:
            self.discard()
            raise
        return self

    def write(self, tile: NDArray[Any], row: int, column: int) -> None:
        """Put a tile (bands, y, x) with its upper left pixel at (row, column)."""
        rows, columns = self.grid.shape
        if tile.ndim != 3 or tile.shape[0] != len(self.bands):
            raise DrylandsError(f"tile of shape {tile.shape} is not ({len(self.bands)} bands, y, x)")
        if row < 0 or column < 0 or row + tile.shape[1] > rows or column + tile.shape[2] > columns:
            raise DrylandsError(
                f"tile of shape {tile.shape} at row {row}, column {column} does not lie within ({rows}, {columns})"
            )
        window = Window(column, row, tile.shape[2], tile.shape[1])
        with self._lock, rasterio.Env(GDAL_CACHEMAX=CACHE):
            self._canvas.write(tile.astype(self.dtype, copy=False), window=window)

    def finish(self) -> None:
        """Turn the windows into a COG, still in the hidden folder."""
        self._canvas.close()
        self._shrink()
        # Level 1: float maps hardly shrink at higher levels (2 % at 6), which take twice as long.
        options = {"compress": "DEFLATE", "level": 1, "predictor": "YES", "blocksize": BLOCK, "bigtiff": "IF_SAFER"}
        canvas, finished = self._workshop / "canvas.tif", self._workshop / "map.tif"
        with rasterio.Env(GDAL_CACHEMAX=CACHE):
            rasterio.shutil.copy(
                canvas, finished, driver="COG", overviews="FORCE_USE_EXISTING", num_threads="2", **options
            )

    def publish(self) -> None:
        """Put the finished map in its place."""
        (self._workshop / "map.tif").replace(self.path)

    def discard(self) -> None:
        """Remove the hidden folder."""
        if hasattr(self, "_canvas"):
            self._canvas.close()
        shutil.rmtree(self._workshop, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
                self.publish()
        finally:
            self.discard()

    def _shrink(self) -> None:
        """Overviews of the plain file, down to one block: the COG driver's own pass takes three times as long."""
        depth = math.ceil(math.log2(max(self.grid.shape) / BLOCK))
        if depth < 1:
            return
        with rasterio.Env(GDAL_CACHEMAX=CACHE), rasterio.open(self._canvas.name, "r+") as canvas:
            canvas.build_overviews([2**power for power in range(1, depth + 1)], Resampling[self.overviews])

    def _opened(self, path: Path) -> Any:
        rows, columns = self.grid.shape
        place = {"crs": str(self.grid.crs), "transform": self.grid.affine, "nodata": self.nodata}
        form = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band"}
        canvas = rasterio.open(
            path, "w", driver="GTiff", height=rows, width=columns, count=len(self.bands), dtype=self.dtype,
            sparse_ok=True, bigtiff="IF_SAFER", **place, **form,
        )  # fmt: skip
        canvas.descriptions = tuple(band.name for band in self.bands)
        canvas.units = tuple(band.unit for band in self.bands)
        canvas.update_tags(**self.tags)
        for index, band in enumerate(self.bands, start=1):
            canvas.update_tags(index, long_name=band.description)
        return canvas


def _checked_bands(bands: Sequence[MapBand]) -> tuple[MapBand, ...]:
    names = [band.name for band in bands]
    if not names or len(set(names)) < len(names):
        raise DrylandsError(f"bands {names} are not a list of unique names")
    return tuple(bands)


def _checked_nodata(nodata: float | None, dtype: np.dtype[Any]) -> float | None:
    if nodata is not None and not rasterio.dtypes.in_dtype_range(nodata, dtype):
        raise DrylandsError(f"nodata {nodata} is not a value of dtype {dtype}; give one that is, or None")
    return nodata
