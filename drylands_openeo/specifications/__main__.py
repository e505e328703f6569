"""Gather specification files into processes.json: ``python -m drylands_openeo.specifications FOLDER``.

FOLDER holds the files of the repository openeo-processes, one a process, as do its sub-folders ``proposals`` and
``missing-processes``; where a process stands in several, the file outermost counts.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEPT = (
    "id",
    "summary",
    "description",
    "categories",
    "experimental",
    "deprecated",
    "parameters",
    "returns",
    "exceptions",
)


def gathered(folder: Path) -> list[dict[str, Any]]:
    """The specifications of a folder, by id; examples and links are left out."""
    found = {text["id"]: {key: text[key] for key in KEPT if key in text} for text in _texts(folder)}
    return [found[name] for name in sorted(found)]


def _texts(folder: Path) -> Iterator[dict[str, Any]]:
    for part in ("missing-processes", "proposals", "."):
        for path in sorted((folder / part).glob("*.json")):
            text = json.loads(path.read_text("utf-8") or "{}")
            if isinstance(text, dict) and "parameters" in text:
                yield text


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m drylands_openeo.specifications FOLDER")
    rows = ",\n".join(
        json.dumps(text, ensure_ascii=False, separators=(",", ":")) for text in gathered(Path(sys.argv[1]))
    )
    Path(__file__).with_name("processes.json").write_text(f"[\n{rows}\n]\n", "utf-8")
