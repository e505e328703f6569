"""Worker processes, seen from the server: started, listened to, killed."""

import json
import multiprocessing
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from drylands_openeo.server.failures import Failure
from drylands_openeo.server.worker import Task, work

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
"""A worker is forked from a process that has nothing but the libraries loaded: it starts at once, and clean."""

LARGEST = 2**20
"""Of one message [bytes]."""

_CONTEXT = multiprocessing.get_context(METHOD)
_STARTING = Lock()


def prepare() -> None:
    """Say what the process that workers are forked from is to load."""
    if METHOD == "forkserver":
        _CONTEXT.set_forkserver_preload([work.__module__])


class Worker:
    """One process that works on one task."""

    def __init__(self, task: Task) -> None:
        self._receiver, sender = _CONTEXT.Pipe(duplex=False)
        # Starting looks through all processes of this server; two threads must not do it at once.
        with _STARTING:
            self._process = _CONTEXT.Process(target=work, args=(task, sender), daemon=True)
            self._process.start()
        sender.close()

    @property
    def pid(self) -> int | None:
        """The process's id."""
        return self._process.pid

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
            self.kill()
            last = {"error": {"code": "RequestTimeout", "message": f"the request took more than {seconds:g} s"}}
            yield last
        code = self._end()
        if not {"done", "error"} & set(last):
            yield {"error": {"code": "Internal", "message": _died(code)}}

    def _end(self) -> int | None:
        with _STARTING:
            self._process.join()
            code: int | None = self._process.exitcode
            self._process.close()
        self._receiver.close()
        return code


def failure_in(message: dict[str, Any]) -> Failure | None:
    """The failure that a message tells, if any."""
    error = message.get("error")
    return None if error is None else Failure(str(error["code"]), str(error["message"]))


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
