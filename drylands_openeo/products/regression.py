"""A trained model put on covariates: as a process graph where it is a tree or a line, else by its function."""

from collections.abc import Mapping, Sequence
from typing import Any

from openeo import DataCube
from openeo.processes import array_create, if_

from drylands_openeo.kernel import Kernel
from drylands_openeo.model import model_of
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.components import covariate_cube, renumbered
from drylands_openeo.products.covariates import covariates
from drylands_openeo.products.predictors import LIMITATIONS, REFERENCES, parameters_for, quarters_of
from drylands_openeo.profiles import CLIMATE, DEM, OPTICAL, Profile

KERNEL = Kernel("regression")

MODEL = Parameter(
    "model",
    "The model that `drylands train` wrote: its JSON document or, where a graph is generated, the path of its file.",
    {"type": ["object", "string"]},
    open_schema={"type": "object"},
)

APPLICABILITY = Parameter(
    "applicability",
    "Whether the bands dissimilarity and applicable are computed. Without them a tree or a line needs no function: it "
    "is a pure process graph.",
    {"type": "boolean"},
    default=True,
    fixed=True,
)


def regression_product(
    id: str,
    *,
    band: str,
    unit: str,
    summary: str,
    description: str,
    predictors: Sequence[str],
    references: Sequence[str] = (),
    limitations: Sequence[str] = (),
    keywords: tuple[str, ...] = ("Sentinel-2", "Vegetation"),
) -> Product:
    """A product whose band is predicted by a model; ``predictors``: those that its published process computes."""

    def outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
        """The prediction, its interval, and whether the samples speak for it."""
        return _predicted_bands(arguments, band, unit, summary)

    def cube(profile: Profile, arguments: Arguments) -> DataCube:
        some = arguments["model"]
        model = some if is_open(some) else model_of(some)
        names = list(predictors) if is_open(some) else model["predictors"]
        stack = covariate_cube(profile, covariates(names), arguments)
        if not is_open(some) and not arguments["applicability"] and model["kind"] != "onnx":
            made = stack.apply_dimension(dimension=profile.band, process=lambda data: as_graph(data, model))
            return renumbered(made, profile, names, [one.name for one in outputs(arguments)])
        context = {"model": model, "name": band, "applicability": arguments["applicability"]}
        made = stack.apply_dimension(dimension=profile.band, process=KERNEL.remote(**context))
        return made.rename_labels(dimension=profile.band, target=[one.name for one in outputs(arguments)])

    return Product(
        id=id,
        summary=summary,
        description=description,
        inputs=(OPTICAL, DEM, CLIMATE),
        parameters=(MODEL, APPLICABILITY, *parameters_for(predictors)),
        bands=outputs,
        cube=cube,
        performance=(
            "A generated graph computes the covariates of its model and no others; the published process computes "
            "its own list, and the model may use any of these: " + ", ".join(predictors) + "."
        ),
        references=(*references, "Meyer and Pebesma (2021), doi:10.1111/2041-210X.13650", *REFERENCES),
        limitations=(
            "A model is good for the region, the depth and the years of its samples: see its card and `applicable`.",
            "A forest or a support vector machine needs onnxruntime on the back-end, which the function asks for.",
            *limitations,
            *LIMITATIONS,
        ),
        keywords=keywords,
        example={"model": _example(band, unit), "quarters": quarters_of(["2021-01-01", "2024-01-01"])},
    )


def _predicted_bands(arguments: Arguments, band: str, unit: str, summary: str) -> tuple[OutputBand, ...]:
    model = arguments["model"]
    own = unit if is_open(model) else model_of(model)["unit"]
    found = [
        OutputBand(band, own, f"{summary.lower()}, predicted"),
        OutputBand(f"{band}_lower", own, "lower end of the prediction interval"),
        OutputBand(f"{band}_upper", own, "upper end of the prediction interval"),
    ]
    if arguments["applicability"]:
        found += [
            OutputBand("dissimilarity", "1", "distance to the training samples"),
            OutputBand("applicable", "1", "1 where the training samples speak for the prediction, 0 elsewhere"),
        ]
    return tuple(found)


def as_graph(data: Any, model: Mapping[str, Any]) -> Any:
    """The prediction and the ends of its interval, of one pixel's covariates."""
    bands = {name: data.array_element(label=name) for name in model["predictors"]}
    value = _line(bands, model) if model["kind"] == "linear" else _tree(bands, model)
    width = model["interval"]
    found = [value, value - width, value + width]
    return array_create([one.exp() for one in found] if model["log"] else found)


def _line(bands: Mapping[str, Any], model: Mapping[str, Any]) -> Any:
    total: Any = model["intercept"]
    for band, coefficient in zip(bands.values(), model["coefficients"], strict=True):
        total = band * coefficient + total
    return total


def _tree(bands: Mapping[str, Any], model: Mapping[str, Any]) -> Any:
    """Nested ``if``; a covariate without data makes the result no data, where a comparison alone would go one way."""
    names = list(bands)

    def at(node: int) -> Any:
        feature = model["feature"][node]
        if feature < 0:
            return model["value"][node]
        small = bands[names[feature]] <= model["threshold"][node]
        return if_(value=small, accept=at(model["left"][node]), reject=at(model["right"][node]))

    gap: Any = 0.0
    for band in bands.values():
        gap = band * 0.0 + gap
    return gap + at(0)


def _example(band: str, unit: str) -> dict[str, Any]:
    """A model small enough to be read; its numbers mean nothing."""
    return {
        "kind": "linear",
        "target": band,
        "unit": unit,
        "predictors": ["ndvi_q3"],
        "intercept": 2.0,
        "coefficients": [20.0],
        "log": False,
        "interval": 3.0,
        "level": 0.9,
        "applicability": {
            "mean": [0.3],
            "scale": [10.0],
            "train": [[-1.0], [0.0], [1.0]],
            "distance": 1.33,
            "threshold": 0.75,
        },
    }
