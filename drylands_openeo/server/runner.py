"""Jobs on their way: queued, run in worker processes, followed into the store, cancelled."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from drylands_openeo.server.failures import ApiError, failure_of
from drylands_openeo.server.store import ACTIVE, LEVELS, Store
from drylands_openeo.server.worker import Task
from drylands_openeo.server.workers import Crew, Worker

MakeTask = Callable[[str, Mapping[str, Any]], Task]

IDLE = ("created", "finished", "error", "canceled")
"""States from which a job can be started."""


class Runner:
    """Runs ``parallel`` jobs at a time; the others wait in the order of their start."""

    def __init__(self, store: Store, crew: Crew, task: MakeTask, parallel: int) -> None:
        self._store, self._crew, self._task = store, crew, task
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="job")
        self._lock = Lock()
        self._workers: dict[str, Worker] = {}
        self._followed: dict[str, Future[None]] = {}
        self._closing = False
        for job_id in store.interrupted():
            _fail(store, job_id, ApiError("Internal", "the server ended before this job did; start the job again"))

    def close(self) -> None:
        """Listen to no worker any more; unfinished jobs stay as they are. The crew kills the workers."""
        self._closing = True
        self._crew.close()
        self._pool.shutdown(cancel_futures=True)

    def start(self, job_id: str) -> None:
        """Queue a job; nothing happens where it is queued or running."""
        self._finish(job_id)
        if self._store.move_job(job_id, IDLE, "queued"):
            self._followed[job_id] = self._pool.submit(self._follow, job_id)

    def cancel(self, job_id: str) -> None:
        """Stop a job that is queued or running, and wait until it has stopped."""
        if self._store.move_job(job_id, ACTIVE, "canceled"):
            with self._lock:
                worker = self._workers.get(job_id)
            if worker is not None:
                worker.kill()
            self._store.log(job_id, "info", "canceled by the user")
        self._finish(job_id)

    def _finish(self, job_id: str) -> None:
        """Wait for the thread of a job that is no longer active."""
        followed = self._followed.get(job_id)
        job = self._store.job(job_id)
        if followed is not None and (job is None or job.status not in ACTIVE) and not followed.cancel():
            followed.result()

    def _follow(self, job_id: str) -> None:
        if not self._store.move_job(job_id, ("queued",), "running"):
            return
        try:
            self._run(job_id)
        except Exception as error:
            if not self._closing:
                _fail(self._store, job_id, failure_of(error))

    def _run(self, job_id: str) -> None:
        job = self._store.job(job_id)
        if job is None:
            return
        task = self._task(job_id, job.content["process"])
        shutil.rmtree(task.folder, ignore_errors=True)
        lowest = LEVELS.index(job.content.get("log_level", "info"))
        with self._crew.at_work(task) as worker, self._known(job_id, worker):
            for message in worker.messages():
                self._note(job_id, message, lowest)

    @contextmanager
    def _known(self, job_id: str, worker: Worker) -> Iterator[None]:
        """The worker can be found by who cancels the job; one who did so before is heard now."""
        with self._lock:
            self._workers[job_id] = worker
        try:
            job = self._store.job(job_id)
            if job is None or job.status != "running":
                worker.kill()
            yield
        finally:
            with self._lock:
                del self._workers[job_id]

    def _note(self, job_id: str, message: Mapping[str, Any], lowest: int) -> None:
        if self._closing:
            return
        match message:
            case {"log": line}:
                if LEVELS.index(line["level"]) >= lowest:
                    self._store.log(job_id, line["level"], line["message"], code=line["code"], data=line["data"])
            case {"progress": percent}:
                self._store.set_progress(job_id, percent)
            case {"error": error}:
                _fail(self._store, job_id, ApiError(error["code"], error["message"]))
            case {"done": result}:
                self._store.move_job(job_id, ("running",), "finished", result=result)


def _fail(store: Store, job_id: str, failure: ApiError) -> None:
    # The line comes first: whoever sees the state asks for the line.
    job = store.job(job_id)
    if job is not None and job.status in ACTIVE:
        store.log(job_id, "error", failure.message, code=failure.code)
        store.move_job(job_id, ACTIVE, "error")
