"""True areas of the cells of a grid on the ellipsoid, and of classes of a map."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyproj
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError

Float = NDArray[np.float64]

NODES = 20
"""Chebyshev nodes along each side, at which a projection's areal scale is taken; far beyond what UTM or Albers need."""


def cell_areas(grid: GeoBox) -> Float:
    """Area [km2] of every cell of a grid on the ellipsoid of its datum, (y, x).

    Longitude and latitude: the closed form of the zone between two parallels, so that the cells of the whole earth add
    up to its surface. Projected: the cell in the plane divided by the areal scale of the projection, which is
    integrated over each cell by a Chebyshev series.

    >>> world = GeoBox.from_bbox((-180, -90, 180, 90), "EPSG:4326", resolution=1)
    >>> round(float(cell_areas(world).sum()))    # surface of the WGS 84 ellipsoid
    510065622
    """
    if grid.crs is None:
        raise DrylandsError("the grid has no coordinate reference system, so that its cells have no area")
    crs = pyproj.CRS(str(grid.crs))
    if crs.is_geographic:
        return _of_zones(grid, crs)
    return _of_plane(grid, crs)


def class_areas(classes: NDArray[Any], areas: Float, names: Mapping[int, str]) -> dict[str, float]:
    """Area [km2] of each named class of a map (y, x) with the cells' areas; what is none of them is left out.

    >>> class_areas(np.array([[1, 2], [2, np.nan]]), np.full((2, 2), 3.0), {1: "arid", 2: "semi-arid", 3: "humid"})
    {'arid': 3.0, 'semi-arid': 6.0, 'humid': 0.0}
    """
    if classes.shape != areas.shape:
        raise DrylandsError(f"classes {classes.shape} and areas {areas.shape} are not of one shape (y, x)")
    return {name: float(areas[classes == value].sum()) for value, name in names.items()}


def added(tables: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Tables of several tiles as one.

    >>> added([{"arid": 1.0}, {"arid": 2.0, "humid": 4.0}])
    {'arid': 3.0, 'humid': 4.0}
    """
    total: dict[str, float] = {}
    for table in tables:
        for name, area in table.items():
            total[name] = total.get(name, 0.0) + area
    return total


def _of_zones(grid: GeoBox, crs: pyproj.CRS) -> Float:
    if abs(grid.affine.b) + abs(grid.affine.d) > 0:
        raise DrylandsError("a grid of longitude and latitude that is turned has no closed form of its areas")
    edges = np.clip(grid.affine.f + grid.affine.e * np.arange(grid.shape[0] + 1), -90, 90)
    width = np.radians(abs(grid.affine.a))
    heights = np.abs(np.diff(_zone(np.radians(edges), crs)))
    areas = np.broadcast_to((width * heights)[:, None] / 1e6, tuple(grid.shape))
    return np.asarray(areas, np.float64)


def _zone(latitude: Float, crs: pyproj.CRS) -> Float:
    """Area [m2] a radian of longitude between the equator and a latitude [rad] (Snyder 1987, equation 3-12)."""
    ellipsoid = crs.ellipsoid
    a, b = float(ellipsoid.semi_major_metre), float(ellipsoid.semi_minor_metre)
    squared = 1 - (b / a) ** 2
    sine = np.sin(latitude)
    if squared < 1e-14:
        return np.asarray(a**2 * sine)
    e = np.sqrt(squared)
    q = (1 - squared) * (sine / (1 - squared * sine**2) + np.arctanh(e * sine) / e)
    return np.asarray(a**2 * q / 2)


def _of_plane(grid: GeoBox, crs: pyproj.CRS) -> Float:
    rows, columns = grid.shape
    unit = float(crs.axis_info[0].unit_conversion_factor)
    flat = abs(grid.affine.determinant) * unit**2 / 1e6
    down, across = (_nodes(count) for count in (rows, columns))
    column, row = np.meshgrid(across, down)
    a, b, c, d, e, f = grid.affine[:6]
    x, y = a * column + b * row + c, d * column + e * row + f
    inverse = _inverse_scale(x, y, crs)
    coefficients = _series(inverse)
    return np.asarray(flat * (_means(rows) @ coefficients @ _means(columns).T))


def _nodes(count: int) -> Float:
    """Chebyshev nodes on 0..count."""
    return np.asarray((chebyshev.chebpts1(NODES) + 1) / 2 * count)


def _inverse_scale(x: Float, y: Float, crs: pyproj.CRS) -> Float:
    """True area per area in the plane at positions in the projection."""
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    scale = np.asarray(pyproj.Proj(crs).get_factors(longitude, latitude).areal_scale)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise DrylandsError("part of the grid lies outside what its projection shows, so that its cells have no area")
    return 1 / scale


def _series(values: Float) -> Float:
    """Coefficients of the product of two Chebyshev series through values at the nodes of both."""
    matrix = np.linalg.inv(chebyshev.chebvander(chebyshev.chebpts1(NODES), NODES - 1))
    return np.asarray(matrix @ values @ matrix.T)


def _means(count: int) -> Float:
    """Mean of each Chebyshev polynomial over each of ``count`` cells, (cells, NODES)."""
    edges = 2 * np.arange(count + 1) / count - 1
    integrals = np.stack([chebyshev.chebval(edges, chebyshev.chebint(unit)) for unit in np.eye(NODES)], axis=1)
    return np.asarray(np.diff(integrals, axis=0) * count / 2)
