"""Which steps of an assessment are finished, so that one that was stopped goes on where it was.

A step is known by its fingerprint: a hash of the process graph and of everything that it reads. A step whose
fingerprint has changed, or whose files are gone, is done again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drylands_openeo.errors import DrylandsError


def fingerprint(*parts: Any) -> str:
    """SHA-256 of plain values.

    >>> fingerprint({"a": 1}, "b") == fingerprint({"a": 1}, "b") != fingerprint({"a": 2}, "b")
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


@dataclass
class Record:
    """The finished steps, in a JSON file that is replaced in one piece after every step."""

    path: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, path: Path) -> "Record":
        """The record of an earlier run, or an empty one."""
        if not path.is_file():
            return cls(path)
        try:
            return cls(path, dict(json.loads(path.read_text("utf-8"))))
        except ValueError as error:
            raise DrylandsError(f"record {str(path)!r} is damaged ({error}); delete it to begin anew") from error

    def step(self, name: str, mark: str, work: Callable[[], Mapping[str, Path]]) -> dict[str, Path]:
        """The files of a step, by what they are: those of an earlier run where nothing has changed, else made now."""
        if (known := self.steps.get(name)) is not None and known["fingerprint"] == mark:
            files = {key: self.path.parent / text for key, text in known["files"].items()}
            if all(path.is_file() for path in files.values()):
                if name not in (*self.done, *self.kept):
                    self.kept.append(name)
                return files
        made = dict(work())
        inside = {key: str(path.relative_to(self.path.parent)) for key, path in made.items()}
        self.steps[name] = {"fingerprint": mark, "files": inside}
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.steps, indent=2), "utf-8")
        part.replace(self.path)
        self.done.append(name)
        return made
