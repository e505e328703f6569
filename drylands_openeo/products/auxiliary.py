"""Inputs besides Sentinel-2, from a back-end's collection or a STAC collection that the caller names."""

from collections.abc import Sequence
from typing import Any

from openeo import DataCube
from openeo.internal.graph_building import PGNode

from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments, Parameter, is_open
from drylands_openeo.profiles import CLIMATE, Profile


def address(role: str, what: str) -> Parameter:
    """The parameter that names where the input of a role comes from; a published process has to be told."""
    return Parameter(
        role,
        f"Address of a STAC collection with {what}. In a generated graph it may be left out where the back-end has a "
        f"collection for the role {role!r}, as a run on this machine has.",
        {"type": "string"},
        derive=lambda arguments: "",
    )


def load_auxiliary(profile: Profile, role: str, bands: Sequence[str], arguments: Arguments) -> DataCube:
    """The cube (t, bands, y, x) of a role, ``bands`` by the names that its collection has, on its own grid."""
    where = arguments[role]
    loaded = {name: arguments[name] for name in ("spatial_extent", "temporal_extent")} | {"bands": list(bands)}
    if is_open(where) or where:  # openeo's load_stac would read the collection now, from the network
        return DataCube(PGNode("load_stac", arguments={"url": where, **loaded}), connection=None)
    collection = profile.of(role)
    if collection.names and not set(bands) <= collection.names:
        raise DrylandsError(
            f"back-end {profile.name!r}: its collection for {role!r} has {', '.join(sorted(collection.names))}, not "
            f"all of {', '.join(bands)}; give the address of one that has, as parameter {role!r}"
        )
    if collection.url is not None:
        return DataCube(PGNode("load_stac", arguments={"url": collection.url, **loaded}), connection=None)
    return DataCube.load_collection(collection.id, connection=None, **loaded)


def with_climate(profile: Profile, where: Any, names: Sequence[str]) -> Profile:
    """The profile with a climate that has ``names``: at the address ``where``, or the back-end's own where it is empty.

    A climate at an address has months and our names and units.
    """
    if is_open(where) or where:
        return profile.with_stac(CLIMATE, where)
    if missing := [name for name in names if name not in profile.of(CLIMATE).bands]:
        raise DrylandsError(
            f"back-end {profile.name!r}: its climate has no {missing[0]}; give the address of a monthly climate that "
            "has it, by our names and in our units, as parameter 'climate'"
        )
    return profile


def named(cube: DataCube, profile: Profile, source: Sequence[str], target: Sequence[str]) -> DataCube:
    """The cube with its bands ``source`` called ``target``."""
    if list(source) == list(target):
        return cube
    return cube.rename_labels(dimension=profile.band, target=list(target), source=list(source))
