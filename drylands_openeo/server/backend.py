"""The server's state: settings, source of pixels, store, and the jobs that run."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from drylands_openeo.engine import Environment, Program, Source
from drylands_openeo.namespaces import Namespaces
from drylands_openeo.server.auth import token
from drylands_openeo.server.collections import Collections, collections_of
from drylands_openeo.server.reach import Reach
from drylands_openeo.server.requested import asked_format
from drylands_openeo.server.runner import Runner
from drylands_openeo.server.settings import Settings
from drylands_openeo.server.store import Store
from drylands_openeo.server.worker import Task
from drylands_openeo.server.workers import Crew, prepare


class Backend:
    """Opened on a data folder, which it has to itself until it is closed.

    ``collections``: STAC collections to be listed; None: those of the source.
    """

    def __init__(
        self, settings: Settings, source: Source, *, collections: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        prepare()
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.settings, self.source = settings, source
        self.collections: Collections = collections_of(source, collections)
        self.store = Store(settings.data_dir / "drylands.sqlite")
        self.token = token(self.store.secret, settings.user, settings.password)
        self.synchronous = BoundedSemaphore(settings.parallel)
        self.crew = Crew()
        self.runner = Runner(self.store, self.crew, self.job_task, settings.parallel)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def close(self) -> None:
        """Kill what runs and let go of the data folder; unfinished jobs are marked when it is opened again."""
        self.runner.close()
        self.store.close()

    @property
    def scratch(self) -> Path:
        """Where files of synchronous requests lie until they are sent."""
        return self.settings.data_dir / "synchronous"

    def results(self, job_id: str) -> Path:
        """The folder of a job's results; ``job_id`` is that of a job in the store."""
        return self.settings.data_dir / "jobs" / job_id

    def environment(self) -> Environment:
        """What graphs may reach."""
        definitions = {name: Program.parse(content) for name, content in self.store.processes().items()}
        return Environment(
            Reach(self.source),
            definitions,
            Namespaces(self.settings.namespaces),
            self.settings.trusted,
            self.settings.trust_any,
        )

    def job_task(self, job_id: str, process: Mapping[str, Any]) -> Task:
        """The work of a job."""
        return self.task(process, self.results(job_id), job_id, max_pixels=self.settings.max_job_pixels, pictures=True)

    def task(self, process: Mapping[str, Any], folder: Path, name: str, *, max_pixels: int, pictures: bool) -> Task:
        """The work that a process graph asks for."""
        return Task(
            process,
            self.environment(),
            folder,
            name,
            asked_format(process),
            max_pixels,
            self.settings.threads,
            pictures,
        )
