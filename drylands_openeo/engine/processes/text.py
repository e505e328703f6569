"""Texts: joined and searched."""

import json
from typing import Any

from drylands_openeo.engine.processes.sequences import array, elements
from drylands_openeo.engine.registry import process
from drylands_openeo.errors import GraphError


@process
def text_begins(data: Any, pattern: str, case_sensitive: bool = True) -> Any:
    """Whether a text begins with a pattern."""
    if data is None:
        return None
    whole, part = _texts(data, pattern, case_sensitive)
    return whole.startswith(part)


@process
def text_ends(data: Any, pattern: str, case_sensitive: bool = True) -> Any:
    """Whether a text ends with a pattern."""
    if data is None:
        return None
    whole, part = _texts(data, pattern, case_sensitive)
    return whole.endswith(part)


@process
def text_contains(data: Any, pattern: str, case_sensitive: bool = True) -> Any:
    """Whether a text contains a pattern."""
    found = text_find(data, pattern, case_sensitive)
    return None if data is None else found is not None


@process
def text_find(data: Any, pattern: str, case_sensitive: bool = True) -> Any:
    """Where a pattern first occurs in a text (from 0), else null."""
    if data is None:
        return None
    whole, part = _texts(data, pattern, case_sensitive)
    position = whole.find(part)
    return None if position < 0 else position


@process
def text_concat(data: Any, separator: Any = "") -> str:
    """The elements as texts, with a separator between them.

    >>> text_concat([None, True, -1.5, "a"], separator="|")
    'null|true|-1.5|a'
    """
    return _text(separator).join(_text(element) for element in elements(array(data)))


def _texts(data: Any, pattern: Any, case_sensitive: bool) -> tuple[str, str]:
    if not isinstance(data, str) or not isinstance(pattern, str):
        raise GraphError(f"texts are needed, not {data!r} and {pattern!r}", code="ArgumentInvalid")
    return (data, pattern) if case_sensitive else (data.lower(), pattern.lower())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
