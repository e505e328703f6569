"""Arrays: made, joined, searched, and taken apart.

An array over pixels (a stack) has one length for all its pixels. Where a process of the specification would give
every pixel an array of its own length (array_filter by the values, sort and order without no-data values), the
length stays and what falls away becomes no data; reducers then give the same.
"""

from typing import Any

from drylands_openeo.engine.processes.comparison import eq
from drylands_openeo.engine.processes.elementwise import choose, is_block
from drylands_openeo.engine.processes.logic import true
from drylands_openeo.engine.processes.sequences import array, elements, labels, picked, rebuilt, stacked
from drylands_openeo.engine.registry import process
from drylands_openeo.errors import GraphError


@process
def array_create(data: Any = (), repeat: int = 1) -> Any:
    """An array of the given elements, ``repeat`` times after each other."""
    return array(elements(array(data)) * int(repeat))


@process
def array_create_labeled(data: Any, labels: Any) -> Any:
    """An array with a label for each element."""
    values, names = elements(array(data)), elements(array(labels))
    if len(values) != len(names):
        raise GraphError(f"{len(values)} values and {len(names)} labels", code="ArrayLengthMismatch")
    return rebuilt(values, names)


@process
def array_append(data: Any, value: Any, label: Any = None) -> Any:
    """The array with one more element, labelled (by its index where no label is given) if the array is."""
    data = array(data)
    names = labels(data)
    if names is None:
        if label is not None:
            raise GraphError(f"label {label!r} for an array without labels", code="ArrayNotLabeled")
        return rebuilt([*elements(data), value], None)
    label = len(data) if label is None else label
    if label in names:
        raise GraphError(f"the array has an element {label!r} already", code="LabelExists")
    return rebuilt([*elements(data), value], [*names, label])


@process
def array_concat(array1: Any, array2: Any) -> Any:
    """Both arrays after each other; labels are kept where both have some."""
    first, second = array(array1), array(array2)
    return rebuilt([*elements(first), *elements(second)], _joined(labels(first), labels(second)))


@process
def array_modify(data: Any, values: Any, index: int, length: int = 1) -> Any:
    """The array with ``length`` elements from ``index`` on replaced by ``values``."""
    data, values = array(data), array(values)
    if index > len(data):
        raise GraphError(f"index {index} in an array of {len(data)}", code="ArrayElementNotAvailable")
    kept, kept_names = elements(data), labels(data)
    changed = [*kept[:index], *elements(values), *kept[index + length :]]
    if kept_names is None or (labels(values) is None and len(values)):
        return rebuilt(changed, None)
    rest = (*kept_names[:index], *kept_names[index + length :])
    names = _joined(rest, labels(values) or ())
    assert names is not None
    added = names[len(rest) :]
    return rebuilt(changed, (*rest[:index], *added, *rest[index:]))


@process
def array_element(data: Any, index: int | None = None, label: Any = None, return_nodata: bool = False) -> Any:
    """The element at an index (from 0) or with a label."""
    data = array(data)
    if index is None and label is None:
        raise GraphError("array_element needs 'index' or 'label'", code="ArrayElementParameterMissing")
    if index is not None and label is not None:
        raise GraphError("array_element takes 'index' or 'label', not both", code="ArrayElementParameterConflict")
    position = index if label is None else _position(labels(data), label)
    if position is not None and 0 <= position < len(data):
        return elements(data)[int(position)]
    if return_nodata:
        return None
    wanted = f"index {index}" if label is None else f"label {label!r}"
    has = f"{len(data)} elements" if label is None else f"labels {', '.join(map(str, labels(data) or ()))}"
    raise GraphError(f"no element with {wanted}; the array has {has}", code="ArrayElementNotAvailable")


@process
def array_labels(data: Any) -> Any:
    """The labels, or the indices of an array without."""
    data = array(data)
    names = labels(data)
    return list(range(len(data))) if names is None else list(names)


@process
def array_contains(data: Any, value: Any) -> Any:
    """Whether an element equals the value."""
    found: Any = False
    for element in elements(array(data)):
        found = found | true(eq(element, value))
    return found


@process
def array_find(data: Any, value: Any, reverse: bool = False) -> Any:
    """The index of the first (or last) element that equals the value, else null."""
    data = array(data)
    found: Any = None
    for index in range(len(data)) if reverse else reversed(range(len(data))):
        match = true(eq(elements(data)[index], value))
        if is_block(match):
            found = choose(match, index, found)
        elif match:
            found = index
    return found


@process
def array_find_label(data: Any, label: Any) -> Any:
    """The index of the element with a label, else null."""
    names = labels(array(data))
    return None if names is None else _position(names, label)


@process
def array_apply(data: Any, process: Any, context: Any = None) -> Any:
    """The array with every element put through a process, which may also ask for ``index`` and ``label``."""
    data = array(data)
    return rebuilt(_each(data, process, context), labels(data))


@process
def array_filter(data: Any, condition: Any, context: Any = None) -> Any:
    """The elements that fulfil a condition on ``x``, ``index`` or ``label``.

    Over pixels, a condition on the values makes the others no data; one on index or label removes elements.
    """
    data = array(data)
    keep = [true(kept) for kept in _each(data, condition, context)]
    if any(is_block(kept) for kept in keep):
        chosen = [_kept(kept, value) for kept, value in zip(keep, elements(data), strict=True)]
        return stacked(chosen, labels(data))
    return picked(data, [position for position, kept in enumerate(keep) if kept])


def _each(data: Any, callback: Any, context: Any) -> list[Any]:
    names = labels(data) or (None,) * len(data)
    return [
        callback(x=element, index=index, label=name, context=context)
        for index, (element, name) in enumerate(zip(elements(data), names, strict=True))
    ]


def _kept(kept: Any, value: Any) -> Any:
    return choose(kept, value, None) if is_block(kept) else value if kept else None


def _position(names: tuple[Any, ...] | None, label: Any) -> int | None:
    if names is None:
        raise GraphError(f"label {label!r} asked of an array without labels", code="ArrayNotLabeled")
    return next((position for position, name in enumerate(names) if eq(name, label)), None)


def _joined(first: tuple[Any, ...] | None, second: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if first is None or second is None:
        return None
    both = [name for name in second if name in first]
    if both:
        raise GraphError(f"label {both[0]!r} is in both arrays", code="ArrayLabelConflict")
    return (*first, *second)
