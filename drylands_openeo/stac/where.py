"""CQL2 on item properties, evaluated here whatever the server can do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cql2
from pystac import Item

from drylands_openeo.errors import DrylandsError

SAME_FOR_EVERY_PROCESSING = frozenset(
    {
        "constellation",
        "collection",
        "gsd",
        "grid:code",
        "instruments",
        "mgrs:grid_square",
        "mgrs:latitude_band",
        "mgrs:utm_zone",
        "platform",
        "proj:code",
        "proj:epsg",
        "s2:mgrs_tile",
        "s2:datatake_id",
        "sat:absolute_orbit",
        "sat:orbit_state",
        "sat:relative_orbit",
    }
)
"""Properties that reprocessing does not change. A server may filter by these before duplicates go; by any other
property (cloud cover first of all) it would choose between two processings of one scene by accident."""


class Where:
    """A CQL2 condition, text or JSON.

    >>> Where("s2:mgrs_tile = '49TGE'").may_precede_deduplication
    True
    >>> Where({"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}).may_precede_deduplication
    False
    """

    def __init__(self, condition: str | Mapping[str, Any]) -> None:
        try:
            self._expression = cql2.Expr(condition if isinstance(condition, str) else dict(condition))
            self.json: dict[str, Any] = self._expression.to_json()
        except Exception as error:
            raise DrylandsError(f"where {condition!r} is not CQL2: {error}") from error
        self._text = str(condition)
        self.properties = frozenset(_properties(self.json))

    @property
    def may_precede_deduplication(self) -> bool:
        """Whether all processings of a scene answer alike."""
        return self.properties <= SAME_FOR_EVERY_PROCESSING

    def keep(self, items: Iterable[Item]) -> list[Item]:
        """The items that meet the condition; an item without a property that decides does not."""
        return [item for item in items if self._holds(item)]

    def _holds(self, item: Item) -> bool:
        document = {"id": item.id, "collection": item.collection_id, "properties": item.properties}
        try:
            return bool(self._expression.matches(document))
        except Exception as error:
            if all(name in item.properties for name in self.properties):
                raise DrylandsError(
                    f"where {self._text!r} cannot be decided for item {item.id!r}; numbers are written without quotes"
                    f" ({error})"
                ) from error
            return False


def _properties(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("property"), str):
            yield node["property"]
        for value in node.values():
            yield from _properties(value)
    elif isinstance(node, list):
        for value in node:
            yield from _properties(value)
