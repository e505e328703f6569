# /// script
# dependencies = ["onnxruntime>=1.16"]
# ///
"""A trained regression put on pixels: prediction, its interval, and where the training data speak for it.

The model is one JSON object (``context["model"]``):

    kind         "linear": intercept, coefficients; "tree": feature (-1 in a leaf), threshold, left, right, value, an
                 entry a node, as scikit-learn holds them; "onnx": the file as base64 in ``onnx``, or its ``path``, and
                 ``factor`` and ``shift`` of its output; ``archive``: where a dependency archive with onnxruntime is
    predictors   band labels, in the order of the model's inputs
    log          true: the model predicts the natural logarithm of the target
    interval     half width of the prediction interval, on the model's scale
    applicability  mean, scale (of each predictor; weight / standard deviation), train (rows of scaled samples),
                 distance (their mean distance), threshold

Dissimilarity of a pixel: distance to the nearest training sample over the mean distance between these, in predictors
scaled and weighted by importance; applicable where it does not exceed the threshold (Meyer and Pebesma 2021,
doi:10.1111/2041-210X.13650). onnxruntime is asked for only by a model of kind "onnx".
"""

import base64
import functools
import sys
from typing import Any

import numpy as np
import xarray as xr

BLOCK = 8192  # pixels predicted at one time
NEAR = 2048  # pixels whose distances to all training samples are held at one time
KINDS = ("linear", "tree", "onnx")


def predict(model: dict[str, Any], samples: Any) -> np.ndarray:
    """Predictions (n,) float64 on the model's scale for samples (n, p), p as the model's predictors; NaN rows NaN.

    Inputs are taken as float32, which is what a back-end hands out and what trees are compared in.

    >>> line = {"kind": "linear", "predictors": ["ndvi"], "intercept": 1.0, "coefficients": [2.0]}
    >>> predict(line, [[0.5], [float("nan")]]).tolist()
    [2.0, nan]
    >>> stump = {"kind": "tree", "predictors": ["ndvi"], "feature": [0, -1, -1], "threshold": [0.25, 0, 0],
    ...          "left": [1, -1, -1], "right": [2, -1, -1], "value": [9, 10, 20]}
    >>> predict(stump, [[0.25], [0.5]]).tolist()
    [10.0, 20.0]
    """
    values = np.asarray(samples, np.float32)
    if values.ndim != 2 or values.shape[1] != len(model["predictors"]):
        raise ValueError(f"samples: shape {values.shape}, (n, {len(model['predictors'])}) is needed")
    result = np.full(len(values), np.nan)
    valid = np.isfinite(values).all(axis=1)
    known = values if valid.all() else values[valid]
    found = np.empty(len(known))
    for start in range(0, len(known), BLOCK):
        found[start : start + BLOCK] = _of_kind(model, known[start : start + BLOCK])
    result[valid] = found
    return result


def _of_kind(model: dict[str, Any], values: np.ndarray) -> np.ndarray:
    if model["kind"] == "linear":
        return np.asarray(values.astype(np.float64) @ np.asarray(model["coefficients"], float) + model["intercept"])
    if model["kind"] == "tree":
        return by_tree(model, values)
    if model["kind"] != "onnx":
        raise ValueError(f"kind: {model['kind']!r}, must be one of {KINDS}")
    session = session_of(model.get("onnx", ""), model.get("path", ""), model.get("archive", ""))
    found = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(values)})[0]
    scaled = np.asarray(found, np.float64).reshape(-1) * model.get("factor", 1.0)
    return np.asarray(scaled + model.get("shift", 0.0))


