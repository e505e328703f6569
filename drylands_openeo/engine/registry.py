"""The processes that the engine offers, by their openEO names."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from odc.geo.geobox import GeoBox

from drylands_openeo.errors import GraphError

Function = TypeVar("Function", bound=Callable[..., Any])
Arguments = Mapping[str, Any]


class Footprint:
    """Where on the ground a process takes its result from; this one: each pixel from the same pixel."""

    def grid(self, inputs: Mapping[str, GeoBox | None], arguments: Arguments) -> GeoBox | None:
        """The grid of the result, from the grids of the cubes among the arguments."""
        return next((grid for grid in inputs.values() if grid is not None), None)

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        """The window of an input (on the grid ``source``) that a window of the result is made of."""
        return window


SAME = Footprint()


class Whole(Footprint):
    """A result without pixels of its own, made of the whole input."""

    def grid(self, inputs: Mapping[str, GeoBox | None], arguments: Arguments) -> GeoBox | None:
        """No grid."""
        return None

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        """All of the input."""
        return source


@dataclass(frozen=True)
class Process:
    """One openEO process: the function that does it, and where it takes its pixels from."""

    id: str
    function: Callable[..., Any]
    footprint: Footprint
    parameters: tuple[str, ...]
    required: frozenset[str]

    def check(self, arguments: Arguments, *, node: str) -> None:
        """Raise :class:`GraphError` for an argument that the process does not have, or that is missing."""
        for name in arguments:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise GraphError(
                    f"process {self.id!r} has no argument {name!r}; it has {known}",
                    node=node,
                    code="ProcessParameterUnsupported",
                )
        for name in self.parameters:
            if name in self.required and name not in arguments:
                raise GraphError(
                    f"process {self.id!r} needs the argument {name!r}", node=node, code="ProcessParameterRequired"
                )


PROCESSES: dict[str, Process] = {}

INJECTED = frozenset({"environment", "place"})
"""Keyword-only arguments that come from the engine, not from the graph."""


@overload
def process(function: Function) -> Function: ...
@overload
def process(*, footprint: Footprint) -> Callable[[Function], Function]: ...
def process(function: Function | None = None, *, footprint: Footprint = SAME) -> Any:
    """Offer a function as the openEO process of its name (a trailing underscore, as in ``if_``, is dropped).

    The function's parameters are the arguments of the specification by name, in its order, with its defaults.
    """

    def register(function: Function) -> Function:
        name = function.__name__.rstrip("_")
        signature = {
            argument: parameter
            for argument, parameter in inspect.signature(function).parameters.items()
            if argument not in INJECTED
        }
        required = frozenset(key for key, value in signature.items() if value.default is inspect.Parameter.empty)
        PROCESSES[name] = Process(name, function, footprint, tuple(signature), required)
        return function

    return register if function is None else register(function)
