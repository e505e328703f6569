"""One job: sent, followed, fetched."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openeo
import requests
from openeo.rest import OpenEoApiPlainError, OpenEoClientException

from drylands_openeo.errors import JobError
from drylands_openeo.jobs.failure import hint_for
from drylands_openeo.jobs.follow import Line, Patience, State, follow, unheard, unseen
from drylands_openeo.jobs.request import Request
from drylands_openeo.jobs.results import fetch, job_of, save_job_item, sources_of


@dataclass(frozen=True)
class Done:
    """The files of a result by key (map, 20200101, item, values), and the jobs that made it."""

    files: Mapping[str, Path]
    jobs: tuple[Mapping[str, Any], ...]


def send(connection: openeo.Connection, request: Request) -> openeo.BatchJob:
    """Create a job, not started yet. Raises JobError where the back-end refuses it."""
    options = dict(request.options) if request.options else None
    try:
        return connection.create_job(request.saved, title=request.title, job_options=options, validate=False)
    except OpenEoApiPlainError as error:
        raise refused(error) from error


def _started(connection: openeo.Connection, request: Request) -> openeo.BatchJob:
    job = send(connection, request)
    job.start()
    return job


def refused(error: OpenEoApiPlainError) -> JobError:
    """Why a back-end does not take a job."""
    hint = hint_for(str(error))
    return JobError(f"the back-end refuses the job: {error}" + (f". Probably {hint}." if hint else ""))


def run_job(
    connection: openeo.Connection,
    request: Request,
    folder: Path,
    *,
    sent: str | None = None,
    state: State = unseen,
    line: Line = unheard,
    patience: Patience | None = None,
) -> Done:
    """Run a request as one job and write its files, with the item beside them, into ``folder``.

    ``sent``: the id of the job where an earlier, interrupted run has sent it; it is followed and fetched, not sent
    again. Files of an earlier run are replaced when everything is there. Raises JobError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        job = connection.job(sent) if sent else _started(connection, request)
        line(f"job {job.job_id} at {connection.root_url}; should this end, --job {job.job_id} goes on with it")
        described = follow(job, state=state, line=line, patience=patience)
        workshop = Path(tempfile.mkdtemp(dir=folder, prefix=f".{request.name}-"))
        try:
            fetched = fetch(job, workshop / "files", request.name)
            files = {key: path.replace(folder / path.name) for key, path in fetched.items()}
            sources = sources_of(job.get_results().get_metadata())
        finally:
            shutil.rmtree(workshop)
    except OpenEoApiPlainError as error:
        raise refused(error) from error
    except (requests.RequestException, OpenEoClientException) as error:
        raise JobError(f"back-end {connection.root_url}: {error}") from error
    told = job_of(connection.root_url, described)
    item = save_job_item(request, folder, files, [told], sources)
    return Done({**files, **({"item": item} if item else {})}, (told,))
