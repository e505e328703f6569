"""What a user names as the source of pixels, as the engine's source."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drylands_openeo.climate import CLIMATE, ClimateCatalogue, ClimateFile, is_climate
from drylands_openeo.cubefile import CubeFile, is_optical
from drylands_openeo.engine import Extent, Layer, Source
from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.stac import StacSource
from drylands_openeo.stac.sources import ROLES

COLLECTIONS = "/collections/"

FILES = (".nc", ".nc4", ".h5", ".zarr")
"""Endings of files of cubes; any other name is that of a STAC source."""


@dataclass(frozen=True)
class Catalogue:
    """A STAC catalogue or API; ``units``: climate asset -> a unit that the caller vouches for."""

    stac: StacSource
    units: Mapping[str, str] = field(default_factory=dict)

    def collection(self, collection: str, extent: Extent) -> Layer:
        """A collection of the catalogue, by role or by id; a climate in its units and months."""
        if collection in ROLES[CLIMATE]:
            return ClimateCatalogue(self.stac, self.units).layer(collection, extent)
        return _layer(self.stac, collection, extent)

    def stac_at(self, url: str, extent: Extent) -> Layer:
        """What a ``load_stac`` address means: a collection of an API, or a catalogue of one collection."""
        root, mark, collection = url.rstrip("/").partition(COLLECTIONS)
        return _layer(replace(self.stac, source=root if mark else url), collection or Path(url).stem, extent)


@dataclass(frozen=True)
class ByRole:
    """Sources by role, and ``other`` for what has none of its own."""

    sources: Mapping[str, Source]
    other: Source | None = None

    def collection(self, collection: str, extent: Extent) -> Layer:
        """The collection, from the source that is for its role."""
        return self._of(collection).collection(collection, extent)

    def stac_at(self, url: str, extent: Extent) -> Layer:
        """What is at an address, or of the role that stands in the place of one."""
        return self._of(url).stac_at(url, extent)

    def added(self, role: str, source: Source) -> "ByRole":
        """With one more."""
        return replace(self, sources={**self.sources, role: source})

    def _of(self, name: str) -> Source:
        role = next((role for role in self.sources if name == role or name in ROLES.get(role, ())), None)
        found = self.other if role is None else self.sources[role]
        if found is None:
            raise SourceError(f"there is no source for {name!r}; there is one for {', '.join(self.sources)}")
        return found


def source_of(
    *,
    cube: Path | None = None,
    scale: float | None = None,
    units: Mapping[str, str] | None = None,
    inputs: Mapping[str, str | Path] | None = None,
    lasting: bool = False,
    **stac: Any,
) -> Source:
    """A cube file, a STAC source with the settings of :class:`StacSource` (``source`` first of all), or both.

    A cube file is taken for what it holds: a climate, or images of Sentinel-2. With both, the file serves its own
    role and the STAC source all others; images and a STAC source together are a mistake. ``inputs``: role -> a file or
    a STAC source for that role alone. ``lasting``: the source outlives a run (a server's), so it asks the catalogue
    each time; else it asks once for the same items.
    """
    if inputs:
        by_role = {role: role_source(role, where, units=units) for role, where in inputs.items()}
        several = cube is not None or stac.get("source")
        rest = source_of(cube=cube, scale=scale, units=units, lasting=lasting, **stac) if several else None
        return ByRole(by_role, rest)
    memory: dict[Any, Any] | None = None if lasting else {}
    catalogue = Catalogue(StacSource(**stac, memory=memory), dict(units or {})) if stac.get("source") else None
    if cube is None and catalogue is None:
        raise DrylandsError("no source: give a STAC API, a known name, a catalogue, or a cube file")
    if cube is None and catalogue is not None:
        return catalogue
    assert cube is not None
    file = file_source(cube, scale=scale, units=units)
    if catalogue is None:
        return file
    if isinstance(file, CubeFile):
        raise DrylandsError(f"{str(cube)!r} holds images: give it or a STAC source, not both")
    return ByRole({CLIMATE: file}, catalogue)


def role_source(role: str, where: str | Path, *, units: Mapping[str, str] | None = None) -> Source:
    """The source of one role: a climate file, a cube whose bands are called as the role wants, or a STAC source."""
    path = Path(where)
    if path.is_dir() or path.suffix in FILES:
        return file_source(path, units=units) if role == CLIMATE else CubeFile(_existing(path))
    return Catalogue(StacSource(str(where), memory={}), dict(units or {}))


def file_source(
    path: Path, *, scale: float | None = None, units: Mapping[str, str] | None = None
) -> CubeFile | ClimateFile:
    """The source that a file's content calls for: variables of a climate, or bands of Sentinel-2."""
    path = _existing(Path(path))
    if path.is_dir() or is_climate(path):
        if scale is not None:
            raise DrylandsError(f"{str(path)!r} holds a climate, which has no reflectance for a scale of {scale:g}")
        return ClimateFile(path, dict(units or {}))
    if units:
        raise DrylandsError(f"{str(path)!r} holds images, whose units are not for the caller to say: {dict(units)}")
    if not is_optical(path):
        raise SourceError(
            f"cube file {str(path)!r} holds neither bands of Sentinel-2 nor a climate (precipitation, temperature)"
        )
    return CubeFile(path, scale)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise SourceError(f"cube file {str(path)!r} does not exist")
    return path


def _layer(stac: StacSource, collection: str, extent: Extent) -> Layer:
    if extent.spatial is None:
        raise DrylandsError(f"collection {collection!r} is loaded without spatial_extent; give an area")
    return stac.layer(
        collection,
        spatial_extent=extent.spatial,
        temporal_extent=extent.temporal,
        bands=extent.bands,
        properties=extent.properties,
    )
