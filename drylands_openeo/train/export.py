"""A fitted scikit-learn model as data: numbers for a tree or a line, ONNX for the others."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel

Floats = NDArray[np.float64]

OPSET = {"": 15, "ai.onnx.ml": 3}
"""What onnxruntime from 1.16 on loads; newer defaults do not load in old ones."""

IR_VERSION = 8

TOLERANCE = 1e-5
"""Largest difference to scikit-learn, in standard deviations of its predictions."""


def exported(model: str, fitted: Any, predictors: Floats) -> dict[str, Any]:
    """``kind`` and what it needs, checked against scikit-learn on ``predictors`` (n, p) and between them."""
    form = _form(model, fitted, predictors.shape[1])
    samples = _between(predictors)
    expected = fitted.predict(samples)
    document = {**form, "predictors": [str(column) for column in range(predictors.shape[1])]}
    found = Kernel("regression").module.predict(document, samples)
    error = float(np.abs(found - expected).max()) / (float(expected.std()) or 1.0)
    if error > TOLERANCE:
        raise DrylandsError(f"model {model!r} as {form['kind']} differs from scikit-learn by {error:.1e} sd")
    return form


def _form(model: str, fitted: Any, columns: int) -> dict[str, Any]:
    if model == "mlr":
        return _line(fitted)
    if model == "cart":
        return _tree(fitted)
    inner, outer = fitted.regressor_, fitted.transformer_
    content = _machine(inner) if model == "svm" else _ensemble(inner, columns)
    scaled = {"factor": float(outer.scale_[0]), "shift": float(outer.mean_[0])}
    return {"kind": "onnx", "onnx": base64.b64encode(content).decode(), **scaled}


def _line(fitted: Any) -> dict[str, Any]:
    scaler, line = (step for _, step in fitted.steps)
    coefficients = line.coef_ / scaler.scale_
    intercept = line.intercept_ - float(coefficients @ scaler.mean_)
    return {"kind": "linear", "intercept": float(intercept), "coefficients": coefficients.tolist()}


def _tree(fitted: Any) -> dict[str, Any]:
    tree = fitted.tree_
    return {
        "kind": "tree",
        "feature": np.where(tree.children_left < 0, -1, tree.feature).tolist(),
        "threshold": np.where(tree.children_left < 0, 0.0, tree.threshold).tolist(),
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "value": tree.value[:, 0, 0].tolist(),
    }


def _ensemble(fitted: Any, columns: int) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    proto = convert_sklearn(fitted, initial_types=[("x", FloatTensorType([None, columns]))], target_opset=OPSET)
    return bytes(proto.SerializeToString())


def _machine(fitted: Any) -> bytes:
    """The radial kernel written out in double precision, which ONNX's own support vector operator does not have.

    y = a + sum_i c_i exp(-g |z - s_i|^2), z the scaled predictors.
    """
    from onnx import TensorProto, helper, numpy_helper

    scaler, machine = (step for _, step in fitted.steps)
    vectors, gamma = machine.support_vectors_, float(machine._gamma)
    constants = {
        "mean": scaler.mean_,
        "scale": scaler.scale_,
        "twice": 2 * gamma * vectors.T,
        "norms": -gamma * (vectors**2).sum(axis=1)[None],
        "minus": np.array([[-gamma]]),
        "dual": machine.dual_coef_.reshape(-1, 1),
        "offset": machine.intercept_,
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["x64"], to=TensorProto.DOUBLE),
        helper.make_node("Sub", ["x64", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["z"]),
        helper.make_node("ReduceSumSquare", ["z"], ["square"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["square", "minus"], ["own"]),
        helper.make_node("MatMul", ["z", "twice"], ["cross"]),
        helper.make_node("Add", ["cross", "norms"], ["partly"]),
        helper.make_node("Add", ["partly", "own"], ["exponent"]),
        helper.make_node("Exp", ["exponent"], ["kernel"]),
        helper.make_node("MatMul", ["kernel", "dual"], ["sum"]),
        helper.make_node("Add", ["sum", "offset"], ["y"]),
    ]
    weights = [numpy_helper.from_array(np.asarray(value, np.float64), name) for name, value in constants.items()]
    graph = helper.make_graph(
        nodes,
        "svm",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, len(scaler.mean_)])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None, 1])],
        weights,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET[""])], ir_version=IR_VERSION)
    return bytes(proto.SerializeToString())


def _between(predictors: Floats, *, count: int = 2000, seed: int = 0) -> Floats:
    """The samples and random mixtures of pairs of them, as float32 sees them."""
    random = np.random.default_rng(seed)
    first, second = random.integers(0, len(predictors), (2, count))
    share = random.random((count, 1))
    mixed = predictors[first] * share + predictors[second] * (1 - share)
    return np.concatenate([predictors, mixed]).astype(np.float32).astype(np.float64)
