"""A cube with time as one Cloud-optimised GeoTIFF a date."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from numpy.typing import NDArray

from drylands_openeo.errors import DrylandsError
from drylands_openeo.write.bands import MapBand
from drylands_openeo.write.cog import MapWriter


class SeriesWriter:
    """One COG a date from windows (t, bands, y, x): <stem>_YYYYMMDD.tif; a context manager.

    With two times on one day the names carry the time too. All maps appear together at the end, or none.
    """

    def __init__(
        self,
        path: str | Path,
        grid: Any,
        bands: Sequence[MapBand],
        times: pd.DatetimeIndex,
        *,
        tags: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.paths = dated_paths(Path(path), times)
        self.writers = [MapWriter(one, grid, bands, tags=tags, overwrite=overwrite) for one in self.paths]

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for writer in self.writers:
                opened.enter_context(writer)
            opened.pop_all()
        return self

    def write(self, tile: NDArray[Any], row: int, column: int) -> None:
        """Put a tile (t, bands, y, x) with its upper left pixel at (row, column)."""
        if tile.ndim != 4 or tile.shape[0] != len(self.writers):
            raise DrylandsError(f"tile of shape {tile.shape} is not ({len(self.writers)} times, bands, y, x)")
        for writer, image in zip(self.writers, tile, strict=True):
            writer.write(image, row, column)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for writer in self.writers:
                    writer.finish()
                for writer in self.writers:
                    writer.publish()
        finally:
            for writer in self.writers:
                writer.discard()


def dated_paths(path: Path, times: pd.DatetimeIndex) -> list[Path]:
    """A path for each time, in their order.

    >>> [path.name for path in dated_paths(Path("ndvi.tif"), pd.DatetimeIndex(["2020-05-01", "2020-05-06"]))]
    ['ndvi_20200501.tif', 'ndvi_20200506.tif']
    """
    form = "%Y%m%d" if times.normalize().is_unique else "%Y%m%dT%H%M%S"
    stamps = times.strftime(form)
    if times.empty or not stamps.is_unique:
        raise DrylandsError(f"times {list(stamps)} are empty or not unique to the second")
    return [path.with_name(f"{path.stem}_{stamp}{path.suffix}") for stamp in stamps]
