"""Real servers on free loopback ports, stopped when the block ends."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent
PATIENCE = 60
"""Seconds until a server that does not answer is given up."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def files(folder: Path, *, busy: int = 0) -> Iterator[str]:
    """A folder over HTTP with range requests; gives its address. The first ``busy`` requests are answered 503."""
    uvicorn = pytest.importorskip("uvicorn")
    starlette = pytest.importorskip("starlette.applications")
    staticfiles = pytest.importorskip("starlette.staticfiles")
    port, left = free_port(), [busy]
    served = starlette.Starlette()
    served.mount("/", staticfiles.StaticFiles(directory=folder))

    async def app(scope: dict, receive: Callable, send: Callable) -> None:
        left[0] -= 1
        if left[0] >= 0:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await served(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started, "the file server")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def rustac(items: Path) -> Iterator[str]:
    """`rustac serve`: search by place and time; it answers nothing to any filter."""
    program = SCRIPTS / "rustac"
    if not program.exists():
        pytest.skip("rustac is not installed")
    address = f"127.0.0.1:{free_port()}"
    with _running([str(program), "serve", str(items), "--create-collections", "-a", address]):
        wait_for(lambda: answers(f"http://{address}/"), "rustac")
        yield f"http://{address}/"


@contextmanager
def pgstac(collections: Sequence[dict], items: Sequence[dict], folder: Path) -> Iterator[str]:
    """stac-fastapi-pgstac on a PostgreSQL of its own; skips where PostgreSQL or PostGIS are not there."""
    program = _postgres_programs()
    for name in ("pypgstac", "uvicorn"):
        if not (SCRIPTS / name).exists():
            pytest.skip(f"{name} is not installed")
    with ExitStack() as stack:
        database = stack.enter_context(_postgres(program, folder))
        environment = {**os.environ, **database}
        for kind, documents in (("collections", collections), ("items", items)):
            (folder / f"{kind}.ndjson").write_text("\n".join(map(json.dumps, documents)))
        _call([str(SCRIPTS / "pypgstac"), "migrate"], environment)
        for kind in ("collections", "items"):
            path = str(folder / f"{kind}.ndjson")
            _call([str(SCRIPTS / "pypgstac"), "load", kind, path, "--method", "upsert"], environment)
        port = free_port()
        app = "stac_fastapi.pgstac.app:create_app"
        command = [str(SCRIPTS / "uvicorn"), app, "--factory", "--host", "127.0.0.1", "--port", str(port)]
        stack.enter_context(_running([*command, "--log-level", "error"], environment))
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/"), "stac-fastapi-pgstac")
        yield f"http://127.0.0.1:{port}/"


def _postgres_programs() -> Path:
    """The folder with initdb and pg_ctl, of an installation that has PostGIS."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if config := shutil.which("pg_config"):
        folders.append(Path(subprocess.check_output([config, "--bindir"], text=True).strip()))
    folders = [folder for folder in folders if (folder / "initdb").exists()]
    if not folders:
        pytest.skip("no PostgreSQL server (install postgresql and postgresql-NN-postgis-3)")
    for folder in folders:
        shared = subprocess.check_output([str(folder / "pg_config"), "--sharedir"], text=True).strip()
        if (Path(shared) / "extension" / "postgis.control").exists():
            return folder
    pytest.skip("PostgreSQL has no PostGIS (install postgresql-NN-postgis-3)")


@contextmanager
def _postgres(program: Path, folder: Path) -> Iterator[dict[str, str]]:
    """A PostgreSQL server with an empty database; gives the environment by which clients find it."""
    # PostgreSQL refuses to run as root, and its user must be able to reach the folder.
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    home = Path(f"/tmp/drylands-pg-{free_port()}") if user else folder
    home.mkdir(exist_ok=True)
    if user:
        shutil.chown(home, "postgres", "postgres")
    port, data = free_port(), home / "data"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
    control = [str(program / "pg_ctl"), "-D", str(data)]
    try:
        _call([str(program / "initdb"), "-D", str(data), "-A", "trust", "-U", "pg"], cwd=home, **user)
        _call([*control, "-o", options, "-l", str(home / "log"), "-w", "start"], cwd=home, **user)
        try:
            psql = [str(program / "psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "pg", "-d", "postgres"]
            _call([*psql, "-c", "create database stac"])
            yield {
                "PGHOST": "127.0.0.1",
                "PGPORT": str(port),
                "PGUSER": "pg",
                "PGPASSWORD": "trusted",
                "PGDATABASE": "stac",
            }
        finally:
            _call([*control, "-m", "immediate", "-w", "stop"], cwd=home, **user)
    finally:
        if user:
            shutil.rmtree(home, ignore_errors=True)


def _call(command: Sequence[str], environment: dict[str, str] | None = None, **options: object) -> None:
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1000:]}")


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_for(ready: Callable[[], bool], name: str) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not start within {PATIENCE} s")
        time.sleep(0.05)
