"""Endmember libraries: small tables with their citation and licence."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from drylands_openeo.errors import SourceError

PUBLISHED = ("earthlib", "emit")
DESCRIPTION = ("sensor", "class", "name")


@dataclass(frozen=True)
class Library:
    """Reflectance 0..1 of named spectra: ``spectra`` (n, bands), each of a class such as pv, npv, bare.

    >>> emit = published("emit")
    >>> emit.classes, emit.bands[:3], float(emit.of("npv", ["red"])[0, 0])
    (('pv', 'npv', 'bare', 'bare', 'bare'), ('blue', 'green', 'red'), 0.2064)
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    bands: tuple[str, ...]
    spectra: np.ndarray
    citation: str
    licence: str

    def of(self, cover: str, bands: Sequence[str] | None = None) -> np.ndarray:
        """The spectra (n_i, bands) of a class, in the bands asked for; SourceError where either is not there."""
        wanted = tuple(self.bands if bands is None else bands)
        missing = sorted(set(wanted) - set(self.bands))
        if missing:
            raise SourceError(f"bands: {missing} are not in the library, which has {list(self.bands)}")
        rows = [index for index, name in enumerate(self.classes) if name == cover]
        if not rows:
            raise SourceError(f"class: {cover!r} is not in the library, which has {sorted(set(self.classes))}")
        return self.spectra[np.ix_(rows, [self.bands.index(name) for name in wanted])]

    def bundles(self, covers: Sequence[str], bands: Sequence[str] | None = None) -> list[list[list[float]]]:
        """The ``libraries`` that unmixing by bundles takes, as JSON has them: one list of spectra a class."""
        return [self.of(cover, bands).tolist() for cover in covers]


def published(name: str, sensor: str = "S2A") -> Library:
    """A library that comes with this package: "emit" (S2A, S2B, S2C) or "earthlib" (S2A)."""
    if name not in PUBLISHED:
        raise SourceError(f"library: {name!r} is not one of {list(PUBLISHED)}")
    text = (files("drylands_openeo.endmembers") / "data" / f"{name}.csv").read_text("utf-8")
    return parse(text, f"{name}.csv", sensor)


def all_published(sensor: str = "S2A") -> Library:
    """The spectra of every published library, as one.

    >>> len(all_published().names)
    9
    """
    return merged([published(name, sensor) for name in PUBLISHED])


def merged(libraries: Sequence[Library]) -> Library:
    """Several libraries with the same bands as one; SourceError where the bands differ."""
    first = libraries[0]
    for library in libraries[1:]:
        if library.bands != first.bands:
            raise SourceError(f"bands: {list(library.bands)} and {list(first.bands)} cannot stand in one library")
    spectra = np.concatenate([library.spectra for library in libraries])
    spectra.flags.writeable = False
    return Library(
        tuple(name for library in libraries for name in library.names),
        tuple(cover for library in libraries for cover in library.classes),
        first.bands,
        spectra,
        "; ".join(library.citation for library in libraries),
        "; ".join(library.licence for library in libraries),
    )


def read(path: Path | str, sensor: str | None = None) -> Library:
    """A library of one's own: a CSV file with columns class, name (sensor if it has several) and one a band.

    Lines ``# citation: ...`` and ``# licence: ...`` at the top are kept with it.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise SourceError(f"path: {path} cannot be read: {error}") from error
    return parse(text, str(path), sensor)


def parse(text: str, origin: str, sensor: str | None = None) -> Library:
    """The library that a CSV text holds.

    >>> parse("class,name,red,nir\\npv,acacia,0.05,0.4\\n", "mine.csv").spectra.tolist()
    [[0.05, 0.4]]
    """
    lines = text.splitlines()
    notes = dict(line[1:].strip().split(": ", 1) for line in lines if line.startswith("#") and ": " in line)
    table = list(csv.DictReader(line for line in lines if line.strip() and not line.startswith("#")))
    bands = tuple(name for name in table[0] if name not in DESCRIPTION) if table else ()
    if not bands or not {"class", "name"} <= table[0].keys():
        raise SourceError(f"{origin}: columns class, name and one a band, and a row, are needed")
    rows = [row for row in table if sensor is None or row.get("sensor", sensor) == sensor]
    if not rows:
        raise SourceError(f"{origin}: sensor {sensor!r} is not one of {sorted({row['sensor'] for row in table})}")
    try:
        spectra = np.array([[float(row[band]) for band in bands] for row in rows])
    except (TypeError, ValueError) as error:
        raise SourceError(f"{origin}: a value is not a number: {error}") from error
    if not ((spectra >= 0) & (spectra <= 1.5)).all():
        raise SourceError(f"{origin}: reflectance 0..1 is needed, found {np.nanmin(spectra)} to {np.nanmax(spectra)}")
    spectra.flags.writeable = False
    names, classes = (tuple(row[column] for row in rows) for column in ("name", "class"))
    return Library(names, classes, bands, spectra, notes.get("citation", ""), notes.get("licence", ""))
