"""Two cubes put together: the second is brought onto the pixels of the first."""

from collections.abc import Mapping

import numpy as np
from odc.geo.geobox import GeoBox

from drylands_openeo.engine.processes.labels import same_labels
from drylands_openeo.engine.processes.resample import covering, resample_cube_spatial
from drylands_openeo.engine.registry import Arguments, Footprint
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import SPATIAL, Place, spatial_dims


class Aligned(Footprint):
    """Each pixel from the same pixel of the leading cube, and from those of the others that lie there."""

    def __init__(self, leading: str) -> None:
        self.leading = leading

    def grid(self, inputs: Mapping[str, GeoBox | None], arguments: Arguments) -> GeoBox | None:
        """The grid of the leading cube, or of another where that has no pixels."""
        return inputs.get(self.leading) or super().grid(inputs, arguments)

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        """The window itself on the same grid, else what nearest neighbours are taken from."""
        return covering(window, source)


def _identical_labels(one: Cube, other: Cube, dimension: str) -> bool:
    first, second = one.coords.get(dimension), other.coords.get(dimension)
    return first is None or (second is not None and np.array_equal(first.values, second.values))


def aligned(cube: Cube, target: Cube) -> Cube:
    """The cube on the pixels of another: as it is where it lies on them, else by nearest neighbour."""
    if not (spatial_dims(cube) and spatial_dims(target)):
        return cube
    if all(same_labels(target, cube, name) for name in SPATIAL):
        if all(_identical_labels(target, cube, name) for name in SPATIAL):
            return cube
        return cube.assign_coords({name: target.coords[name] for name in SPATIAL if name in target.coords})
    return resample_cube_spatial(cube, target, place=Place(None, None))
