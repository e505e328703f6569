"""A large area: split, run on every back-end there is, put together; and taken up again after a kill."""

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import openeo
import requests
from openeo.rest import OpenEoApiPlainError

from drylands_openeo.errors import DrylandsError, JobError
from drylands_openeo.jobs.connection import Login, connect
from drylands_openeo.jobs.fleet import Care, Fleet
from drylands_openeo.jobs.follow import Line, unheard
from drylands_openeo.jobs.mosaic import mosaic
from drylands_openeo.jobs.request import Request
from drylands_openeo.jobs.results import job_of, save_job_item
from drylands_openeo.jobs.single import Done
from drylands_openeo.jobs.split import Split
from drylands_openeo.jobs.state import FINISHED, State, alone


def run_large(
    backends: Mapping[str, Login],
    request: Request,
    parts: Split,
    folder: Path,
    *,
    line: Line = unheard,
    care: Care | None = None,
) -> Done:
    """Run a request tile by tile and write one map of them, with its item, into ``folder``.

    ``backends``: address or name -> login. What has been done so far is in ``folder``/<name>.run; the same call takes
    it up again. Raises JobError for tiles that failed every time: the others are kept.
    """
    if request.format != "GTiff":
        raise DrylandsError(f"format is {request.format!r}; tiles are put together as GTiff")
    work = folder / f"{request.name}.run"
    with alone(work):
        _the_same(work, request, parts)
        state = State(work)
        state.begin(parts.tiles)
        asked = {tile.name: request.on(tile.extent(parts.crs, parts.margin), tile.name) for tile in parts.tiles}
        fleet = Fleet(state, asked, work / "tiles", line=line, care=care or Care())
        for name, login in backends.items():
            fleet.add(name, partial(_opened, name, login))
        fleet.run()
        _all_done(state, work)
        files = mosaic(request, parts, work / "tiles", folder)
        jobs = _jobs(state)
    item = save_job_item(request, folder, files, jobs)
    shutil.rmtree(work)
    return Done({**files, **({"item": item} if item else {})}, tuple(jobs))


def _opened(name: str, login: Login) -> openeo.Connection:
    """A connection, or the error that says that the back-end is silent."""
    try:
        return connect(name, login, patient=False)
    except DrylandsError as error:
        if isinstance(error.__cause__, requests.RequestException | OpenEoApiPlainError):
            raise error.__cause__ from error
        raise


def _the_same(work: Path, request: Request, parts: Split) -> None:
    """The folder's run is this one, or there is none yet; a DrylandsError for another."""
    plan = work / "request.json"
    text = f"{request.text}\n{parts}\n"
    if plan.exists() and plan.read_text("utf-8") != text:
        raise DrylandsError(
            f"{str(work)!r} holds an unfinished run of something else; finish that, delete it, or give another --out"
        )
    part = work / ".request.part"
    part.write_text(text, "utf-8")
    part.replace(plan)


def _all_done(state: State, work: Path) -> None:
    missing = [index for index in state.rows(*state.count_by_status()) if state.get(index, "status") != FINISHED]
    if missing:
        names = ", ".join(str(state.get(index, "tile")) for index in missing)
        raise JobError(
            f"{len(missing)} tiles failed ({names}), the others are kept in {str(work)!r}: run the same again to try "
            f"these once more. The last cause: {state.get(missing[-1], 'error')}"
        )


def _jobs(state: State) -> list[dict[str, Any]]:
    """The jobs whose results are in the map."""
    told = []
    for index in state.rows(FINISHED):
        row = {"id": state.get(index, "id"), "status": FINISHED, "costs": state.get(index, "costs") or None}
        job = job_of(state.get(index, "backend_name"), row)
        told.append({**job, "tile": state.get(index, "tile"), "created": state.get(index, "start_time")})
    return told
