"""What every writer asks of a band, and of the place it writes to."""

from pathlib import Path
from typing import Protocol

from drylands_openeo.errors import DrylandsError


class MapBand(Protocol):
    """A band of a map: a short name, a unit (UDUNITS; "1" if it has none), and a line that says what it is."""

    @property
    def name(self) -> str:
        """Short name, unique within the map."""

    @property
    def unit(self) -> str:
        """UDUNITS text."""

    @property
    def description(self) -> str:
        """One line for people."""


def checked_target(path: str | Path, *, suffix: str, overwrite: bool) -> Path:
    """The path, if a file may be written there: right suffix, an existing folder, nothing in the way."""
    path = Path(path)
    if path.suffix != suffix:
        raise DrylandsError(f"path {str(path)!r} does not end in {suffix}")
    if not path.parent.is_dir():
        raise DrylandsError(f"folder {str(path.parent)!r} of path {str(path)!r} does not exist; make it first")
    if path.exists() and not overwrite:
        raise DrylandsError(f"path {str(path)!r} exists; allow overwriting or name another file")
    return path
