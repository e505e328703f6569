"""Options that several commands share, and how their texts are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from drylands_openeo.area import Area
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Product
from drylands_openeo.products import get_product
from drylands_openeo.products.aridity import within_drylands
from drylands_openeo.profiles import PROFILES, Profile, get_profile

Source = Annotated[
    str | None,
    typer.Option(
        help="STAC API (address, or earth-search, earth-search-c1, planetary-computer, cdse) or catalogue file."
    ),
]
Bbox = Annotated[str | None, typer.Option(help="Area as west,south,east,north [degrees].")]
AreaFile = Annotated[Path | None, typer.Option("--area", help="Area as a GeoJSON file.")]
PeriodText = Annotated[str | None, typer.Option(help="2020, 2020-05, or 2020-01-01/2022-12-31 (last day included).")]
Parameters = Annotated[list[str] | None, typer.Option("--param", help="A product's parameter, name=value; repeatable.")]
Units = Annotated[
    list[str] | None, typer.Option("--units", help="Unit of a climate variable, e.g. tp=m/day; repeatable.")
]
CloudCover = Annotated[float | None, typer.Option("--cloud-cover", help="Largest cloud cover of a scene [%].")]
Where = Annotated[str | None, typer.Option(help="CQL2 text on item properties, e.g. \"platform = 'sentinel-2b'\".")]
Backend = Annotated[str, typer.Option(help=f"Whose rules, collections and bands: {', '.join(PROFILES)}.")]
StacOf = Annotated[
    list[str] | None,
    typer.Option("--stac", help="Your own STAC for a role, e.g. climate=https://...; repeatable."),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads that read and compute; default: one a core, 8 at most.")
]
Drylands = Annotated[
    str | None,
    typer.Option(help="Only where desertification is possible by the climate of this period, e.g. 1991/2020."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors are printed.")]


@dataclass(frozen=True)
class Order:
    """What is wanted."""

    what: str
    place: Area | None
    period: str | None
    parameters: Mapping[str, Any]
    resolution: float | None
    format: str
    out: Path
    drylands: str | None = None

    @property
    def product(self) -> Product:
        """The product that is wanted, within the drylands where that was asked for."""
        product = get_product(self.what)
        return product if self.drylands is None else within_drylands(product, self.drylands)


def refuse_drylands(order: Order) -> None:
    """A graph is run as it is."""
    if order.drylands is not None:
        raise DrylandsError(f"--drylands {order.drylands} is for products; {order.what} is a graph: mask it in there")


def area_of(bbox: str | None, area: Path | None) -> Area | None:
    """The area of either option; both at once are a mistake."""
    if bbox is not None and area is not None:
        raise DrylandsError("--bbox and --area were both given; give one")
    if area is not None:
        return Area.of(area)
    if bbox is None:
        return None
    try:
        values = [float(value) for value in bbox.replace(" ", "").split(",")]
    except ValueError:
        raise DrylandsError(f"--bbox is {bbox!r}; give west,south,east,north in degrees") from None
    return Area.of(values)


def needed(value: Any, option: str) -> Any:
    """The value, or an error that asks for the option."""
    if value is None:
        raise DrylandsError(f"{option} is needed")
    return value


def parameters_of(texts: list[str] | None) -> dict[str, Any]:
    """name=value pairs; a value is JSON where it can be read as JSON, else text.

    >>> parameters_of(["index=evi2", "harmonics=2", "trend=true", 'keep=[4, 5]'])
    {'index': 'evi2', 'harmonics': 2, 'trend': True, 'keep': [4, 5]}
    """
    pairs = [text.partition("=") for text in texts or ()]
    for name, mark, _ in pairs:
        if not (name and mark):
            raise DrylandsError(f"--param {name!r} is not name=value")
    return {name: _value(text) for name, _, text in pairs}


def profile_of(name: str, stac: list[str] | None = None) -> Profile:
    """The back-end's profile, with roles that are loaded from STAC collections of the user's own.

    >>> profile_of("cdse", ["climate=https://example.org/collection.json"]).of("climate").url
    'https://example.org/collection.json'
    """
    return with_stac(get_profile(name), stac)


def with_stac(profile: Profile, stac: list[str] | None) -> Profile:
    """The profile, with roles that are loaded from STAC collections of the user's own: role=address."""
    for text in stac or ():
        role, mark, url = text.partition("=")
        if not (role and mark and url.startswith(("http://", "https://"))):
            raise DrylandsError(f"--stac {text!r} is not role=https://...")
        profile = profile.with_stac(role, url)
    return profile


def inputs_of(texts: list[str] | None) -> dict[str, str]:
    """role=file or role=source pairs.

    >>> inputs_of(["climate=climate.nc", "npp=https://stac.example.org"])
    {'climate': 'climate.nc', 'npp': 'https://stac.example.org'}
    """
    roles = get_profile("local").collections
    pairs = [text.partition("=") for text in texts or ()]
    for role, mark, where in pairs:
        if not (mark and where) or role not in roles:
            raise DrylandsError(
                f"--input {role + mark + where!r} is not role=file; roles are {', '.join(sorted(roles))}"
            )
    return {role: where for role, _, where in pairs}


def units_of(texts: list[str] | None) -> dict[str, str]:
    """variable=unit pairs.

    >>> units_of(["tp=m/day", "t2m=K"])
    {'tp': 'm/day', 't2m': 'K'}
    """
    pairs = [text.partition("=") for text in texts or ()]
    for name, mark, unit in pairs:
        if not (name and mark and unit):
            raise DrylandsError(f"--units {name!r} is not variable=unit")
    return {name: unit for name, _, unit in pairs}


def read_graph(path: Path) -> Mapping[str, Any]:
    """The process graph in a JSON file."""
    if not path.is_file():
        raise DrylandsError(f"process graph {str(path)!r} does not exist")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DrylandsError(f"process graph {str(path)!r} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DrylandsError(f"process graph {str(path)!r} is not a JSON object")
    return content


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
