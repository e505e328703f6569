"""A trained model as one JSON document: what it needs, what it predicts, and how far it may be trusted.

`drylands train` writes it, products take it, and ``udf/regression.py``, where its entries are described, evaluates it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from drylands_openeo.errors import DrylandsError

_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1}
_INTEGERS = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
_TEXT = {"type": "string", "minLength": 1}

_FORMS: Mapping[str, Mapping[str, Any]] = {
    "linear": {"intercept": {"type": "number"}, "coefficients": _NUMBERS},
    "tree": {
        "feature": _INTEGERS,
        "threshold": _NUMBERS,
        "left": _INTEGERS,
        "right": _INTEGERS,
        "value": _NUMBERS,
    },
    "onnx": {"onnx": _TEXT, "factor": {"type": "number"}, "shift": {"type": "number"}},
}

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["kind", "target", "unit", "predictors", "log", "interval", "level", "applicability"],
    "properties": {
        "kind": {"enum": list(_FORMS)},
        "target": _TEXT,
        "unit": _TEXT,
        "predictors": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
        "log": {"type": "boolean"},
        "interval": {"type": "number", "minimum": 0},
        "level": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "applicability": {
            "type": "object",
            "required": ["mean", "scale", "train", "distance", "threshold"],
            "properties": {
                "mean": _NUMBERS,
                "scale": _NUMBERS,
                "train": {"type": ["array", "string"]},
                "distance": {"type": "number", "exclusiveMinimum": 0},
                "threshold": {"type": "number", "minimum": 0},
            },
        },
    },
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"required": list(entries), "properties": entries},
        }
        for kind, entries in _FORMS.items()
    ],
}
"""JSON schema of a model."""


def checked(document: Any, origin: str = "model") -> dict[str, Any]:
    """The document as it is, or DrylandsError that says what is wrong with it.

    >>> checked({"kind": "linear"})
    Traceback (most recent call last):
    ...
    drylands_openeo.errors.DrylandsError: model: 'target' is a required property
    """
    for error in Draft202012Validator(SCHEMA).iter_errors(document):
        place = "/".join(map(str, error.absolute_path))
        raise DrylandsError(f"{origin}: {place + ': ' if place else ''}{error.message[:300]}")
    count = len(document["predictors"])
    lengths = {name: len(document["applicability"][name]) for name in ("mean", "scale")}
    if document["kind"] == "linear":
        lengths["coefficients"] = len(document["coefficients"])
    for name, length in lengths.items():
        if length != count:
            raise DrylandsError(f"{origin}: {name} has {length} entries for {count} predictors")
    return dict(document)


def read(path: Path | str) -> dict[str, Any]:
    """The model in a file."""
    try:
        document = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DrylandsError(f"model {str(path)!r} cannot be read: {error}") from error
    return checked(document, f"model {str(path)!r}")


def model_of(some: Any) -> dict[str, Any]:
    """A model given as a document or as the path of its file."""
    return read(some) if isinstance(some, str | Path) else checked(some)
