"""A library of one's own: from spectra in a table, and from polygons drawn on an image of pure cover."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom

from drylands_openeo.endmembers.library import Library
from drylands_openeo.endmembers.resample import Response, resample
from drylands_openeo.errors import SourceError

MOST = 1.5
"""Reflectance above this is a count that was not scaled."""


def from_spectrometer(table: Path | str, response: Response, *, citation: str = "", licence: str = "") -> Library:
    """Spectra of a CSV with columns class, name and one a wavelength [nm], in the bands of ``response``.

    Raises SourceError for a table without these columns, KernelInputError where the wavelengths do not cover a band.
    """
    lines = [line for line in _text(table).splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    if not rows or not {"class", "name"} <= rows[0].keys():
        raise SourceError(f"{table}: columns class, name and one a wavelength [nm], and a row, are needed")
    channels = [name for name in rows[0] if name not in ("class", "name")]
    try:
        wavelengths = [float(name) for name in channels]
        spectra = np.array([[float(row[name]) for name in channels] for row in rows])
    except (TypeError, ValueError) as error:
        raise SourceError(f"{table}: a wavelength or a value is not a number: {error}") from error
    values = resample(wavelengths, spectra, response)
    return _library(rows, tuple(map(str, response)), values, citation, licence)


def from_image(
    image: Path | str,
    polygons: Mapping[str, Any],
    *,
    key: str = "class",
    scale: float = 1.0,
    citation: str = "",
    licence: str = "",
) -> Library:
    """The mean spectrum of each polygon on an image whose bands are named (reflectance after ``scale``).

    ``polygons``: GeoJSON features, in degrees unless they name a crs; property ``key`` is the class, ``name`` the
    name. A pixel counts when its centre lies in the polygon and all its bands are valid.
    """
    features = list(polygons.get("features", ()))
    if not features:
        raise SourceError("polygons: a GeoJSON FeatureCollection with a feature is needed")
    try:
        source = rasterio.open(image)
    except RasterioIOError as error:
        raise SourceError(f"image {str(image)!r} cannot be read: {error}") from error
    with source:
        bands = tuple(name or "" for name in source.descriptions)
        if not all(bands):
            raise SourceError(f"image {str(image)!r}: its bands must be named (descriptions), by common name")
        pixels = source.read(masked=True).astype(np.float64).filled(np.nan) * scale
        rows, spectra = [], []
        for number, feature in enumerate(features, start=1):
            described = feature.get("properties") or {}
            if key not in described:
                raise SourceError(f"polygons: feature {number} has no property {key!r}, the class")
            name = str(described.get("name", f"polygon {number}"))
            rows.append({"class": str(described[key]), "name": name})
            spectra.append(_mean_spectrum(pixels, source, feature["geometry"], _crs_of(polygons), name))
    return _library(rows, bands, np.array(spectra), citation, licence)


def _mean_spectrum(pixels: np.ndarray, source: Any, geometry: Any, crs: str, name: str) -> np.ndarray:
    outline = transform_geom(crs, source.crs, geometry)
    inside = geometry_mask([outline], source.shape, source.transform, invert=True)
    chosen = pixels[:, inside]
    chosen = chosen[:, np.isfinite(chosen).all(axis=0)]
    if not chosen.shape[1]:
        raise SourceError(f"polygons: {name!r} holds no valid pixel of the image")
    return np.asarray(chosen.mean(axis=1))


def written(library: Library) -> str:
    """The library as the CSV text that ``read`` takes.

    >>> from .library import parse
    >>> print(written(parse("class,name,red,nir\\nnpv,acacia,0.05,0.4\\n", "mine.csv")), end="")
    class,name,red,nir
    npv,acacia,0.05,0.4
    """
    notes = {"citation": library.citation, "licence": library.licence}
    text = StringIO()
    text.writelines(f"# {name}: {note}\n" for name, note in notes.items() if note)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["class", "name", *library.bands])
    for cover, name, spectrum in zip(library.classes, library.names, library.spectra.tolist(), strict=True):
        writer.writerow([cover, name, *(float(f"{value:.6g}") for value in spectrum)])
    return text.getvalue()


def _library(
    rows: Sequence[Mapping[str, str]], bands: tuple[str, ...], spectra: np.ndarray, citation: str, licence: str
) -> Library:
    if not ((spectra >= 0) & (spectra <= MOST)).all():
        raise SourceError(f"reflectance 0..1 is needed, found {spectra.min():.4g} to {spectra.max():.4g}: scale it")
    spectra.flags.writeable = False
    empty = Library((), (), bands, spectra, citation, licence)
    return replace(empty, names=tuple(row["name"] for row in rows), classes=tuple(row["class"] for row in rows))


def _crs_of(polygons: Mapping[str, Any]) -> str:
    return str(polygons.get("crs", {}).get("properties", {}).get("name", "EPSG:4326"))


def _text(path: Path | str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise SourceError(f"path: {path} cannot be read: {error}") from error
