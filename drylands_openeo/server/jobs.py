"""/jobs: batch jobs, from their creation to their results."""

import shutil
import uuid
from collections.abc import Mapping
from typing import Any

from drylands_openeo.engine import Program
from drylands_openeo.server.calls import Answer, Call, answer, empty
from drylands_openeo.server.failures import ApiError
from drylands_openeo.server.requested import asked_format, process_of
from drylands_openeo.server.store import ACTIVE, LEVELS, Job

GIVEN = ("title", "description", "process", "plan", "budget", "log_level")
"""What a user may say of a job."""

SHORT = ("id", "title", "description", "status", "progress", "created", "updated", "plan", "budget", "costs")

PAGE = 1000
"""Most log lines in one answer."""


def listed(call: Call) -> Answer:
    """GET /jobs."""
    limit = whole(call, "limit")
    found = call.backend.store.jobs(limit=limit, before=whole(call, "before"))
    texts = [{key: text[key] for key in SHORT if key in text} for text in (_text(job) for _, job in found)]
    links = []
    if limit is not None and len(found) == limit:
        href = call.link(f"/jobs?limit={limit}&before={found[-1][0]}")
        links = [{"rel": "next", "href": href, "type": "application/json"}]
    return answer({"jobs": texts, "links": links})


def create(call: Call) -> Answer:
    """POST /jobs."""
    content = _content(call.body, process_of(call.body))
    job_id = f"j-{uuid.uuid4().hex}"
    call.backend.store.add_job(job_id, content)
    return empty(201, {"Location": call.link(f"/jobs/{job_id}"), "OpenEO-Identifier": job_id})


def described(call: Call) -> Answer:
    """GET /jobs/{job_id}."""
    return answer(_text(job_of(call)))


def edit(call: Call) -> Answer:
    """PATCH /jobs/{job_id}."""
    job, body = job_of(call), call.body
    if job.status in ACTIVE:
        raise ApiError("JobLocked", f"the job is {job.status}; stop it first")
    if not isinstance(body, Mapping) or not body:
        raise ApiError("NoDataForUpdate", f"nothing to change was given; it can be {', '.join(GIVEN)}")
    fixed = [name for name in body if name not in GIVEN]
    if fixed:
        raise ApiError("PropertyNotEditable", f"property {fixed[0]!r} cannot be changed; it can be {', '.join(GIVEN)}")
    content = {**job.content, **body}
    call.backend.store.edit_job(job.id, _content(content, process_of(content)))
    return empty(204)


def delete(call: Call) -> Answer:
    """DELETE /jobs/{job_id}."""
    job, backend = job_of(call), call.backend
    backend.runner.cancel(job.id)
    backend.store.delete_job(job.id)
    shutil.rmtree(backend.results(job.id), ignore_errors=True)
    return empty(204)


def start(call: Call) -> Answer:
    """POST /jobs/{job_id}/results."""
    call.backend.runner.start(job_of(call).id)
    return empty(202)


def stop(call: Call) -> Answer:
    """DELETE /jobs/{job_id}/results."""
    call.backend.runner.cancel(job_of(call).id)
    return empty(204)


def logs(call: Call) -> Answer:
    """GET /jobs/{job_id}/logs."""
    job = job_of(call)
    lowest = call.query.get("level") or "debug"
    if lowest not in LEVELS:
        raise ApiError("ParameterInvalid", f"level is {lowest!r}; it can be {', '.join(LEVELS)}")
    limit = min(whole(call, "limit") or PAGE, PAGE)
    levels = LEVELS[LEVELS.index(lowest) :]
    lines = call.backend.store.logs(job.id, after=whole(call, "offset") or 0, levels=levels, limit=limit)
    links = []
    if len(lines) == limit:
        href = call.link(f"/jobs/{job.id}/logs?limit={limit}&level={lowest}&offset={lines[-1]['id']}")
        links = [{"rel": "next", "href": href, "type": "application/json"}]
    return answer({"level": lowest, "logs": lines, "links": links})


def job_of(call: Call) -> Job:
    """The job in the path, as the store knows it; nothing else is ever made of the path."""
    job = call.backend.store.job(call.path["job_id"])
    if job is None:
        raise ApiError("JobNotFound", f"there is no job {call.path['job_id']!r}")
    return job


def whole(call: Call, name: str) -> int | None:
    """A whole number in the query."""
    text = call.query.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > 2**62:
        raise ApiError("ParameterInvalid", f"{name} is {text!r}; give a whole number")
    return int(text)


def _content(body: Mapping[str, Any], process: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a user's job, checked as far as it can be without its data."""
    Program.parse(process)
    asked_format(process)
    content = {name: body[name] for name in GIVEN if body.get(name) is not None}
    for name in ("title", "description"):
        if not isinstance(content.get(name, ""), str):
            raise ApiError("ParameterInvalid", f"{name} is {content[name]!r}; give a text")
    content["log_level"] = str(content.get("log_level", "info")).lower()
    if content["log_level"] not in LEVELS:
        raise ApiError("ParameterInvalid", f"log_level is {content['log_level']!r}; it can be {', '.join(LEVELS)}")
    return content


def _text(job: Job) -> dict[str, Any]:
    state: dict[str, Any] = {"id": job.id, "status": job.status, "created": job.created, "updated": job.updated}
    if job.progress is not None and job.status != "created":
        state["progress"] = job.progress
    usage = {} if job.result is None else {"usage": job.result["usage"], "costs": 0}
    return {**job.content, **state, **usage}
