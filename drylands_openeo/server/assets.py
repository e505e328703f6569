"""/jobs/{job_id}/results: what a finished job has made, as a STAC item, and the files themselves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse

from drylands_openeo.server.auth import signed
from drylands_openeo.server.calls import Answer, Call, answer
from drylands_openeo.server.failures import ApiError
from drylands_openeo.server.jobs import job_of
from drylands_openeo.server.results import MEDIA
from drylands_openeo.server.store import Job

STAC_VERSION = "1.1.0"


def described(call: Call) -> Answer:
    """GET /jobs/{job_id}/results."""
    job = job_of(call)
    if job.status == "error":
        return answer(_why(call, job), status=424)
    if job.result is None:
        code = "JobNotStarted" if job.status in ("created", "canceled") else "JobNotFinished"
        raise ApiError(code, f"the job is {job.status}; it has no results yet")
    return answer(_item(call, job, job.result))


def download(call: Call) -> Answer:
    """GET /jobs/{job_id}/results/{file}: only a file that the job's worker named as its own."""
    job = job_of(call)
    name = next(
        (file["name"] for file in (job.result or {}).get("files", ()) if file["name"] == call.path["file"]), None
    )
    path = call.backend.results(job.id) / str(name)
    if name is None or not path.is_file():
        raise ApiError("NotFound", f"job {job.id} has no file {call.path['file']!r}")
    return FileResponse(path, media_type=MEDIA[path.suffix], filename=path.name)


def _item(call: Call, job: Job, result: Mapping[str, Any]) -> dict[str, Any]:
    """The item that the run wrote, with addresses that can be read from elsewhere."""
    folder = call.backend.results(job.id)
    found = {file["key"]: file["name"] for file in result["files"]}
    item = json.loads((folder / found["item"]).read_text("utf-8")) if "item" in found else _plain(job)
    assets = {key: _asset(call, job, folder / name, item["assets"].get(key)) for key, name in found.items()}
    assets.pop("item", None)
    properties = {**item["properties"], "updated": job.updated, "openeo:status": job.status}
    for key in ("title", "description"):
        if key in job.content:
            properties[key] = job.content[key]
    return {
        **item,
        "stac_version": STAC_VERSION,
        "id": job.id,
        "properties": properties,
        "assets": assets,
        "links": [*_links(call, job), *(link for link in item["links"] if link["rel"] == "derived_from")],
    }


def _plain(job: Job) -> dict[str, Any]:
    """The item of a result that is no map."""
    properties = {"datetime": job.updated, "created": job.updated}
    return {
        "type": "Feature",
        "stac_extensions": [],
        "geometry": None,
        "properties": properties,
        "assets": {},
        "links": [],
    }


def _asset(call: Call, job: Job, path: Path, written: Mapping[str, Any] | None) -> dict[str, Any]:
    href = call.link(signed(call.backend.store.secret, f"/jobs/{job.id}/results/{path.name}"))
    asset = dict(written or {"roles": ["data"]})
    return {**asset, "type": asset.get("type", MEDIA[path.suffix]), "title": path.name, "href": href}


def _links(call: Call, job: Job) -> list[dict[str, str]]:
    own = f"/jobs/{job.id}/results"
    open_to_all = call.link(signed(call.backend.store.secret, own))
    return [
        {"rel": "self", "href": call.link(own), "type": "application/geo+json"},
        {"rel": "canonical", "href": open_to_all, "type": "application/geo+json"},
    ]


def _why(call: Call, job: Job) -> dict[str, Any]:
    line = call.backend.store.last_error(job.id) or {"id": job.id, "message": "the job failed"}
    return {"id": line["id"], "code": line.get("code", "Internal"), "message": line["message"], "links": []}
