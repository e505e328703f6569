"""A graph made ready to run: its frames of parameters, the grid of every node, and its evaluation on a window.

Evaluation is pulled from the result: a node asks its inputs for the window that its own window is made of (the same
pixels for most processes, a margin more for a kernel, other pixels for a resampling), so that a tile costs what it
needs and nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from odc.geo.geobox import GeoBox

from drylands_openeo.engine import windows
from drylands_openeo.engine.environment import Environment
from drylands_openeo.engine.graph import Graph, Node, Program, is_callback, is_reference
from drylands_openeo.engine.registry import PROCESSES, Process
from drylands_openeo.engine.source import Layer
from drylands_openeo.engine.values import Cube
from drylands_openeo.errors import GraphError
from drylands_openeo.flatgraph import callbacks

LOADS = frozenset({"load_collection", "load_stac"})

Held = Mapping[tuple["Frame", str], Cube]
"""Load node -> its cube on a window that holds all windows asked of it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A graph with the values of its parameters; ``parent`` is where those values' own references are looked up."""

    graph: Graph
    parameters: Mapping[str, Any]
    parent: "Frame | None" = None
    callback: bool = False
    children: dict[str, "Frame"] = field(default_factory=dict)

    def lookup(self, name: str, *, node: str) -> tuple[Any, "Frame | None"]:
        """A parameter's value and the frame in which references inside it are to be read."""
        if name in self.parameters:
            return self.parameters[name], None if self.callback else self.parent
        if self.callback and self.parent is not None:
            return self.parent.lookup(name, node=node)
        raise GraphError(
            f"parameter {name!r} is not declared; declared here: {', '.join(sorted(self.parameters)) or 'none'}",
            node=node,
            code="ProcessParameterMissing",
        )


@dataclass(frozen=True, eq=False)
class Callback:
    """A process graph given as an argument: call it with its parameters."""

    plan: "Plan"
    graph: Graph
    frame: Frame
    node: str

    def __call__(self, **parameters: Any) -> Any:
        """The result of the callback for these values (NumPy blocks, stacks, scalars)."""
        inner = Frame(self.graph, parameters, self.frame, callback=True)
        try:
            return _Evaluation(self.plan).value(inner, self.graph.result, None)
        except GraphError as error:
            if error.node is None or error.node in self.frame.graph.nodes:
                raise
            raise type(error)(str(error), node=self.node, code=error.code) from error

    @property
    def only(self) -> Node | None:
        """The single node of a callback of one node, else None."""
        return self.graph.nodes[self.graph.result] if len(self.graph.nodes) == 1 else None


