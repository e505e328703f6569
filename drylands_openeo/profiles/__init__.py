"""What differs between back-ends, one frozen Profile each: tables of data, so that no graph needs a branch."""

from drylands_openeo.errors import DrylandsError
from drylands_openeo.profiles.cdse import CDSE, FEDERATION
from drylands_openeo.profiles.local import LOCAL
from drylands_openeo.profiles.profile import (
    CLIMATE,
    COARSE,
    CONDITION,
    DEM,
    LAND_COVER,
    NPP,
    OPTICAL,
    VEGETATION,
    Collection,
    Credits,
    Limits,
    Narrower,
    Profile,
    UdfRules,
)
from drylands_openeo.profiles.titiler import TITILER

__all__ = [
    "CDSE",
    "CLIMATE",
    "COARSE",
    "CONDITION",
    "DEM",
    "FEDERATION",
    "LAND_COVER",
    "LOCAL",
    "NPP",
    "OPTICAL",
    "PROFILES",
    "TITILER",
    "VEGETATION",
    "Collection",
    "Credits",
    "Limits",
    "Narrower",
    "Profile",
    "UdfRules",
    "get_profile",
]

PROFILES = {profile.name: profile for profile in (LOCAL, CDSE, FEDERATION, TITILER)}
"""Every back-end by name."""


def get_profile(name: str) -> Profile:
    """The profile called ``name``.

    >>> get_profile("local").bands["nir"]
    'nir'
    """
    if name not in PROFILES:
        raise DrylandsError(f"back-end {name!r} is not known; give one of: {', '.join(PROFILES)}")
    return PROFILES[name]
