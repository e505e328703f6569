"""Cubes that are to be put together must lie on the same pixels."""

from drylands_openeo.engine.processes.labels import same_labels
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import SPATIAL
from drylands_openeo.errors import GraphError


def aligned(cube: Cube, target: Cube) -> Cube:
    """The cube on the pixels of another; raises where it does not lie on them."""
    shared = [name for name in SPATIAL if name in cube.dims and name in target.dims]
    if not all(same_labels(target, cube, name) for name in shared):
        raise GraphError(
            "the two cubes lie on different pixels; bring one onto the other's grid by resample_cube_spatial",
            code="IncompatibleDataCubes",
        )
    return cube.assign_coords({name: target.coords[name] for name in shared if name in target.coords})
