"""Tables held as data: what a method decides by looking up, and the numbers it divides by."""

import json
from importlib.resources import files
from typing import Any


def read(name: str) -> dict[str, Any]:
    """The table ``name``: plain JSON, ready to be a kernel's ``table`` or part of a context.

    >>> read("contingency")["classes"]
    {'1': 'degradation', '2': 'fluctuation', '3': 'restoration'}
    >>> read("contingency")["readings"]["printed"][1]
    {'mnpp': 1, 'mi': [0, 1], 'classes': [1, 3, 3]}

    Raises ValueError for a table that there is not.
    """
    known = sorted(entry.name[:-5] for entry in files(__name__).iterdir() if entry.name.endswith(".json"))
    if name not in known:
        raise ValueError(f"no table {name!r}; there are {known}")
    table: dict[str, Any] = json.loads((files(__name__) / f"{name}.json").read_text("utf-8"))
    return table
