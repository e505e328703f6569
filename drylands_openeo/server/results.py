"""POST /result: a graph, computed while the client waits."""

import shutil
import uuid
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from drylands_openeo.server.calls import Answer, Call
from drylands_openeo.server.failures import ApiError
from drylands_openeo.server.requested import process_of
from drylands_openeo.server.worker import Task
from drylands_openeo.server.workers import Worker, failure_in

MEDIA = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".nc": "application/netcdf",
    ".json": "application/json",
    ".png": "image/png",
    ".zip": "application/zip",
}

BUSY_SECONDS = 60.0
"""How long a synchronous request waits for its turn."""


def compute(call: Call) -> Answer:
    """POST /result: the file; several files (one a date) come as a zip archive."""
    backend = call.backend
    process = process_of(call.body)
    folder = backend.scratch / uuid.uuid4().hex
    task = backend.task(process, folder, "result", max_pixels=backend.settings.max_pixels, pictures=False)
    if not backend.synchronous.acquire(timeout=BUSY_SECONDS):
        raise ApiError("InfrastructureBusy", "other synchronous requests are being computed; try again, or use a job")
    try:
        with backend.crew.at_work(task) as worker:
            files = _followed(worker, task, backend.settings.sync_seconds)
        path = files[0] if len(files) == 1 else _zipped(files, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        backend.synchronous.release()
    cleaned = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type=MEDIA[path.suffix], headers={"OpenEO-Costs": "0"}, background=cleaned)


def data_files(files: Iterable[dict[str, Any]]) -> list[str]:
    """The names of the files that hold the result itself, not pictures of it nor its metadata."""
    return [file["name"] for file in files if file["key"] != "item" and not file["key"].startswith("picture")]


def _followed(worker: Worker, task: Task, seconds: float) -> list[Path]:
    done: dict[str, Any] = {}
    for message in worker.messages(seconds=seconds):
        failure = failure_in(message)
        if failure is not None:
            raise failure
        done = message.get("done", done)
    return [task.folder / name for name in data_files(done["files"])]


def _zipped(files: list[Path], folder: Path) -> Path:
    path = folder / "result.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, file.name)
    return path
