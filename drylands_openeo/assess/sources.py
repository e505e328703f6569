"""The sources of an assessment, each under its role, and what tells whether one of them has changed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drylands_openeo import local
from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Source
from drylands_openeo.errors import SourceError
from drylands_openeo.local.sources import ByRole
from drylands_openeo.profiles import CLIMATE


def opened(tables: Mapping[str, Mapping[str, Any]]) -> ByRole:
    """The sources that the settings name: a climate in any units, cubes whose bands are called as the role wants."""
    return ByRole({role: _source(role, table) for role, table in tables.items()})


def stamp(table: Mapping[str, Any]) -> str:
    """What changes when the source does: for files their size and time, for a catalogue its settings."""
    found: dict[str, Any] = {name: str(value) for name, value in sorted(table.items())}
    for path in _files(table):
        state = path.stat()
        found[str(path)] = [state.st_size, state.st_mtime_ns]
    return json.dumps(found, sort_keys=True)


def _source(role: str, table: Mapping[str, Any]) -> Source:
    if "cube" in table and role != CLIMATE:
        if not Path(table["cube"]).is_file():
            raise SourceError(f"[sources.{role}]: cube file {str(table['cube'])!r} does not exist")
        return CubeFile(Path(table["cube"]), table.get("scale"))
    try:
        return local.source_of(**table)
    except TypeError as error:
        raise SourceError(f"[sources.{role}]: {error}") from error


def _files(table: Mapping[str, Any]) -> list[Path]:
    path = Path(str(table.get("cube", table.get("source", ""))))
    if path.is_dir():
        return sorted(entry for entry in path.rglob("*") if entry.is_file())
    return [path] if path.is_file() else []
