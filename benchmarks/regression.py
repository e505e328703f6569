"""A forest put on a map by the engine beside onnxruntime alone, and the area of applicability beside a k-d tree.

CPU seconds a pixel, one thread.
"""

import base64
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from drylands_openeo.udf.regression import dissimilarity
from odc.geo.geobox import GeoBox
from scipy.spatial import cKDTree

from benchmarks.table import Row
from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.kernel import Kernel
from drylands_openeo.samples import samples_of
from drylands_openeo.train import train
from drylands_openeo.train.applicability import area_of_applicability

SIDE, PREDICTORS, SAMPLES, TREES, REPEATS = 512, 8, 400, 100, 3
NAMES = tuple(f"p{number}" for number in range(PREDICTORS))


@dataclass(frozen=True)
class Layer:
    values: np.ndarray
    grid: GeoBox
    bands: tuple[str, ...] = NAMES
    times: tuple[Any, ...] = ()

    def read(self, window: GeoBox) -> Any:
        return on_grid(self.values, window, bands=list(self.bands))

    def collection(self, collection: str, extent: Any) -> "Layer":
        return self


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((SAMPLES, PREDICTORS)), columns=NAMES)
    frame["y"] = 3 * frame["p0"] + np.sin(5 * frame["p1"]) + rng.normal(0, 0.1, SAMPLES)
    made = train(samples_of(frame, None, target="y"), target="y", model="rf", folds=2, trees=TREES).document
    grid = GeoBox.from_bbox((0, 0, SIDE * 10, SIDE * 10), "EPSG:32650", resolution=10, tight=True)
    layer = Layer(rng.random((PREDICTORS, SIDE, SIDE), np.float32), grid)
    pixels = np.ascontiguousarray(layer.values.reshape(PREDICTORS, -1).T)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(base64.b64decode(made["onnx"]), options)
    plan = Plan(Program.parse(_graph(made)), Environment(layer))
    ours, alone = _least(plan.evaluate), _least(lambda: session.run(None, {session.get_inputs()[0].name: pixels}))
    known = area_of_applicability(frame[list(NAMES)].to_numpy(), np.ones(PREDICTORS), np.arange(SAMPLES))
    scaled = np.frombuffer(base64.b64decode(known["train"]), "<f4").reshape(-1, PREDICTORS)
    tree, some = cKDTree(scaled), pixels[: 256**2]
    by_tree = _least(lambda: tree.query((some - np.array(known["mean"])) * np.array(known["scale"])))
    by_product = _least(lambda: dissimilarity(known, some))
    return [
        Row(f"forest of {TREES} trees on the engine, onnxruntime alone", ours, alone, alone / ours, 1 / 1.3),
        Row(f"dissimilarity to {SAMPLES} samples, k-d tree", by_product, by_tree, by_tree / by_product, 1.5),
    ]


def _graph(model: dict[str, Any]) -> dict[str, Any]:
    context = {"model": model, "name": "y", "applicability": False}
    udf = {
        "data": {"from_parameter": "data"},
        "udf": Kernel("regression").text,
        "runtime": "Python",
        "context": context,
    }
    callback = {"process_graph": {"run": {"process_id": "run_udf", "arguments": udf, "result": True}}}
    load = {"process_id": "load_collection", "arguments": {"id": "any", "spatial_extent": None}}
    arguments = {"data": {"from_node": "load"}, "dimension": "bands", "process": callback}
    return {"load": load, "map": {"process_id": "apply_dimension", "arguments": arguments, "result": True}}


def _least(work: Any) -> float:
    """CPU seconds a call: the least of some."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best
