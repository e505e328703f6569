"""``drylands run --backend``: a product or a graph as jobs of openEO back-ends."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from drylands_openeo import jobs
from drylands_openeo.area import Period
from drylands_openeo.check import check
from drylands_openeo.cli.options import Order, needed, parameters_of, read_graph, refuse_drylands, with_stac
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import OutputBand
from drylands_openeo.profiles import PROFILES, Profile, get_profile

KNOWN = ", ".join(name for name, profile in PROFILES.items() if profile.url)

Backends = Annotated[
    list[str] | None,
    typer.Option("--backend", help=f"Run there: an address, or {KNOWN}; repeatable with --split."),
]
Rules = Annotated[
    str | None,
    typer.Option("--profile", help=f"Whose collections and rules the back-end has: {', '.join(PROFILES)}."),
]
SplitSide = Annotated[
    float | None, typer.Option(help="A job for each tile of this side [km], put together at the end.")
]
Parallel = Annotated[int, typer.Option(min=1, help="Jobs at one time at each back-end.")]
Attempts = Annotated[int, typer.Option(min=1, help="How often a tile is tried.")]
Poll = Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the jobs.")]
Silence = Annotated[
    float, typer.Option("--patience", min=0, help="Minutes until the tiles of a silent back-end go to others.")
]
Sent = Annotated[str | None, typer.Option(help="Go on with a job that an interrupted run has sent.")]
JobOptions = Annotated[
    list[str] | None, typer.Option(help="An option of the back-end's jobs, e.g. executor-memory=4G; repeatable.")
]
User = Annotated[str | None, typer.Option(envvar="DRYLANDS_USER", help="For back-ends with basic authentication.")]
Password = Annotated[str | None, typer.Option(envvar="DRYLANDS_PASSWORD", help="Better given by the environment.")]
ClientId = Annotated[str | None, typer.Option(envvar="OPENEO_AUTH_CLIENT_ID", help="OpenID Connect client.")]
ClientSecret = Annotated[
    str | None, typer.Option(envvar="OPENEO_AUTH_CLIENT_SECRET", help="Of a client that works without a person.")
]
Provider = Annotated[str | None, typer.Option(envvar="OPENEO_AUTH_PROVIDER_ID", help="OpenID Connect provider.")]
Force = Annotated[bool, typer.Option("--force", help="Send a graph though 'drylands check' finds errors in it.")]


@dataclass(frozen=True)
class How:
    """How it is done."""

    side: float | None
    crs: str | None
    parallel: int
    attempts: int
    poll: float
    patience: float
    options: Mapping[str, Any]
    profile: str | None
    stac: list[str] | None
    job: str | None = None

    @property
    def care(self) -> jobs.Care:
        """For the run of a large area."""
        return jobs.Care(self.parallel, self.attempts, self.poll, self.patience * 60)


def login_of(
    user: str | None, password: str | None, client_id: str | None, client_secret: str | None, provider: str | None
) -> jobs.Login:
    """Who asks; a person who has to log in is told where."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    return jobs.Login(
        user, password, client_id, client_secret, provider, lambda text: console.print(text, markup=False)
    )


def options_of(texts: list[str] | None) -> dict[str, Any]:
    """Job options, as --param is read."""
    return parameters_of(texts)


def run_remote(order: Order, how: How, backends: list[str], login: jobs.Login, *, force: bool, quiet: bool) -> None:
    """Check, send, follow, fetch."""
    if how.job and how.side is not None:
        raise DrylandsError(f"--job {how.job}: one job; a run with --split goes on by itself in its folder")
    if how.side is None and len(backends) > 1:
        raise DrylandsError(f"{len(backends)} back-ends were given; one job runs at one, so add --split")
    connection = jobs.connect(backends[0], login)
    profile = get_profile(how.profile) if how.profile else jobs.profile_at(backends[0], connection)
    profile = with_stac(profile, how.stac)
    if not profile.limits.batch:
        raise DrylandsError(f"{profile.title} has no batch jobs; write the graph by 'drylands graph' and send it")
    request = _request(order, how, profile)
    with _shown(quiet) as (line, state):
        _check(request, profile, line, force=force)
        if how.side is None:
            patience = jobs.Patience(min(how.poll, 2.0), max(how.poll, 2.0), how.patience * 60)
            done = jobs.run_job(connection, request, order.out, sent=how.job, line=line, state=state, patience=patience)
        else:
            area = needed(order.place, "--bbox or --area")
            parts = jobs.split(area, how.side * 1000, crs=how.crs, resolution=order.resolution)
            line(f"{len(parts.tiles)} tiles of {parts.side / 1000:g} km in {parts.crs}")
            logins = dict.fromkeys(backends, login)
            done = jobs.run_large(logins, request, parts, order.out, line=line, care=how.care)
    if not quiet:
        for key, path in done.files.items():
            Console(highlight=False, soft_wrap=True).print(f"{key:>20}  {path}", markup=False)


def _request(order: Order, how: How, profile: Profile) -> jobs.Request:
    parameters = dict(order.parameters)
    if order.what.endswith(".json"):
        refuse_drylands(order)
        name, bands = Path(order.what).stem, tuple[OutputBand, ...]()
        content = read_graph(Path(order.what))
        graph = jobs.bound(content, parameters | _extents(order, content, split=how.side is not None))
        options = content.get("default_job_options")
    else:
        product = order.product
        graph = product.flat_graph(
            profile,
            spatial_extent=needed(order.place, "--bbox or --area"),
            temporal_extent=needed(order.period, "--period"),
            **({} if order.resolution is None else {"resolution": order.resolution}),
            **parameters,
        )
        name, bands, options = product.id, product.outputs(parameters), product.options(profile, graph)
    title = f"{name} {order.period or ''}".strip()
    options = {**(options or {}), **how.options} or None
    return jobs.Request(graph, name, title, parameters, bands, options, order.format)


def _extents(order: Order, content: Mapping[str, Any], *, split: bool) -> dict[str, Any]:
    """Area and period for the parameters of a user-defined process; tiles are placed in a bare graph, too."""
    declared = [parameter["name"] for parameter in content.get("parameters") or ()]
    given: dict[str, Any] = {}
    if order.place is not None and ("spatial_extent" in declared or not split):
        given["spatial_extent"] = order.place.spatial_extent
    if order.period is not None:
        given["temporal_extent"] = list(Period.of(order.period).interval)
    return given


def _check(request: jobs.Request, profile: Profile, line: Any, *, force: bool) -> None:
    findings = check(request.saved, profile)
    for finding in findings:
        line(str(finding))
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors and not force:
        raise DrylandsError(
            f"{profile.title} would refuse this graph or compute something else ({len(errors)} errors, the first: "
            f"{errors[0].what}. {errors[0].mend}); see 'drylands check', or send it all the same by --force"
        )


@contextmanager
def _shown(quiet: bool) -> Iterator[tuple[Any, Any]]:
    """Where lines of the run and the state of a job are shown: on stderr, or nowhere."""
    if quiet:
        yield lambda text: None, lambda status, progress: None
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("job", total=100, visible=False)

        def state(status: str, progress: float | None) -> None:
            bar.update(task, description=status, completed=progress or 0, visible=True)

        yield lambda text: console.print(text, markup=False), state
