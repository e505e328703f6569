"""The other side of a job: one process, one graph, and what it has to say on the way, line by line as JSON."""

import contextlib
import io
import json
import logging
import multiprocessing
import os
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from drylands_openeo import local
from drylands_openeo.engine import Environment, Plan
from drylands_openeo.errors import DrylandsError, GraphError
from drylands_openeo.server.failures import failure_of

LONGEST = 20_000
"""Of one message [characters]."""

FLUSH = 1000
"""A print without a line end is told after this many characters."""


@dataclass(frozen=True)
class Task:
    """A graph and all that it needs: ``folder``/``name``.* is written; ``max_pixels`` as in Settings."""

    process: Mapping[str, Any]
    environment: Environment
    folder: Path
    name: str
    format: str
    max_pixels: int
    threads: int
    pictures: bool


class Voice:
    """What the worker tells the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def say(self, **message: Any) -> None:
        """Send one message."""
        with self._lock:
            self._connection.send_bytes(json.dumps(message, default=str).encode())

    def log(self, level: str, message: str, *, code: str | None = None, data: Any = None) -> None:
        """Send a log line."""
        self.say(log={"level": level, "message": message[:LONGEST], "code": code, "data": data})


def work(task: Task, connection: Connection) -> None:
    """Run the task; the last message is ``done`` or ``error``. Ends with the server, whatever happens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is for the server, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    voice, start = Voice(connection), time.monotonic()
    with _heard(voice):
        try:
            result = _run(task, voice)
        except Exception as error:
            if not isinstance(error, DrylandsError):
                voice.log("debug", "".join(traceback.format_exception(error)))
            failure = failure_of(error)
            voice.say(error={"code": failure.code, "message": failure.message})
            return
    for gap in result.gaps:
        voice.log("warning", f"gap: {gap}")
    voice.say(done={"files": _files(result), "usage": _usage(time.monotonic() - start)})


def _run(task: Task, voice: Voice) -> local.Result:
    output = local.Output(task.folder, task.name, format="netCDF" if task.format == "netCDF" else "GTiff")
    if not task.pictures:
        output = local.Output(task.folder, task.name, format=output.format, picture=False)

    def accept(plan: Plan) -> None:
        check_size(plan, task.max_pixels)
        if plan.grid is not None and task.format == "JSON":
            raise GraphError("a cube on the ground is written as GTiff or netCDF, not as JSON", code="FormatUnsuitable")
        voice.log("info", _described(plan))

    def progress(done: float, total: int) -> None:
        voice.say(progress=round(100 * done / max(1, total), 1))

    workers = local.Workers(task.threads)
    return local.run(task.process, task.environment, output, workers=workers, progress=progress, accept=accept)


def check_size(plan: Plan, limit: int) -> None:
    """Raise :class:`GraphError` where the result or a layer has more than ``limit`` pixels on the ground."""
    grids = [grid for grid in (plan.grid, *(layer.grid for layer in plan.layers())) if grid is not None]
    largest = max((int(grid.shape[0]) * int(grid.shape[1]) for grid in grids), default=0)
    if largest > limit:
        raise GraphError(
            f"the graph works on {largest} pixels; this server allows {limit} for such a request. "
            "Take a smaller area or coarser pixels, or a batch job for what is too large for a synchronous request",
            code="ProcessGraphComplexity",
        )


def _described(plan: Plan) -> str:
    if plan.grid is None:
        return "the result is no map: it is computed as a whole"
    rows, columns = plan.grid.shape
    layers = ", ".join(f"{len(layer.times)} dates x {len(layer.bands)} bands" for layer in plan.layers())
    return f"{rows} x {columns} pixels in {plan.grid.crs}, from {layers or 'no layer'}"


def _files(result: local.Result) -> list[dict[str, str]]:
    return [{"key": key, "name": path.name} for key, path in result.files.items()]


def _usage(seconds: float) -> dict[str, dict[str, Any]]:
    usage = {"duration": {"value": round(seconds, 3), "unit": "seconds"}}
    return usage | {"cpu": {"value": round(time.process_time(), 3), "unit": "cpu-seconds"}}


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def _heard(voice: Voice) -> Iterator[None]:
    """Prints, log lines (``openeo.udf.inspect`` among them) and our warnings become lines of the job's log."""
    handler = _Lines(voice)
    logging.getLogger("openeo.udf").setLevel(logging.DEBUG)
    logging.getLogger("drylands_openeo").setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    warnings.showwarning = handler.warned
    printed = _Prints(voice)
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        printed.finish()
        logging.getLogger().removeHandler(handler)


class _Lines(logging.Handler):
    """Log records as log lines."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(logging.DEBUG)
        self.voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        level = level if level in ("debug", "info", "warning") else "error"
        self.voice.log(
            level, record.getMessage(), code=getattr(record, "code", None), data=getattr(record, "data", None)
        )

    def warned(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if category.__module__.startswith("drylands_openeo"):
            self.voice.log("warning", str(message))


class _Prints(io.TextIOBase):
    """What is printed, as lines of level info."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self.begun = (self.begun + text).split("\n")
        for line in [*lines, *([self.begun] if len(self.begun) > FLUSH else [])]:
            if line.strip():
                self.voice.log("info", line)
        self.begun = "" if len(self.begun) > FLUSH else self.begun
        return len(text)

    def finish(self) -> None:
        """Tell what has no line end yet."""
        self.write("\n")