class Plan:
    """A program bound to its arguments and to an environment; evaluated as a whole or window by window."""

    def __init__(self, program: Program, environment: Environment, arguments: Mapping[str, Any] | None = None) -> None:
        self.environment = environment
        self.root = Frame(program.graph, program.bind(arguments or {}))
        self._layers: dict[tuple[Frame, str], Layer] = {}
        self._grids: dict[tuple[Frame, str], GeoBox | None] = {}
        self._constants: dict[tuple[Frame, str], Any] = {}
        self._statics: dict[tuple[Frame, str], Mapping[str, Any]] = {}
        self._lock = RLock()
        self._check(self.root)

    def __getstate__(self) -> dict[str, Any]:
        """Without the lock, which does not travel to other processes."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With a lock of its own."""
        self.__dict__.update(state)
        self._lock = RLock()

    def evaluate(self, window: GeoBox | None = None, held: Held | None = None) -> Any:
        """The result; a cube is cut to ``window`` (on the result's grid) when one is given.

        ``held``: what load nodes would read, read already. What could not be read and was reported as a gap stands in
        the cube's ``attrs["gaps"]``.
        """
        evaluation = _Evaluation(self, held=held)
        value = evaluation.value(self.root, self.root.graph.result, window)
        return (
            value.assign_attrs(gaps=sorted(evaluation.gaps)) if evaluation.gaps and isinstance(value, Cube) else value
        )

    @property
    def grid(self) -> GeoBox | None:
        """The grid of the result; None for a result without pixels."""
        return self.grid_of(self.root, self.root.graph.result)

    def layers(self) -> tuple[Layer, ...]:
        """The layers that the result is made of, opened by now."""
        _ = self.grid
        return tuple(self._layers.values())

    def layer(self, frame: Frame, name: str) -> Layer:
        """The layer that a load node opens; opened once."""
        key = (frame, name)
        if key not in self._layers:
            node = frame.graph.nodes[name]
            arguments = _Evaluation(self).arguments(frame, node, None)
            process = self.process(node)
            process.check(arguments, node=name)
            self._layers[key] = _named(name, process.function, **arguments, environment=self.environment)
        return self._layers[key]

    def grid_of(self, frame: Frame, name: str) -> GeoBox | None:
        """The grid of a node's cube; None where there is none."""
        key = (frame, name)
        if key not in self._grids:
            self._grids[key] = self._find_grid(frame, name)
        return self._grids[key]

    def child(self, frame: Frame, node: Node) -> Frame | None:
        """The frame of the user-defined process that a node calls; None for a process of the engine."""
        if node.id not in frame.children:
            program = self.environment.definition(node.process_id, node.namespace, node=node.id)
            if program is None:
                return None
            bound = program.bind(node.arguments, node=node.id)
            frame.children[node.id] = Frame(program.graph, bound, frame)
            self._check(frame.children[node.id])
        return frame.children[node.id]

    def constant(self, frame: Frame, name: str) -> Any:
        """The value of a node without pixels, computed once for all windows (a statistic of the whole area, say)."""
        key = (frame, name)
        with self._lock:
            if key not in self._constants:
                self._constants[key] = _Evaluation(self).value(frame, name, None)
            return self._constants[key]

    def static(self, frame: Frame, node: Node) -> Mapping[str, Any]:
        """A node's arguments with cubes left as references: they are the same for all windows."""
        key = (frame, node.id)
        if key not in self._statics:
            self._statics[key] = _Evaluation(self, planning=True).arguments(frame, node, None)
        return self._statics[key]

    def process(self, node: Node) -> Process:
        """The engine's process that a node calls."""
        try:
            return PROCESSES[node.process_id]
        except KeyError:
            raise GraphError(
                f"there is no process {node.process_id!r}", node=node.id, code="ProcessUnsupported"
            ) from None

    def _find_grid(self, frame: Frame, name: str) -> GeoBox | None:
        node = frame.graph.nodes[name]
        if (inner := self.child(frame, node)) is not None:
            return self.grid_of(inner, inner.graph.result)
        if node.process_id in LOADS:
            return self.layer(frame, name).grid
        inputs = {key: self.argument_grid(frame, value, name) for key, value in node.arguments.items()}
        if not any(inputs.values()):
            return None
        return _named(name, self.process(node).footprint.grid, inputs, self.static(frame, node))

    def argument_grid(self, frame: Frame, value: Any, name: str) -> GeoBox | None:
        """The grid of the cube that an argument refers to; None where it is no cube."""
        if is_reference(value, "from_node"):
            return self.grid_of(frame, value["from_node"])
        if is_reference(value, "from_parameter"):
            inner, home = frame.lookup(value["from_parameter"], node=name)
            if isinstance(inner, Cube):
                return windows.grid_of(inner)
            return None if home is None else self.argument_grid(home, inner, name)
        return None

    def demand(self, frame: Frame, node: Node, argument: str, window: GeoBox) -> GeoBox | None:
        """The window of one argument's cube that a node's window is made of; None where it is no cube."""
        source = self.argument_grid(frame, node.arguments[argument], node.id)
        if source is None:
            return None
        wanted = self.process(node).footprint.demand(window, source, self.static(frame, node))
        return windows.within(wanted, source)

    def _check(self, frame: Frame) -> None:
        """Unknown processes are told before anything is read, those inside callbacks too."""
        for node in _all_nodes(frame.graph):
            if self.environment.definition(node.process_id, node.namespace, node=node.id) is None:
                self.process(node).check(node.arguments, node=node.id)


