"""A job on its way: its state and progress, the lines of its log as they come, and its end."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import openeo
import requests
from openeo.rest import OpenEoApiPlainError

from drylands_openeo.errors import JobError
from drylands_openeo.jobs.failure import explained

AWAY = (429, 502, 503, 504)
"""Answers of a back-end that is not itself for a while."""

ACTIVE = ("created", "queued", "running")

State = Callable[[str, float | None], None]
"""Called with a job's state and its progress [%], where it is known."""
Line = Callable[[str], None]
"""Called with a line of a job's log."""


def unseen(status: str, progress: float | None) -> None:
    """No state shown."""


def unheard(line: str) -> None:
    """No line shown."""


@dataclass(frozen=True)
class Patience:
    """Seconds between two looks at a job, growing from ``first`` to ``longest``; how long nobody need answer."""

    first: float = 2.0
    longest: float = 30.0
    away: float = 900.0


def follow(
    job: openeo.BatchJob, *, state: State = unseen, line: Line = unheard, patience: Patience | None = None
) -> Mapping[str, Any]:
    """Wait until a job has finished; its description. Raises JobError, with the cause, where it failed.

    Warnings and errors of its log are handed to ``line`` as they come. A back-end that does not answer is waited for.
    """
    patience = patience or Patience()
    pause, seen, heard = patience.first, None, time.monotonic()
    while True:
        try:
            described = dict(job.describe())
            seen = _listen(job, seen, line)
            heard = time.monotonic()
        except (requests.RequestException, OpenEoApiPlainError) as error:
            if not is_away(error):
                raise JobError(f"job {job.job_id}: {error}") from error
            if time.monotonic() - heard > patience.away:
                raise JobError(
                    f"job {job.job_id} was sent, but its back-end has not answered for {patience.away / 60:.0f} minutes"
                ) from error
        else:
            state(described["status"], described.get("progress"))
            if described["status"] not in ACTIVE:
                break
        time.sleep(pause)
        pause = min(pause * 1.3, patience.longest)
    if described["status"] != "finished":
        raise JobError(cause_of(job, described["status"]))
    return described


def cause_of(job: openeo.BatchJob, status: str) -> str:
    """Why a job ended without a result, in one paragraph."""
    try:
        lines = list(job.logs(level=logging.ERROR))
    except (requests.RequestException, OpenEoApiPlainError) as error:
        lines = [{"message": f"its log cannot be read: {error}"}]
    return explained(job.job_id, status, lines)


def is_away(error: Exception) -> bool:
    """Whether it is the back-end that cannot be reached just now, and not the request that is wrong."""
    if isinstance(error, OpenEoApiPlainError):
        return error.http_status_code in AWAY
    return isinstance(error, requests.ConnectionError | requests.Timeout)


def _listen(job: openeo.BatchJob, seen: str | None, line: Line) -> str | None:
    """Hand on what is new in the log; the id of the last line."""
    for entry in job.logs(offset=seen, level=logging.WARNING):
        seen = str(entry["id"])
        line(f"{entry.get('level', 'info')}: {' '.join(str(entry.get('message', '')).split())}")
    return seen
