"""The model card: what a model was made of and how good it is, as JSON and as text."""

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from drylands_openeo.samples import Samples
from drylands_openeo.train.importance import Group
from drylands_openeo.train.validation import Validation

PACKAGES = ("scikit-learn", "numpy", "skl2onnx", "onnxruntime", "drylands-openeo")


def card(
    samples: Samples,
    *,
    model: str,
    settings: Mapping[str, Any],
    document: Mapping[str, Any],
    validations: Sequence[Validation],
    importance: Sequence[Group],
    inflation: Mapping[str, float],
    findings: Sequence[str],
) -> dict[str, Any]:
    """The card as plain values."""
    degrees = samples.degrees
    return {
        "model": model,
        "settings": {name: value for name, value in settings.items() if isinstance(value, int | float | str | None)},
        "target": {key: document[key] for key in ("target", "unit", "log")},
        "data": {
            "source": samples.source,
            "samples": len(samples),
            "rows_dropped": samples.dropped,
            "target_range": [float(samples.target.min()), float(samples.target.max())],
            "bbox": None if degrees is None else [*degrees.min(axis=0).tolist(), *degrees.max(axis=0).tolist()],
        },
        "validation": [
            {"folds": found.kind, "number": len(found.models), **asdict(found.metrics)} for found in validations
        ],
        "findings": list(findings),
        "importance": [{"predictors": list(group.predictors), "increase_rmse": group.increase} for group in importance],
        "variance_inflation": {name: value if math.isfinite(value) else None for name, value in inflation.items()},
        "applicability": {
            "threshold": document["applicability"]["threshold"],
            "weights": "grouped permutation importance",
            "reference": "doi:10.1111/2041-210X.13650",
        },
        "interval": {"level": document["level"], "half_width": document["interval"]},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def text(content: Mapping[str, Any]) -> str:
    """The card in Markdown."""
    target, data = content["target"], content["data"]
    scale = f"ln({target['target']})" if target["log"] else target["target"]
    lines = [
        f"# {content['model']} of {scale} [{target['unit']}]",
        "",
        *(f"> **{said}**\n" for said in content["findings"]),
        f"{data['samples']} samples from `{data['source']}`, {data['rows_dropped']} rows with gaps left out; target "
        f"from {data['target_range'][0]:.4g} to {data['target_range'][1]:.4g}.",
        "",
        f"Settings: {json.dumps(content['settings'])}",
        "",
        "## Validation",
        "",
        "Tuned inside the folds; all held-back predictions pooled.",
        "",
        "| folds | number | R2 | RMSE | MAE | bias | RPD |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['folds']} | {row['number']} | {row['r2']:.2f} | {row['rmse']:.4g} | {row['mae']:.4g} | "
            f"{row['bias']:+.2g} | {row['rpd']:.2f} |"
            for row in content["validation"]
        ),
        "",
        "## Predictors",
        "",
        "Predictors that vary together are shuffled together; the increase of RMSE is theirs in common.",
        "",
        "| predictors | increase of RMSE | variance inflation |",
        "|---|---|---|",
        *(
            f"| {', '.join(group['predictors'])} | {group['increase_rmse']:+.4g} | "
            f"{', '.join(_inflation(content, name) for name in group['predictors'])} |"
            for group in content["importance"]
        ),
        "",
        "## How far to trust it",
        "",
        f"Applicable where the dissimilarity is at most {content['applicability']['threshold']:.3f} "
        f"({content['applicability']['reference']}). Interval of {content['interval']['level']:.0%}: "
        f"+- {content['interval']['half_width']:.4g} on the scale of {scale}, from held-back errors.",
        "",
        "Versions: " + ", ".join(f"{name} {number}" for name, number in content["versions"].items()),
    ]
    return "\n".join(lines) + "\n"


def _inflation(content: Mapping[str, Any], name: str) -> str:
    value = content["variance_inflation"][name]
    return "infinite" if value is None else f"{value:.3g}"
