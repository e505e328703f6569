"""A back-end of this project on a free loopback port, in a thread of the test, and stopped when the block ends."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openeo
import pytest
import servers
from layers import FormulaSource

PASSWORD = "a password of the tests"
COLLECTION = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "id": "formula",
    "description": "Arithmetic.",
    "license": "other",
    "extent": {"spatial": {"bbox": [[117.0, 42.4, 117.01, 42.5]]}, "temporal": {"interval": [["2020-01-01", None]]}},
    "links": [],
    "cube:dimensions": {
        "x": {"type": "spatial", "axis": "x", "extent": [117.0, 117.01]},
        "y": {"type": "spatial", "axis": "y", "extent": [42.4, 42.5]},
        "t": {"type": "temporal", "extent": ["2020-01-01", None]},
        "bands": {"type": "bands", "values": ["red", "nir"]},
    },
    "summaries": {"bands": [{"name": "red"}, {"name": "nir"}]},
}


@dataclass(frozen=True)
class Served:
    """Where the server is, and what is behind it."""

    url: str
    backend: object

    def connect(self) -> openeo.Connection:
        return openeo.connect(self.url).authenticate_basic("drylands", PASSWORD)


@contextmanager
def served(folder: Path, **settings) -> Iterator[Served]:
    uvicorn = pytest.importorskip("uvicorn")
    from drylands_openeo.server.app import create_app
    from drylands_openeo.server.backend import Backend
    from drylands_openeo.server.settings import Settings

    source = settings.pop("source", FormulaSource())
    collections = settings.pop("collections", [COLLECTION])
    backend = Backend(Settings(folder, password=PASSWORD, **settings), source, collections=collections)
    port = servers.free_port()
    config = uvicorn.Config(create_app(backend), port=port, log_level="warning", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + servers.PATIENCE
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        yield Served(f"http://127.0.0.1:{port}", backend)
    finally:
        server.should_exit = True
        thread.join(servers.PATIENCE)
        assert not thread.is_alive(), "the server did not end"


def wait(job, *states: str) -> str:
    """The state of a job when it is one of ``states``."""
    deadline = time.monotonic() + servers.PATIENCE
    while (status := job.status()) not in states:
        assert time.monotonic() < deadline, f"the job is still {status}"
        time.sleep(0.05)
    return status


@contextmanager
def command(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """`drylands serve` in a process of its own; gives (process, address)."""
    program = [sys.executable, "-c", "from drylands_openeo.cli import main; main()", "serve", "--port", "0"]
    environment = {**os.environ, "DRYLANDS_PASSWORD": PASSWORD, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*program, "--data-dir", str(folder), *options], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        first = process.stdout.readline()
        assert "openEO back-end at http://127.0.0.1:" in first
        yield process, first.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
