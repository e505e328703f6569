"""What each node's cube is: its dimensions, and whether its values are stored numbers or physical ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.loads import LOADS, collection_of
from drylands_openeo.check.scopes import Call, Scope, Subject
from drylands_openeo.check.values import CLASSES, Values, check_callback, of_callback
from drylands_openeo.profiles import Collection, Profile

DIMENSION = Rule("dimension.missing", "error", "The cube has no such dimension at this point; the back-end refuses.")
EXISTS = Rule("dimension.exists", "error", "A dimension can be added only where there is none of its name.")

RULES = (DIMENSION, EXISTS)

_KEEPS_CLASSES = {"near", "mode", "max", "min", "med", "first"}


@dataclass(frozen=True)
class Cube:
    """A node's result, where it is a cube; ``dimensions`` None: not known; ``collection``: where it is from."""

    dimensions: frozenset[str] | None = None
    values: Values = Values.UNKNOWN
    collection: Collection | None = None


Cubes = Mapping[str, Cube]


def cubes_of(subject: Subject) -> dict[str, Cube]:
    """Path of a node of the top level -> its cube."""
    callbacks = {(scope.owner.path, scope.argument): scope for scope in subject.scopes if scope.owner is not None}
    found: dict[str, Cube] = {}
    for call in subject.root.order:
        found[call.path] = _result(call, found, callbacks, subject.profile)
    return found


def input_of(call: Call, cubes: Cubes, argument: str = "data") -> Cube:
    """The cube that a node takes."""
    source = call.node(argument)
    return Cube() if source is None else cubes.get(source.path, Cube())


def check_cubes(subject: Subject) -> Iterator[Finding]:
    """Dimensions that are not there, or there already; values that are not what the graph takes them for."""
    cubes = cubes_of(subject)
    for call in subject.root.calls.values():
        cube = input_of(call, cubes)
        if cube.dimensions is not None:
            yield from _dimensions(call, cube.dimensions)
        method = call.arguments.get("method", "near")
        resampled = call.process_id in ("resample_spatial", "resample_cube_spatial")
        if resampled and cube.values is Values.CLASSES and isinstance(method, str) and method not in _KEEPS_CLASSES:
            yield CLASSES.at(call.path, f"classes are resampled by {method!r}", "Give method 'near'.")
    for scope in subject.scopes[1:]:
        owner = scope.owner
        cube = input_of(owner, cubes) if owner is not None and owner.scope is subject.root else Cube()
        yield from check_callback(scope, cube.values, cube.collection)


def _dimensions(call: Call, dimensions: frozenset[str]) -> Iterator[Finding]:
    known = ", ".join(sorted(dimensions))
    if call.process_id == "add_dimension":
        name = call.arguments.get("name")
        if isinstance(name, str) and name in dimensions:
            what = f"the cube has a dimension {name!r} already"
            yield EXISTS.at(call.path, what, "Drop it before, or add another name.")
        return
    windows = [*_items(call.arguments.get("size")), *_items(call.arguments.get("overlap"))]
    asked = [call.arguments.get("dimension"), *(window.get("dimension") for window in windows)]
    for name in dict.fromkeys(name for name in asked if isinstance(name, str)):
        if name not in dimensions:
            yield DIMENSION.at(call.path, f"the cube has no dimension {name!r}", f"It has: {known}.")


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _result(call: Call, cubes: Cubes, callbacks: Mapping[tuple[str, str], Scope], profile: Profile) -> Cube:
    """The cube of one node, from those of its inputs."""
    if call.is_foreign:
        return Cube()
    if call.process_id in LOADS:
        return _loaded(call, profile)
    cube = input_of(call, cubes)
    for argument in ("reducer", "process"):
        callback = callbacks.get((call.path, argument))
        if callback is not None:
            cube = replace(cube, values=of_callback(callback, cube.values))
    change = _CHANGES.get(call.process_id)
    if change is None:
        return cube if call.process_id in _KEEP else Cube()
    return change(call, cube, cubes)


def _loaded(call: Call, profile: Profile) -> Cube:
    collection = collection_of(call, profile)
    dimensions = frozenset({"x", "y", profile.band, profile.time})
    unknown = Values.INTEGER if profile.keeps_integers else Values.UNKNOWN
    if collection is None:
        return Cube(dimensions, unknown)
    bands = call.arguments.get("bands")
    if isinstance(bands, list) and bands and set(map(str, bands)) <= collection.classes:
        return Cube(dimensions, Values.CLASSES, collection)
    if collection.scale is None:
        return Cube(dimensions, unknown, collection)
    return Cube(dimensions, Values.PHYSICAL if collection.scale == 1 else Values.STORED, collection)


def _changed(change: Callable[[Call, frozenset[str]], frozenset[str] | None]) -> Callable[[Call, Cube, Cubes], Cube]:
    def changed(call: Call, cube: Cube, cubes: Cubes) -> Cube:
        return cube if cube.dimensions is None else replace(cube, dimensions=change(call, cube.dimensions))

    return changed


def _without(argument: str) -> Callable[[Call, Cube, Cubes], Cube]:
    def change(call: Call, dimensions: frozenset[str]) -> frozenset[str] | None:
        name = call.arguments.get(argument)
        return dimensions - {name} if isinstance(name, str) else None

    return _changed(change)


def _with(call: Call, dimensions: frozenset[str]) -> frozenset[str] | None:
    name = call.arguments.get("name")
    return dimensions | {name} if isinstance(name, str) else None


def _renamed(call: Call, dimensions: frozenset[str]) -> frozenset[str] | None:
    source, target = call.arguments.get("source"), call.arguments.get("target")
    return (dimensions - {source}) | {target} if isinstance(source, str) and isinstance(target, str) else None


def _target(call: Call, cube: Cube, cubes: Cubes) -> Cube:
    """apply_dimension: with a target, the dimension gives way to it."""
    target, source = call.arguments.get("target_dimension"), call.arguments.get("dimension")
    if target is None or cube.dimensions is None:
        return cube
    known = isinstance(target, str) and isinstance(source, str)
    return replace(cube, dimensions=(cube.dimensions - {source}) | {target} if known else None)


def _merged(call: Call, cube: Cube, cubes: Cubes) -> Cube:
    one, other = input_of(call, cubes, "cube1"), input_of(call, cubes, "cube2")
    both = None if one.dimensions is None or other.dimensions is None else one.dimensions | other.dimensions
    same = one.values is other.values
    return Cube(both, one.values if same else Values.UNKNOWN, one.collection if same else None)


def _index(call: Call, cube: Cube, cubes: Cubes) -> Cube:
    """ndvi: the bands give way to one value, unless a band is added."""
    kept = None if call.arguments.get("target_band") is not None else cube.dimensions
    bands = {"bands", "spectral"}
    return Cube(None if kept is None else frozenset(kept - bands), Values.RATIO)


_CHANGES: Mapping[str, Callable[[Call, Cube, Cubes], Cube]] = {
    "reduce_dimension": _without("dimension"),
    "drop_dimension": _without("name"),
    "add_dimension": _changed(_with),
    "rename_dimension": _changed(_renamed),
    "apply_dimension": _target,
    "merge_cubes": _merged,
    "ndvi": _index,
}
_KEEP = {
    "aggregate_temporal",
    "aggregate_temporal_period",
    "apply",
    "apply_kernel",
    "apply_neighborhood",
    "filter_bands",
    "filter_bbox",
    "filter_labels",
    "filter_spatial",
    "filter_temporal",
    "mask",
    "mask_polygon",
    "rename_labels",
    "resample_cube_spatial",
    "resample_spatial",
    "save_result",
}