def by_tree(model: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """All samples walk down the tree together, one level a step."""
    feature, left, right = (np.asarray(model[name], np.intp) for name in ("feature", "left", "right"))
    threshold, value = (np.asarray(model[name], np.float64) for name in ("threshold", "value"))
    node = np.zeros(len(values), np.intp)
    moving = np.arange(len(values))
    while moving.size:
        moving = moving[feature[node[moving]] >= 0]
        here = node[moving]
        small = values[moving, feature[here]] <= threshold[here]
        node[moving] = np.where(small, left[here], right[here])
    return np.asarray(value[node])


@functools.lru_cache(maxsize=4)
def session_of(encoded: str, path: str, archive: str) -> Any:
    """The onnxruntime session of a model, one thread: back-end and engine already fill their cores."""
    if archive:
        sys.path.append(archive)  # where a dependency archive with onnxruntime was unpacked
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(base64.b64decode(encoded) if encoded else path, options)


def dissimilarity(applicability: dict[str, Any], samples: Any) -> np.ndarray:
    """Distance (n,) float32 of samples (n, p) to the nearest training sample, over the mean distance of these.

    By a matrix product, block by block: |z - t|^2 = |z|^2 - 2 z.t + |t|^2.

    >>> known = {"mean": [0.0], "scale": [2.0], "train": [[-1.0], [1.0]], "distance": 2.0, "threshold": 0.5}
    >>> dissimilarity(known, [[0.5], [1.5], [float("nan")]]).tolist()   # scaled 1 and 3; nearest 1
    [0.0, 1.0, nan]
    """
    values = np.asarray(samples, np.float32)
    train = decoded(applicability["train"], values.shape[1])
    centre = train.mean(axis=0)
    known = (train - centre).astype(np.float32)
    scale = np.asarray(applicability["scale"], np.float64)
    shift = (np.asarray(applicability["mean"], np.float64) * scale + centre).astype(np.float32)
    half = 0.5 * np.einsum("ij,ij->i", known, known)[:, None]
    result = np.empty(len(values), np.float32)
    with np.errstate(invalid="ignore"):
        for start in range(0, len(values), NEAR):
            z = values[start : start + NEAR] * scale.astype(np.float32) - shift
            nearest = (half - known @ z.T).min(axis=0)
            squared = 2 * nearest + np.einsum("ij,ij->i", z, z)
            result[start : start + NEAR] = np.sqrt(np.maximum(squared, 0))
    return result / np.float32(applicability["distance"])


def decoded(train: Any, columns: int) -> np.ndarray:
    """Scaled samples (n, columns) from rows of numbers, or from base64 of little-endian float32."""
    if isinstance(train, str):
        return np.frombuffer(base64.b64decode(train), "<f4").astype(np.float64).reshape(-1, columns)
    return np.asarray(train, np.float64).reshape(-1, columns)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """([t,] bands, y, x) with the model's predictors among the bands -> ([t,] bands, y, x) float32.

    Bands <name>, <name>_lower, <name>_upper, then dissimilarity and applicable (1 or 0) unless ``applicability`` in the
    context is false. context: ``model``, see above; ``name`` of the target.
    """
    model, name = context["model"], str(context["name"])
    labels = [str(label) for label in cube.coords["bands"].values]
    missing = [band for band in model["predictors"] if band not in labels]
    if missing:
        raise ValueError(f"bands: {missing} missing from {labels}")
    chosen = cube.isel(bands=[labels.index(band) for band in model["predictors"]]).transpose("bands", ...)
    shape, samples = chosen.shape[1:], np.asarray(chosen.values, np.float32).reshape(len(chosen), -1).T
    middle, width = predict(model, samples), float(model["interval"])
    layers = [middle, middle - width, middle + width]
    if model.get("log"):
        layers = [np.exp(layer) for layer in layers]
    bands = [name, f"{name}_lower", f"{name}_upper"]
    if context.get("applicability", True):
        away = dissimilarity(model["applicability"], samples)
        within = np.where(np.isnan(away), np.nan, away <= model["applicability"]["threshold"])
        layers, bands = [*layers, away, within], [*bands, "dissimilarity", "applicable"]
    values = np.stack([np.asarray(layer, np.float32).reshape(shape) for layer in layers])
    coords = {dim: cube.coords[dim] for dim in chosen.dims[1:] if dim in cube.coords}
    return xr.DataArray(values, {**coords, "bands": bands}, chosen.dims).transpose(*cube.dims)
