"""The tiles of a large area on one or several back-ends at once, some of which may fall silent."""

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import openeo
import pandas as pd
import requests
from openeo.extra.job_management import MultiBackendJobManager
from openeo.rest import OpenEoApiPlainError, OpenEoClientException

from drylands_openeo.errors import JobError
from drylands_openeo.jobs.failure import LIMITS
from drylands_openeo.jobs.follow import ACTIVE, Line, cause_of, is_away
from drylands_openeo.jobs.request import Request
from drylands_openeo.jobs.results import fetch
from drylands_openeo.jobs.single import send
from drylands_openeo.jobs.state import FAILED, WAITING, AtBackend, State

Open = Callable[[], openeo.Connection]
"""Makes a connection; raises where the back-end does not answer."""

GONE = (404, 410)

TROUBLE = (requests.RequestException, OpenEoApiPlainError, OpenEoClientException)
"""What a request can end in."""


@dataclass(frozen=True)
class Care:
    """How a large run is looked after.

    ``parallel``: jobs at one time at each back-end (two are what CDSE allows a free account). ``attempts`` at a tile.
    ``poll``: seconds between two looks. ``patience``: seconds after which the tiles of a silent back-end go to others.
    """

    parallel: int = 2
    attempts: int = 3
    poll: float = 10.0
    patience: float = 1800.0


class Started(NamedTuple):
    """A job that is on its way, as the job manager asks for it."""

    job_id: str

    def status(self) -> str:
        """It is not `created` any more, whatever the back-end still says: nobody need start it again."""
        return "queued"


