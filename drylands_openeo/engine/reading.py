"""What a tile needs from each layer, read once, before the tile is computed block by block."""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from odc.geo.geobox import GeoBox

from drylands_openeo.engine import windows
from drylands_openeo.engine.graph import is_reference
from drylands_openeo.engine.plan import LOADS, Frame, Held, Plan
from drylands_openeo.engine.source import FileLayer, Layer
from drylands_openeo.engine.values import Cube

Load = tuple[Frame, str]


def hold(plan: Plan, window: GeoBox, pool: Executor | None = None) -> Held:
    """Load node -> its cube on all that the window of the result is made of; files are read by the pool's threads."""
    return {load: _read(plan.layer(*load), wanted, pool) for load, wanted in demands(plan, window).items()}


def _read(layer: Layer, window: GeoBox, pool: Executor | None) -> Cube:
    return layer.read_on(window, pool) if isinstance(layer, FileLayer) else layer.read(window)


def demands(plan: Plan, window: GeoBox) -> Mapping[Load, GeoBox]:
    """Load node -> the window of its layer that a window of the result is made of."""
    return _Walk(plan).from_node(plan.root, plan.root.graph.result, window)


class _Walk:
    """From the result to the load nodes; a node is entered once for each window asked of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.found: dict[Load, GeoBox] = {}
        self.seen: set[Any] = set()

    def from_node(self, frame: Frame, name: str, window: GeoBox) -> dict[Load, GeoBox]:
        """Follow a node; a node without pixels is computed once for the whole area and needs nothing of a tile."""
        key = (frame, name, windows.key(window))
        if key in self.seen or self.plan.grid_of(frame, name) is None:
            return self.found
        self.seen.add(key)
        node = frame.graph.nodes[name]
        if (inner := self.plan.child(frame, node)) is not None:
            return self.from_node(inner, inner.graph.result, window)
        if node.process_id in LOADS:
            known = self.found.get((frame, name), window)
            self.found[frame, name] = windows.around(known, window)
            return self.found
        for argument, value in node.arguments.items():
            wanted = self.plan.demand(frame, node, argument, window)
            if wanted is not None:
                self._from_value(frame, value, name, wanted)
        return self.found

    def _from_value(self, frame: Frame, value: Any, name: str, window: GeoBox) -> None:
        if is_reference(value, "from_node"):
            self.from_node(frame, value["from_node"], window)
        elif is_reference(value, "from_parameter"):
            inner, home = frame.lookup(value["from_parameter"], node=name)
            if home is not None:
                self._from_value(home, inner, name, window)
