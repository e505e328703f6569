"""What a run writes: maps as COG or netCDF, a picture, the item that says where they come from, or plain values."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import numpy as np
import pandas as pd
import pystac
from odc.geo.geobox import GeoBox

from drylands_openeo.area import Period
from drylands_openeo.engine import Layer
from drylands_openeo.engine.values import Cube, LabeledArray, Stack, dimension_labels
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import OutputBand
from drylands_openeo.write import MapWriter, SeriesWriter, provenance_item, quicklook, save_item, write_netcdf

FORMATS = ("GTiff", "netCDF")

LARGEST_NETCDF = 4 * 2**30
"""A netCDF result is gathered in memory before it is written [bytes]; as GTiff maps of any size are written."""

CYCLIC = ("phase", "peak_day")
"""Bands whose overviews must not be averaged."""


@dataclass(frozen=True)
class Output:
    """How a result is written: ``folder``/``name``.*; ``bands`` describe it where the graph's author did."""

    folder: Path
    name: str
    bands: Sequence[OutputBand] = ()
    format: str = "GTiff"
    picture: bool = True
    overwrite: bool = True

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise DrylandsError(f"format is {self.format!r}; it can be {' or '.join(FORMATS)}")

    def path(self, suffix: str) -> Path:
        """``folder``/``name`` with a suffix."""
        return self.folder / f"{self.name}{suffix}"

    def described(self, cube: Cube) -> tuple[OutputBand, ...]:
        """A description for each band of the result; a band that nobody described is its name."""
        known = {band.name: band for band in self.bands}
        names = [str(label) for label in dimension_labels(cube, "bands")]
        return tuple(known.get(name) or OutputBand(name, "1", name) for name in names)


@dataclass(frozen=True)
class Result:
    """What a run wrote, by what it is (map, 20200101, picture, item, values), and what it could not read."""

    files: Mapping[str, Path]
    gaps: tuple[str, ...] = ()


class MapSink(Protocol):
    """Takes a map window by window and makes files of it when its context ends well."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *error: Any) -> None: ...
    def write(self, tile: np.ndarray[Any, Any], row: int, column: int) -> None:
        """Put a tile with its upper left pixel at (row, column)."""


class _Gathered:
    """A netCDF file, written when all its windows are there."""

    def __init__(self, path: Path, grid: GeoBox, first: Cube, bands: Sequence[OutputBand], overwrite: bool) -> None:
        shape = (*first.shape[:-2], *grid.shape)
        if int(np.prod(shape)) * 4 > LARGEST_NETCDF:
            raise DrylandsError(f"a netCDF result of shape {shape} is too large to be gathered; take the format GTiff")
        self.path, self.grid, self.bands, self.overwrite = path, grid, bands, overwrite
        coords = {dim: first.coords[dim] for dim in first.dims[:-2] if dim in first.coords}
        self.cube = Cube(np.full(shape, np.nan, np.float32), dims=first.dims, coords=coords)

    def __enter__(self) -> Self:
        return self

    def write(self, tile: np.ndarray[Any, Any], row: int, column: int) -> None:
        rows, columns = tile.shape[-2:]
        self.cube.values[..., row : row + rows, column : column + columns] = tile

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            write_netcdf(self.cube, self.path, self.bands, grid=self.grid, overwrite=self.overwrite)


def sink_of(output: Output, grid: GeoBox, first: Cube, bands: Sequence[OutputBand]) -> tuple[MapSink, dict[str, Path]]:
    """The sink for a result like ``first`` ([t,] bands, y, x), and the files that it will have made."""
    if output.format == "netCDF":
        path = output.path(".nc")
        return _Gathered(path, grid, first, bands, output.overwrite), {"map": path}
    if "t" in first.dims:
        series = SeriesWriter(
            output.path(".tif"), grid, bands, pd.DatetimeIndex(first["t"].values), overwrite=output.overwrite
        )
        return series, {path.stem.removeprefix(f"{output.name}_"): path for path in series.paths}
    overviews: Literal["nearest"] | None = "nearest" if any(band.name.startswith(CYCLIC) for band in bands) else None
    path = output.path(".tif")
    return MapWriter(path, grid, bands, overviews=overviews, overwrite=output.overwrite), {"map": path}


def canonical(cube: Any) -> Cube:
    """([t,] bands, y, x), float32; a cube without bands has one."""
    if not isinstance(cube, Cube):
        raise DrylandsError(f"the graph's result on a tile is {type(cube).__name__}, not a cube")
    if "bands" not in cube.dims:
        cube = cube.drop_vars("bands", errors="ignore").expand_dims(bands=["value"])
    unknown = [str(dim) for dim in cube.dims if dim not in ("t", "bands", "y", "x")]
    if unknown:
        raise DrylandsError(f"the result has a dimension {unknown[0]!r}; what can be written is ([t,] bands, y, x)")
    ordered: Cube = cube.transpose(*(dim for dim in ("t", "bands", "y", "x") if dim in cube.dims))
    return ordered.astype(np.float32, copy=False)


def draw(output: Output, files: Mapping[str, Path], bands: Sequence[OutputBand]) -> dict[str, Path]:
    """One picture for each band of the first map; none of a netCDF file."""
    first = next(iter(files.values()))
    if not output.picture or first.suffix != ".tif":
        return {}
    return {
        f"picture-{band.name}": quicklook(
            output.path(f"_{band.name}.png"),
            first,
            band=number,
            title=f"{output.name}: {band.description}",
            overwrite=output.overwrite,
        )
        for number, band in enumerate(bands, start=1)
    }


def save_provenance(
    output: Output,
    files: Mapping[str, Path],
    *,
    grid: GeoBox,
    bands: Sequence[OutputBand],
    layers: Sequence[Layer],
    graph: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> Path:
    """The STAC item beside the files: graph, arguments, versions, and the items that were read."""
    item = provenance_item(
        output.name,
        files,
        grid=grid,
        bands=bands,
        period=_period(layers),
        graph=graph,
        parameters=arguments,
        sources=_items(layers),
    )
    return save_item(item, output.folder)


def write_values(output: Output, value: Any) -> Path:
    """A result without pixels, as JSON; NaN is null."""
    path = output.path(".json")
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(_plain(value), indent=2, allow_nan=False), "utf-8")
    return part.replace(path)


def _period(layers: Iterable[Layer]) -> Period:
    days = [day for layer in layers for day in layer.times]
    first, last = pd.Timestamp(min(days)), pd.Timestamp(max(days))
    return Period.of([first.to_pydatetime(), (last + pd.Timedelta(days=1)).to_pydatetime()])


def _items(layers: Iterable[Layer]) -> list[pystac.Item]:
    found = {item.id: item for layer in layers for item in getattr(layer, "items", ())}
    return [found[name] for name in sorted(found)]


def _plain(value: Any) -> Any:
    if isinstance(value, Cube):
        labels = {str(dim): _plain(list(dimension_labels(value, str(dim)))) for dim in value.dims}
        return {"dims": list(map(str, value.dims)), "labels": labels, "values": _plain(value.values.tolist())}
    if isinstance(value, Stack | LabeledArray):
        return _plain(list(value.values))
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not np.isfinite(value) else value
