"""Classes turned into numbers by a table, in pure process graph."""

from collections.abc import Sequence
from typing import Any

from openeo import DataCube

from drylands_openeo.profiles import Profile


def by_stratum(classes: DataCube, profile: Profile, table: Sequence[Sequence[float]], name: str) -> DataCube:
    """What the ``table`` [[class, value], ...] gives for each pixel's class: dims (bands, y, x), one band ``name``.

    ``classes`` has one band; of several dates the first that has data is taken. A class that is not in the table
    gives no data.
    """

    def value(data: Any) -> Any:
        code, found = data[0], None
        for stratum, number in reversed(table):
            chosen = code == stratum
            found = chosen.if_(accept=number) if found is None else chosen.if_(accept=number, reject=found)
        return code if found is None else found

    still = classes.reduce_dimension(dimension=profile.time, reducer="first")
    values = still.reduce_dimension(dimension=profile.band, reducer=value)
    return values.add_dimension(name=profile.band, label=name, type="bands")