class _Evaluation:
    """One pass over the graph for one window; what several nodes use is kept until the pass ends."""

    def __init__(self, plan: Plan, *, planning: bool = False, held: Held | None = None) -> None:
        self.plan = plan
        self.planning = planning
        self.held = held or {}
        self.kept: dict[tuple[Frame, str, Any], Any] = {}
        self.gaps: set[str] = set()

    def value(self, frame: Frame, name: str, window: GeoBox | None, *, shared: bool = False) -> Any:
        """The value of a node on a window of its grid; ``shared`` when a parameter leads to it, perhaps from many."""
        key = (frame, name, windows.key(window))
        if key in self.kept:
            return self.kept[key]
        value = self._compute(frame, frame.graph.nodes[name], window)
        if shared or frame.graph.uses[name] > 1:
            self.kept[key] = value
        return value

    def arguments(self, frame: Frame, node: Node, window: GeoBox | None) -> dict[str, Any]:
        """A node's arguments with every reference replaced by its value."""
        return {name: self._argument(frame, node, name, window) for name in node.arguments}

    def _argument(self, frame: Frame, node: Node, name: str, window: GeoBox | None) -> Any:
        value = node.arguments[name]
        if name in node.fixed:
            return value
        wanted = None if window is None else self.plan.demand(frame, node, name, window)
        return self._resolve(value, frame, node, wanted)

    def _compute(self, frame: Frame, node: Node, window: GeoBox | None) -> Any:
        if (inner := self.plan.child(frame, node)) is not None:
            return self.value(inner, inner.graph.result, window)
        if node.process_id in LOADS:
            return self._read(frame, node.id, window)
        if window is not None and self.plan.grid_of(frame, node.id) is None:
            return self.plan.constant(frame, node.id)
        return self._call(frame, node, window)

    def _read(self, frame: Frame, name: str, window: GeoBox | None) -> Cube:
        if window is not None and (frame, name) in self.held:
            part: Cube = windows.crop(self.held[frame, name], window)
            return part
        layer = self.plan.layer(frame, name)
        cube = layer.read(layer.grid if window is None else window)
        self.gaps.update(cube.attrs.pop("gaps", ()))
        return cube

    def _call(self, frame: Frame, node: Node, window: GeoBox | None) -> Any:
        process = self.plan.process(node)
        grid = None if window is None else self.plan.grid_of(frame, node.id)
        arguments = self.arguments(frame, node, window)
        process.check(arguments, node=node.id)
        value = _named(node.id, process.function, **arguments, **self._injected(process, grid, window))
        return value if window is None else windows.crop(value, window)

    def _injected(self, process: Process, grid: GeoBox | None, window: GeoBox | None) -> dict[str, Any]:
        offered = {"environment": self.plan.environment, "place": windows.Place(grid, window)}
        code = process.function.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return {name: value for name, value in offered.items() if name in names}

    def _resolve(
        self, value: Any, frame: Frame | None, node: Node, window: GeoBox | None, *, shared: bool = False
    ) -> Any:
        if frame is None:
            return windows.crop(value, window) if isinstance(value, Cube) and window is not None else value
        if is_reference(value, "from_node"):
            if self.planning and self.plan.grid_of(frame, value["from_node"]) is not None:
                return value
            return self.value(frame, value["from_node"], window, shared=shared)
        if is_reference(value, "from_parameter"):
            inner, home = frame.lookup(value["from_parameter"], node=node.id)
            return self._resolve(inner, home, node, window, shared=True)
        if is_callback(value):
            return Callback(self.plan, Graph.parse(value["process_graph"]), frame, node.id)
        if isinstance(value, Mapping):
            return {key: self._resolve(inner, frame, node, window) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._resolve(inner, frame, node, window) for inner in value]
        return value


def _all_nodes(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes.values():
        yield node
        for inner in callbacks(dict(node.arguments)):
            yield from _all_nodes(Graph.parse(inner))


def _named(node: str, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call, and let an error that knows no node carry this one's id."""
    try:
        return function(*args, **kwargs)
    except GraphError as error:
        if error.node is not None:
            raise
        raise type(error)(str(error), node=node, code=error.code) from error
