"""``drylands serve``: an openEO back-end on this machine."""

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from drylands_openeo import engine, local
from drylands_openeo.cli.options import CloudCover, Source, Where
from drylands_openeo.errors import DrylandsError
from drylands_openeo.server.settings import Settings, generated_password


def serve(
    source: Source = None,
    cube: Annotated[Path | None, typer.Option(help="A downloaded cube (netCDF) instead of a source.")] = None,
    scale: Annotated[float | None, typer.Option(help="Reflectance per stored value of --cube.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another one than this opens it to others.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")] = 8080,
    user: Annotated[str, typer.Option(envvar="DRYLANDS_USER")] = "drylands",
    password: Annotated[
        str | None, typer.Option(envvar="DRYLANDS_PASSWORD", help="Default: one is made and printed.")
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="Jobs, results, saved processes.")] = Path("drylands-server"),
    allow_udf: Annotated[list[str] | None, typer.Option(help="SHA-256 of a UDF text that may run, or 'any'.")] = None,
    namespaces: Annotated[
        Path | None, typer.Option(help="Folder of process JSON files that graphs may name as namespace.")
    ] = None,
    max_pixels: Annotated[int, typer.Option(min=1, help="Most pixels of a synchronous request.")] = Settings.max_pixels,
    max_job_pixels: Annotated[int, typer.Option(min=1, help="Most pixels of a job.")] = Settings.max_job_pixels,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs at one time, each in a process of its own.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each job.")] = 2,
    resolution: Annotated[float | None, typer.Option(help="Pixel size [units of --crs].")] = None,
    crs: Annotated[str | None, typer.Option(help="Projection, e.g. EPSG:32650; default: the area's UTM zone.")] = None,
    cloud_cover: CloudCover = None,
    where: Where = None,
) -> None:
    """Serve the engine by the openEO API 1.2, for openEO clients and the openEO Web Editor."""
    stac: dict[str, Any] = {
        "source": source,
        "resolution": resolution,
        "crs": crs,
        "max_cloud_cover": cloud_cover,
        "where": where,
    }
    settings = Settings(
        data_dir,
        user,
        password or generated_password(),
        trusted=frozenset(allow_udf or ()),
        trust_any="any" in (allow_udf or ()),
        namespaces=namespaces,
        max_pixels=max_pixels,
        max_job_pixels=max_job_pixels,
        parallel=jobs,
        threads=threads,
    )
    run(
        settings,
        local.source_of(cube=cube, scale=scale, lasting=True, **stac),
        host,
        port,
        show_password=password is None,
    )


def run(settings: Settings, source: engine.Source, host: str, port: int, *, show_password: bool) -> None:
    """Serve until interrupted."""
    try:
        import uvicorn

        from drylands_openeo.server.app import create_app
        from drylands_openeo.server.backend import Backend
    except ImportError as error:
        raise DrylandsError(f"serving needs more packages: pip install 'drylands-openeo[server]' ({error})") from error
    listening = _socket(host, port)
    backend = Backend(settings, source)
    _greet(settings, host, listening.getsockname()[1], show_password)
    config = uvicorn.Config(create_app(backend), log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listening])


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise DrylandsError(f"cannot listen on {host}:{port}: {error}") from error
    return listening


def _greet(settings: Settings, host: str, port: int, show_password: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    shown = f"[{host}]" if ":" in host else host
    console.print(f"openEO back-end at http://{shown}:{port}", markup=False)
    console.print(f"user {settings.user}, password {settings.password if show_password else '(yours)'}", markup=False)
    console.print(f"data in {settings.data_dir.resolve()}", markup=False)
    if not _is_loopback(host):
        console.print(f"warning: {host} can be reached from other machines, without encryption", style="yellow")
    if settings.trust_any:
        console.print("warning: every UDF text runs, with this user's rights", style="yellow")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
