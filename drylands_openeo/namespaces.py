"""Processes that a graph takes from elsewhere: a JSON file behind an address, or in a folder that was opened for it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from drylands_openeo.errors import GraphError

LARGEST = 4 * 2**20
"""Of a definition [bytes]; a process that carries a UDF has some 100 kB."""

SECONDS = 20.0


@dataclass(frozen=True)
class Namespaces:
    """(process id, namespace) -> the definition, each read once. ``folder``: files that may be named; None: none."""

    folder: Path | None = None
    _read: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, process_id: str, namespace: str) -> Mapping[str, Any]:
        """The definition; raises :class:`GraphError` where it cannot be had."""
        if not isinstance(namespace, str):
            raise _unsupported(f"namespace {namespace!r} is not a text")
        if namespace not in self._read:
            self._read[namespace] = _json(self._text(namespace), namespace)
        content = self._read[namespace]
        listed = content.get("processes")
        if isinstance(listed, list):
            content = next((one for one in listed if isinstance(one, dict) and one.get("id") == process_id), None)
        if not isinstance(content, dict) or not isinstance(content.get("process_graph"), dict):
            raise _unsupported(f"namespace {namespace!r} defines no process {process_id!r} with a process graph")
        return content

    def _text(self, namespace: str) -> bytes:
        if namespace.startswith(("http://", "https://")):
            return _fetched(namespace)
        if self.folder is None:
            raise _unsupported(f"namespace {namespace!r} is not an http(s) address; no folder of processes is open")
        root = self.folder.resolve()
        path = (root / namespace).resolve()
        if not path.is_relative_to(root) or path.suffix != ".json" or not path.is_file():
            raise _unsupported(f"namespace {namespace!r} is no JSON file in the folder of processes")
        if path.stat().st_size > LARGEST:
            raise _unsupported(f"namespace {namespace!r} is larger than {LARGEST} bytes")
        return path.read_bytes()


def _fetched(url: str) -> bytes:
    deadline, content = time.monotonic() + SECONDS, b""
    try:
        with requests.get(url, stream=True, timeout=SECONDS / 2, headers={"Accept": "application/json"}) as answer:
            answer.raise_for_status()
            for piece in answer.iter_content(2**16):
                content += piece
                if len(content) > LARGEST or time.monotonic() > deadline:
                    raise _unsupported(f"namespace {url!r} is larger than {LARGEST} bytes or slower than {SECONDS:g} s")
    except requests.RequestException as error:
        raise _unsupported(f"namespace {url!r} cannot be read: {error}") from error
    return content


def _json(text: bytes, namespace: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unsupported(f"namespace {namespace!r} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise _unsupported(f"namespace {namespace!r} is not a JSON object")
    return content


def _unsupported(message: str) -> GraphError:
    return GraphError(message, code="ProcessUnsupported")
