"""``drylands train`` and ``drylands sample``: from plots to a model."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo import local
from drylands_openeo.cli.here import progress_bar
from drylands_openeo.cli.options import AreaFile, Bbox, Parameters, PeriodText, Quiet, Source, needed, parameters_of
from drylands_openeo.cli.options import area_of as area_from
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local.sample import area_around, points_of, sampled
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.samples import read_table, samples_of


def train_model(
    table: Annotated[Path, typer.Argument(help="Samples: CSV, GeoPackage or GeoParquet.")],
    target: Annotated[str, typer.Option(help="Column to be predicted.")],
    predictors: Annotated[str, typer.Option(help="Columns, comma-separated; default: all other numbers.")] = "",
    model: Annotated[str, typer.Option(help="cart, rf, svm, mlr, extratrees or gbr.")] = "rf",
    unit: Annotated[str, typer.Option(help="Unit of the target.")] = "1",
    log: Annotated[bool, typer.Option("--log", help="Model the logarithm of the target.")] = False,
    group: Annotated[str | None, typer.Option(help="Column of groups that validation keeps together.")] = None,
    block: Annotated[float | None, typer.Option(help="Edge of validation blocks [m]; default: clusters.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 10,
    level: Annotated[float, typer.Option(help="Share that prediction intervals are to hold.")] = 0.9,
    trees: Annotated[int, typer.Option(min=1, help="Trees of an ensemble.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed is other folds and trees.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the model and its card.")] = Path("model"),
    quiet: Quiet = False,
) -> None:
    """Train a regression, validate it at random and in space, and write it with its model card."""
    try:
        from drylands_openeo.train import train
    except ImportError as error:
        raise DrylandsError(f"training needs {error.name}: pip install 'drylands-openeo[train]'") from None
    frame, degrees = read_table(table)
    columns = [name.strip() for name in predictors.split(",") if name.strip()]
    samples = samples_of(frame, degrees, target=target, predictors=columns, group=group, log=log, source=table.name)
    made = train(
        samples, target=target, unit=unit, model=model, log=log, folds=folds, block=block, level=level, trees=trees,
        seed=seed,
    )  # fmt: skip
    paths = made.save(out, target)
    if not quiet:
        _show(made.card)
        for what, path in paths.items():
            typer.echo(f"{what:>8}  {path}")


def _show(card: Any) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for said in card["findings"]:
        console.print(said, style="yellow", markup=False)
    table = Table(box=None, pad_edge=False)
    for title in ("folds", "R2", "RMSE", "MAE", "bias", "RPD"):
        table.add_column(title, justify="left" if title == "folds" else "right")
    for row in card["validation"]:
        figures = [f"{row[name]:.3g}" for name in ("r2", "rmse", "mae", "bias", "rpd")]
        table.add_row(f"{row['number']} {row['folds']}", *figures)
    console.print(table)


def sample_products(
    points: Annotated[Path, typer.Argument(help="Plots with positions: CSV, GeoPackage or GeoParquet.")],
    product: Annotated[str, typer.Option(help="Product whose bands are sampled.")] = "predictors",
    source: Source = None,
    cube: Annotated[Path | None, typer.Option(help="A downloaded cube (netCDF) instead of a source.")] = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    out: Annotated[Path, typer.Option(help="Table to write (.csv).")] = Path("samples.csv"),
    quiet: Quiet = False,
) -> None:
    """Add the bands of a product at each plot to a table of plots."""
    if out.suffix.lower() != ".csv":
        raise DrylandsError(f"--out is {str(out)!r}; a .csv is needed")
    frame, degrees = points_of(points)
    chosen = get_product(product)
    graph = chosen.flat_graph(
        get_profile("local"),
        spatial_extent=area_from(bbox, area) or area_around(degrees),
        temporal_extent=needed(period, "--period"),
        **parameters_of(param),
    )
    environment = Environment(local.source_of(cube=cube, source=source))
    with progress_bar(quiet) as progress:
        values = sampled(graph, environment, degrees, progress=progress)
    frame.drop(columns=[name for name in values if name in frame]).join(values).to_csv(out, index=False)
    if not quiet:
        typer.echo(
            f"{out}: {int(values.notna().all(axis=1).sum())} of {len(values)} plots have all {values.shape[1]} bands"
        )