class Fleet(MultiBackendJobManager):  # type: ignore[misc]
    """Runs the waiting rows of a state; each result lies in ``folder``/<tile> when its row is finished.

    A job is written into the state before it is started, so that a run that was killed finds it again. A back-end that
    does not answer gets no further tiles; when patience ends, its unfinished ones go to the others, and it is told to
    stop them if it comes back.
    """

    def __init__(self, state: State, asked: Mapping[str, Request], folder: Path, *, line: Line, care: Care) -> None:
        super().__init__(poll_sleep=care.poll, root_dir=folder, download_results=False)
        # The manager's own messages stay away from the user: what matters is told by `line`.
        logging.getLogger("openeo.extra.job_management").setLevel(logging.CRITICAL)
        self._state, self._requests, self._folder, self._line, self._care = state, asked, folder, line, care
        self._silent: dict[str, float] = {}
        self._all: dict[str, Any] = {}

    def add(self, name: str, connection: Open) -> None:
        """A back-end."""
        self.add_backend(name, connection, parallel_jobs=self._care.parallel)
        self._all = dict(self.backends)

    def run(self) -> None:
        """Until every row is finished or has failed."""
        for index in self._state.rows("finished"):
            if not self._place(index).is_dir():
                self._state.set(index, status="running")  # its files are still to be fetched
        self.run_jobs(start_job=self._start, job_db=self._state)

    @staticmethod
    def _make_resilient(connection: openeo.Connection) -> None:
        """No retries inside a request: fifty of them, as the manager has it, would block the other back-ends."""

    def _track_statuses(self, job_db: State, stats: Any) -> tuple[list[Any], list[Any], list[Any]]:
        """As the manager does, back-end by back-end, so that one that is silent hides no other."""
        ended: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        self.backends = dict(self._all)
        for name in self._all:
            try:
                self._greet(name)
                self._wake(name)
                errors = stats["job tracking error"]
                found = super()._track_statuses(AtBackend(job_db, name), stats=stats)
                if stats["job tracking error"] > errors:
                    self._miss(name)
            except TROUBLE as error:
                self._fell_silent(name, error)
            else:
                for every, some in zip(ended, found, strict=True):
                    every.extend(some)
        for name in self._silent:
            self.backends[name] = self._all[name]._replace(parallel_jobs=0)  # no further tiles for the time being
        if len(self._silent) == len(self._all) and min(map(self._silence, self._silent)) > self._care.patience:
            raise JobError("no back-end answers any more; run the same again later, it goes on where it is now")
        return ended

    def on_job_done(self, job: openeo.BatchJob, row: pd.Series) -> None:
        """Fetch the result; where that fails, the tile is looked at again."""
        index, tile = _index(row), str(row["tile"])
        try:
            shutil.rmtree(self._place(index), ignore_errors=True)
            fetch(job, self._place(index), self._requests[tile].name)
            self._line(f"{tile}: finished at {row['backend_name']}")
        except (*TROUBLE, JobError) as error:
            if isinstance(error, requests.RequestException) or is_away(error):
                self._line(f"{tile}: cannot be fetched yet: {_short(error)}")
                self._state.set(index, status="running")
            else:
                self._failed(index, str(error))

    def on_job_error(self, job: openeo.BatchJob, row: pd.Series) -> None:
        """Try again, or give the tile up."""
        self._failed(_index(row), cause_of(job, "error"))

    def on_job_cancel(self, job: openeo.BatchJob, row: pd.Series) -> None:
        """Whoever cancelled it wanted it to end."""
        self._state.set(_index(row), error=cause_of(job, "canceled"))

    def _start(self, *, row: pd.Series, connection: openeo.Connection, provider: str, **_: Any) -> Started | None:
        """Create a job, note it, start it: in this order."""
        index, tile = _index(row), str(row["tile"])
        try:
            job = send(connection, self._requests[tile])
            self._state.set(index, id=job.job_id, backend_name=provider, status="created")
            job.start()
        except (OpenEoApiPlainError, JobError) as error:
            cause = error.__cause__ if isinstance(error, JobError) else error
            if isinstance(cause, OpenEoApiPlainError) and (is_away(cause) or getattr(cause, "code", "") in LIMITS):
                self._line(f"{tile}: not now, says {provider}: {_short(cause)}")
                self._state.set(index, id="", backend_name="", status=WAITING)
            else:
                self._failed(index, str(error))
        except requests.RequestException as error:
            self._fell_silent(provider, error)
        else:
            return Started(job.job_id)
        return None

    def _failed(self, index: int, error: str) -> None:
        attempts = int(self._state.get(index, "attempts")) + 1
        again = attempts < self._care.attempts
        self._line(f"{self._state.get(index, 'tile')}: {error}" + (" It is tried again." if again else ""))
        self._state.set(index, attempts=attempts, error=error, status=WAITING if again else FAILED)

    def _greet(self, name: str) -> None:
        """A request that costs nothing; a back-end that was silent is heard again."""
        self._get_connection(name).get("/", expected_status=200)
        if self._silent.pop(name, None) is not None:
            self._line(f"{name} answers again")

    def _wake(self, name: str) -> None:
        """Start what was created but not started, and stop what went elsewhere, when the back-end was last seen."""
        connection = self._get_connection(name)
        for index in self._state.of(name, "created"):
            job = connection.job(self._state.get(index, "id"))
            if _status(job) == "created":
                job.start()
            self._state.set(index, status="queued")
        for index in self._state.rows(*self._state.count_by_status()):
            kept = [entry for entry in self._state.get(index, "abandoned").split(";") if entry]
            for entry in [entry for entry in kept if entry.startswith(f"{name} ")]:
                job = connection.job(entry.split(" ")[1])
                if _status(job) in ACTIVE:
                    job.stop()
                kept.remove(entry)
                self._state.set(index, abandoned=";".join(kept))

    def _miss(self, name: str) -> None:
        """Jobs that the back-end knows no more have failed."""
        for index in self._state.of(name, *ACTIVE):
            job = self._get_connection(name).job(self._state.get(index, "id"))
            if _status(job) is None:
                self._failed(index, f"{name} knows no job {job.job_id} any more.")

    def _fell_silent(self, name: str, error: Exception) -> None:
        if name not in self._silent:
            self._silent[name] = time.monotonic()
            self._line(f"{name} does not answer: {_short(error)}")
        if self._silence(name) < self._care.patience:
            return
        for index in self._state.of(name, *ACTIVE):
            entry = f"{name} {self._state.get(index, 'id')}"
            abandoned = ";".join(filter(None, [self._state.get(index, "abandoned"), entry]))
            self._state.set(index, status=WAITING, id="", backend_name="", abandoned=abandoned)
            self._line(f"{self._state.get(index, 'tile')}: goes to another back-end")

    def _silence(self, name: str) -> float:
        return time.monotonic() - self._silent[name]

    def _place(self, index: int) -> Path:
        return self._folder / str(self._state.get(index, "tile"))


def _status(job: openeo.BatchJob) -> str | None:
    """The state of a job; None where there is no such job."""
    try:
        return str(job.status())
    except OpenEoApiPlainError as error:
        if error.http_status_code in GONE:
            return None
        raise


def _index(row: pd.Series) -> int:
    return int(str(row.name))


def _short(error: Exception) -> str:
    """The beginning of an error: those of lost connections are long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else f"{text[:160]}..."
