"""Worker processes, seen from the server: started, listened to, killed."""

import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from drylands_openeo.server.failures import ApiError
from drylands_openeo.server.worker import Task, work

_CONTEXT: Any = multiprocessing.get_context(
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)
"""A worker is forked from a process that has nothing but the libraries loaded: it starts at once, and clean."""

LARGEST = 2**20
"""Of one message [bytes]."""

_STARTING = Lock()


def prepare() -> None:
    """Start the process that workers are forked from; it loads the libraries while the server goes on."""
    if _CONTEXT.get_start_method() == "forkserver":
        # A worker also imports what the program's main module imports, so that is loaded beforehand, too.
        own = sorted(name for name in sys.modules if name.startswith("drylands_openeo."))
        _CONTEXT.set_forkserver_preload([work.__module__, *own])
        forkserver.ensure_running()


class Worker:
    """One process that works on one task; a :class:`Crew` starts it."""

    def __init__(self, task: Task) -> None:
        self._receiver, sender = _CONTEXT.Pipe(duplex=False)
        # Starting looks through all processes of this server; two threads must not do it at once.
        with _STARTING:
            self._process = _CONTEXT.Process(target=work, args=(task, sender), daemon=True)
            self._process.start()
        sender.close()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def messages(self, *, seconds: float | None = None) -> Iterator[dict[str, Any]]:
        """Everything that the worker says until it ends; the last is ``done`` or ``error``, whatever happens.

        Killed after ``seconds``, with RequestTimeout as its error.
        """
        last: dict[str, Any] = {}
        try:
            for last in _heard(self._receiver, None if seconds is None else time.monotonic() + seconds):
                yield last
        except TimeoutError:
            last = {"error": {"code": "RequestTimeout", "message": f"the request took more than {seconds:g} s"}}
            yield last
        if not {"done", "error"} & set(last):
            yield {"error": {"code": "Internal", "message": _died(self.end())}}

    def end(self) -> int | None:
        """Wait for its end; its exit code."""
        with _STARTING:
            self._process.join()
            code: int | None = self._process.exitcode
        return code


class Crew:
    """The workers that live; none outlives it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._living: set[Worker] = set()
        self._closed = False

    @contextmanager
    def at_work(self, task: Task) -> Iterator[Worker]:
        """A worker on a task, which is gone when the block ends."""
        with self._lock:
            if self._closed:
                raise ApiError("InfrastructureMaintenance", "the server is ending")
            worker = Worker(task)
            self._living.add(worker)
        try:
            yield worker
        finally:
            worker.kill()
            worker.end()
            with self._lock:
                self._living.discard(worker)

    def close(self) -> None:
        """Kill all; nothing starts any more."""
        with self._lock:
            self._closed = True
            for worker in self._living:
                worker.kill()


def failure_in(message: dict[str, Any]) -> ApiError | None:
    """The failure that a message tells, if any."""
    error = message.get("error")
    return None if error is None else ApiError(str(error["code"]), str(error["message"]))


def _heard(receiver: "Connection[Any, Any]", deadline: float | None) -> Iterator[dict[str, Any]]:
    while True:
        if deadline is not None and not receiver.poll(max(0.0, deadline - time.monotonic())):
            raise TimeoutError
        try:
            yield json.loads(receiver.recv_bytes(LARGEST))
        except (EOFError, OSError):
            return


def _died(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = "; the system does so when memory runs out" if name == "SIGKILL" else ""
        return f"the worker process was ended by {name}{hint}"
    return f"the worker process ended without a result (exit code {code})"
