"""What an assessment is told: area, period, sources, products and options, checked when they are read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products import get_product
from drylands_openeo.profiles import CLIMATE, LAND_COVER, NPP, VEGETATION

CHAIN = ("aridity", "mnpp_trend", "contingency", "rain_use", "land_condition", "restrend", "drivers")
"""What can be asked for, in the order in which it is computed."""

NEEDS = {"land_condition": "rain_use"}
"""Product -> the one whose finished map it reads."""

ROLES = (CLIMATE, NPP, VEGETATION, LAND_COVER)

KEYS = ("name", "area", "period", "products", "sources", "options", "land_cover")

SECTIONS = ("boundaries", "rates", "potential")
"""Options besides those of products."""


@dataclass(frozen=True)
class Settings:
    """One assessment.

    ``sources``: role -> what `local.source_of` takes (``cube`` a path, or ``source`` and its kin). ``options``: product
    -> its parameters. ``land_cover``: code of the role land-cover -> name.
    """

    name: str
    area: Area
    period: Period
    products: tuple[str, ...]
    sources: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    land_cover: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.products if name not in CHAIN]
        if unknown or not self.products:
            raise DrylandsError(f"products {list(self.products)}: give some of {', '.join(CHAIN)}")
        for name, needed in NEEDS.items():
            if name in self.products and needed not in self.products:
                raise DrylandsError(f"product {name!r} needs the map of {needed!r}: add it to products")
        by_strata = self.arguments("contingency").get("benchmark") == "potential"
        if by_strata and not (LAND_COVER in self.sources and "aridity" in self.products):
            raise DrylandsError("benchmark 'potential' needs [sources.land-cover] and the product 'aridity'")
        for name in self.products:
            for role in get_product(name).inputs:
                if role in ROLES and role not in self.sources:
                    raise DrylandsError(f"product {name!r} needs a source: add a table [sources.{role}]")

    @classmethod
    def read(cls, path: str | Path) -> "Settings":
        """From a TOML file; the paths in it are relative to it."""
        path = Path(path)
        if not path.is_file():
            raise DrylandsError(f"assessment file {str(path)!r} does not exist")
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DrylandsError(f"assessment file {str(path)!r} is not TOML: {error}") from error
        try:
            return _settings(content, path)
        except DrylandsError as error:
            raise DrylandsError(f"{path}: {error}") from error

    def arguments(self, product: str) -> dict[str, Any]:
        """The parameters of a product: its own table of options, and those in [options] that it has."""
        return dict(self.options.get(product, {}))


def _settings(content: Mapping[str, Any], path: Path) -> Settings:
    _known(content, KEYS, "key")
    for key in ("area", "period", "sources"):
        if key not in content:
            raise DrylandsError(f"{key!r} is missing")
    products = tuple(content.get("products", CHAIN))
    return Settings(
        name=str(content.get("name", path.stem)),
        area=_area(content["area"], path.parent),
        period=Period.of(content["period"]),
        products=tuple(name for name in CHAIN if name in products) + tuple(n for n in products if n not in CHAIN),
        sources={role: _source(role, table, path.parent) for role, table in _sources(content).items()},
        options=_options(content.get("options", {})),
        land_cover={_code(code): str(name) for code, name in content.get("land_cover", {}).items()},
    )


def _area(some: Any, folder: Path) -> Area:
    return Area.of(folder / some if isinstance(some, str) else some)


def _sources(content: Mapping[str, Any]) -> Mapping[str, Any]:
    sources: Mapping[str, Any] = content["sources"]
    _known(sources, ROLES, "source")
    return sources


def _source(role: str, table: Any, folder: Path) -> dict[str, Any]:
    if not isinstance(table, Mapping) or not ("cube" in table) ^ ("source" in table):
        raise DrylandsError(f'[sources.{role}] needs either cube = "FILE" or source = "STAC address or catalogue"')
    found = dict(table)
    if "cube" in found:
        found["cube"] = (folder / str(found["cube"])).resolve()
    elif (folder / str(found["source"])).is_file():
        found["source"] = str((folder / str(found["source"])).resolve())
    return found


def _options(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Product or section -> its options; those outside a table go to every product that has such a parameter."""
    shared = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    own = {name: dict(value) for name, value in table.items() if isinstance(value, Mapping)}
    _known(own, (*CHAIN, *SECTIONS), "table of options")
    parameters = {name: {p.name for p in get_product(name).parameters} for name in CHAIN}
    for name in shared:
        if not any(name in known for known in parameters.values()):
            raise DrylandsError(f"option {name!r} is a parameter of none of: {', '.join(CHAIN)}")
    for product, known in parameters.items():
        own[product] = {name: value for name, value in shared.items() if name in known} | own.get(product, {})
    return own


def _known(table: Mapping[str, Any], allowed: tuple[str, ...], what: str) -> None:
    unknown = [name for name in table if name not in allowed]
    if unknown:
        raise DrylandsError(f"{what} {unknown[0]!r} is not known; there are {', '.join(allowed)}")


def _code(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DrylandsError(f"[land_cover] maps codes to names; {text!r} is no code") from None
