"""Fractional cover: the shares of green vegetation, dry vegetation and bare soil in each pixel, by spectral unmixing.

Four models, one solver. In all of them the fractions a are >= 0 and sum to 1, and e_1..e_k are the endmembers.

    linear   y = sum_i a_i e_i                            exact fully constrained least squares
    bundle   linear, over random draws from libraries of endmembers (AutoMCU: Asner & Lobell 2000,
             doi:10.1016/S0034-4257(00)00126-5), of brightness-normalised spectra, weighted by 1/rmse^2
    ppnm     y = s + b s*s,  s = sum_i a_i e_i            Altmann et al. 2012, doi:10.1109/TIP.2012.2187668
    fan      y = s + sum_{i<j} a_i a_j e_i*e_j            Fan et al. 2009, doi:10.1080/01431160802558659

Spectra and endmembers share one unit; the nonlinear models need reflectance 0..1. NaN in a band makes the pixel NaN.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

BLOCK = 16384  # pixels; a block of ten bands stays in the cache
DEGENERATE = 1e-6  # smallest : largest extent of the endmembers' simplex below which the minimiser is not unique
RIDGE = 1e-9  # its weight, relative to the squared extent, picks the minimiser of least norm
SINGLE = 1e2  # condition up to which float32 spectra are solved in float32
WEIGHT_FLOOR = 1e-6  # a draw that fits exactly must not get an infinite weight
BEND = 0.4  # the coefficient b of ppnm lies in [-BEND, BEND]
PPNM_GRID, PPNM_ROUNDS = 17, 4
FAN_STEPS, FAN_HALVINGS = 20, 8

Solve = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class Simplex:
    """The solver for endmembers (k, bands), in orthonormal coordinates in which their last one is the origin.

    The first columns of ``basis`` span the endmembers' differences; what a spectrum has in the others is misfit
    whatever the fractions. ``maps``: for each support (set of endmembers that may be present) its size and the affine
    map from coordinates to fractions. float32 spectra are raised where float32 would not be accurate.
    """

    def __init__(self, endmembers: np.ndarray, dtype: Any) -> None:
        rank = min(endmembers.shape[1], len(endmembers) - 1)
        edges = endmembers[:-1] - endmembers[-1]
        extent = np.linalg.svd(edges, compute_uv=False)
        largest = extent[0] or 1.0
        degenerate = rank < len(edges) or extent[-1] < DEGENERATE * largest
        self.ridge = RIDGE * largest**2 if degenerate else 0.0
        self.dtype = np.float64 if extent[-1] * SINGLE < largest else dtype
        basis, triangle = np.linalg.qr(edges.T, mode="complete")
        vertices = np.vstack([triangle[:rank].T, np.zeros(rank)])
        self.basis, self.vertices = basis.astype(self.dtype), vertices.astype(self.dtype)
        self.origin = (endmembers[-1] @ basis)[:, None].astype(self.dtype)
        self.maps = [_affine(members, vertices, self.ridge, self.dtype) for members in supports(len(endmembers))]

    def project(self, spectra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, bands) -> fractions (k, n) of the nearest point of the simplex, rmse (n,).

        The minimiser is the equality-constrained one on its own support, and no feasible one is nearer: so where the
        full support is feasible it is the answer, elsewhere the nearest over the smaller supports.
        """
        rank = self.vertices.shape[1]
        turned = self.basis.T @ spectra.T.astype(self.dtype, copy=False)
        turned -= self.origin
        inside, beside = turned[:rank], turned[rank:]
        misfit = np.einsum("ij,ij->j", beside, beside)
        fractions = self.maps[0][1] @ inside
        fractions += self.maps[0][2]
        outside = np.flatnonzero(fractions.min(axis=0) < 0)
        nearest, distance = self._nearest(inside.take(outside, axis=1))
        for row, values in zip(fractions, nearest, strict=True):
            row[outside] = values
        if self.ridge:
            misfit += self._distance(fractions, inside)
        else:
            misfit[outside] += distance
        return fractions, np.sqrt(misfit / len(turned))

    def _nearest(self, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nearest = np.full((len(self.vertices), inside.shape[1]), np.nan, inside.dtype)
        least = np.full(inside.shape[1], np.inf, inside.dtype)
        for size, slope, offset in self.maps[1:] or self.maps:
            trial = slope @ inside
            trial += offset
            if size == 2:
                np.clip(trial, 0, 1, out=trial)  # an edge serves for its two ends too
            cost = self._distance(trial, inside)
            if self.ridge:
                cost += self.ridge * np.einsum("ij,ij->j", trial, trial)
            better = cost < least
            if size > 2:
                better &= trial.min(axis=0) >= 0
            np.copyto(nearest, trial, where=better)
            np.copyto(least, cost, where=better)
        return nearest, least

    def _distance(self, fractions: np.ndarray, inside: np.ndarray) -> np.ndarray:
        away = self.vertices[:-1].T @ fractions[:-1]
        away -= inside
        squared: np.ndarray = np.einsum("ij,ij->j", away, away)
        return squared


def supports(count: int) -> Iterator[tuple[int, ...]]:
    """The sets of endmembers that may be present, largest first; single ones are the ends of pairs.

    >>> list(supports(3))
    [(0, 1, 2), (0, 1), (0, 2), (1, 2)]
    """
    return (members for size in range(count, 1, -1) for members in itertools.combinations(range(count), size))


def _affine(members: tuple[int, ...], vertices: np.ndarray, ridge: float, dtype: Any) -> tuple[int, Any, Any]:
    """(size, slope, offset) with fractions = slope @ coordinates + offset, zero outside ``members``."""
    count, rank = vertices.shape
    raised = np.hstack([vertices, np.sqrt(ridge) * np.eye(count)])  # independent in any case where ridge > 0
    *others, last = members
    inverse = np.linalg.pinv((raised[others] - raised[last]).T, rcond=1e-15)
    slope, offset = np.zeros((count, rank)), np.zeros((count, 1))
    slope[others] = inverse[:, :rank]
    slope[last] = -slope[others].sum(axis=0)
    offset[others, 0] = -inverse @ raised[last]
    offset[last] = 1 - offset[others].sum()
    return len(members), slope.astype(dtype), offset.astype(dtype)


def unmix_linear(spectra: Any, endmembers: Any) -> tuple[np.ndarray, ...]:
    """Fractions (..., k) >= 0 that sum to 1 and minimise |y - sum a_i e_i|, and the rmse (...) over the bands.

    spectra (..., bands), endmembers (k, bands), k = 2..6. float32 in, float32 out; else float64.
    Where endmembers coincide or lie on one line or plane, many fractions fit equally: of those, the ones with the least
    sum of squares are returned (to 1e-7), so that identical endmembers share equally and the result is continuous.

    >>> fractions, rmse = unmix_linear([[0.15, 0.35], [0.0, 0.9]], [[0.1, 0.5], [0.2, 0.2]])
    >>> fractions.round(3).tolist(), rmse.round(3).tolist()
    ([[0.5, 0.5], [1.0, 0.0]], [0.0, 0.292])
    """
    pixels, shape = as_pixels(spectra)
    library = as_endmembers(endmembers, pixels.shape[1])
    return blockwise(Simplex(library, pixels.dtype).project, pixels, shape, (len(library), 0))


def unmix_bundle(spectra: Any, libraries: Sequence[Any], *, draws: int = 100, seed: int) -> tuple[np.ndarray, ...]:
    """Mean fractions (..., k), rmse (...) and standard deviation of the fractions (..., k) over random endmembers.

    ``libraries``: one array (n_i, bands) a class. Each draw takes one spectrum of each class; spectra and endmembers
    are divided by their mean over the bands, so that shade and brightness drop out; draws weigh 1/rmse^2.
    The rmse is sqrt(draws / sum of weights) times the pixel's mean: in the unit of the spectra. Pixels of mean <= 0
    are NaN. The draws depend on ``seed`` and the libraries only, not on the pixels.

    >>> libraries = [[[0.1, 0.5], [0.1, 0.4]], [[0.2, 0.2]]]
    >>> fractions, rmse, spread = unmix_bundle([0.2, 0.2], libraries, draws=10, seed=0)
    >>> fractions.round(3).tolist(), float(rmse.round(5)), spread.round(3).tolist()
    ([0.0, 1.0], 0.0, [0.0, 0.0])
    """
    pixels, shape = as_pixels(spectra)
    if not 2 <= len(libraries) <= 6 or draws < 1:
        raise ValueError(f"libraries: {len(libraries)} classes, draws: {draws}; 2 to 6 and at least 1 are needed")
    classes = [normalised(as_endmembers(library, pixels.shape[1], 1, len(library))) for library in libraries]
    generator = np.random.default_rng(seed)
    choice = np.stack([generator.integers(len(library), size=draws) for library in classes], axis=1)
    solvers = []
    for row, times in zip(*np.unique(choice, axis=0, return_counts=True), strict=True):
        members = np.stack([library[i] for library, i in zip(classes, row, strict=True)])
        solvers.append((int(times), Simplex(members, pixels.dtype)))

    def solve(block: np.ndarray) -> tuple[np.ndarray, ...]:
        brightness = block.mean(axis=1)
        mean, spread, weight = weighted_fractions(solvers, np.where(brightness > 0, block.T / brightness, np.nan).T)
        return mean, brightness * np.sqrt(draws / weight), spread

    return blockwise(solve, pixels, shape, (len(classes), 0, len(classes)))


def weighted_fractions(solvers: list[tuple[int, Simplex]], spectra: np.ndarray) -> tuple[np.ndarray, ...]:
    """(n, bands) -> mean (k, n), standard deviation (k, n), sum of weights (n,) over draws that came up ``times``."""
    first, _ = solvers[0][1].project(spectra)
    shift, square, total = np.zeros_like(first), np.zeros_like(first), np.zeros(len(spectra), first.dtype)
    for times, solver in solvers:
        fractions, rmse = solver.project(spectra)
        fractions -= first  # moments about the first draw: one spectrum a class has spread 0 to the last digit
        weight = times / (rmse * rmse + WEIGHT_FLOOR**2)
        weighted = fractions * weight
        total += weight
        shift += weighted
        square += weighted * fractions
    shift /= total
    return first + shift, np.sqrt(np.maximum(square / total - shift * shift, 0)), total


def unmix_ppnm(spectra: Any, endmembers: Any) -> tuple[np.ndarray, ...]:
    """Fractions (..., k), rmse (...) and coefficient b (...) in [-0.4, 0.4] of y = s + b s*s, s = sum a_i e_i.

    For a given b the model is inverted band by band, s = 2y / (1 + sqrt(1 + 4by)), and s unmixed linearly; b is the
    one of least rmse, by a scan and parabolas. b = 0 is the linear model.

    >>> fractions, rmse, b = unmix_ppnm([0.208, 0.208, 0.432], [[0.0, 0.4, 0.4], [0.4, 0.0, 0.4]])
    >>> fractions.round(2).tolist(), float(b.round(1))
    ([0.5, 0.5], 0.2)
    """
    pixels, shape = as_pixels(spectra)
    library = as_endmembers(endmembers, pixels.shape[1])
    solver = Simplex(library, np.float64)

    def solve(block: np.ndarray) -> tuple[np.ndarray, ...]:
        scan = PpnmScan(solver, library, block.T.astype(np.float64))
        for bend in sorted(np.linspace(-BEND, BEND, PPNM_GRID), key=abs):
            scan.offer(np.full(len(block), bend))
        scan.refine(2 * BEND / (PPNM_GRID - 1))
        return scan.fractions, np.sqrt(scan.cost), scan.bend

    return blockwise(solve, pixels, shape, (len(library), 0, 0))


class PpnmScan:
    """The best coefficient so far of each pixel of ``spectra`` (bands, n), its fractions and mean squared misfit."""

    def __init__(self, solver: Simplex, library: np.ndarray, spectra: np.ndarray) -> None:
        self.solver, self.library, self.spectra = solver, library, spectra
        self.bend, self.cost = np.zeros(spectra.shape[1]), np.full(spectra.shape[1], np.inf)
        self.fractions = np.full((len(library), spectra.shape[1]), np.nan)

    def offer(self, bend: np.ndarray) -> np.ndarray:
        """The misfit with coefficients ``bend`` (n,), which are kept where they fit better."""
        bend = np.clip(bend, -BEND, BEND)
        root = np.sqrt(np.maximum(1 + 4 * bend * self.spectra, 0))
        fractions, _ = self.solver.project((2 * self.spectra / (1 + root)).T)
        linear = self.library.T @ fractions
        cost: np.ndarray = np.square(linear + bend * linear * linear - self.spectra).mean(axis=0)
        for kept, new in ((self.fractions, fractions), (self.bend, bend), (self.cost, cost)):
            np.copyto(kept, new, where=cost < self.cost)
        return cost

    def refine(self, spacing: float) -> None:
        """Parabolas through the best coefficient and its two neighbours, ever narrower."""
        for _ in range(PPNM_ROUNDS):
            centre, middle = self.bend.copy(), self.cost.copy()
            low, high = self.offer(centre - spacing / 2), self.offer(centre + spacing / 2)
            curvature = low - 2 * middle + high
            shift = np.where(curvature > 0, spacing / 4 * (low - high) / curvature, 0.0)
            self.offer(centre + np.clip(shift, -spacing / 2, spacing / 2))
            spacing /= 4


def unmix_fan(spectra: Any, endmembers: Any) -> tuple[np.ndarray, ...]:
    """Fractions (..., k), rmse (...) and bilinear share (...) of y = s + q, q = sum_{i<j} a_i a_j e_i*e_j.

    The share is sum(q) / sum(s + q) over the bands: 0 in a pure pixel. Gauss-Newton from the linear fractions; each
    step is an exact least-squares problem on the simplex, halved until it improves.

    >>> fractions, rmse, share = unmix_fan([0.2, 0.2, 0.44], [[0.0, 0.4, 0.4], [0.4, 0.0, 0.4]])
    >>> fractions.round(3).tolist(), float(share.round(4))   # q is (0, 0, 0.04)
    ([0.5, 0.5], 0.0476)
    """
    pixels, shape = as_pixels(spectra)
    library = as_endmembers(endmembers, pixels.shape[1])
    solver = Simplex(library, np.float64)

    def solve(block: np.ndarray) -> tuple[np.ndarray, ...]:
        spectra = block.astype(np.float64)
        fractions, cost = descend(spectra, library, solver.project(spectra)[0].T)
        linear, bilinear = fan_parts(fractions, library)
        return fractions.T, np.sqrt(cost), bilinear.sum(axis=1) / (linear + bilinear).sum(axis=1)

    return blockwise(solve, pixels, shape, (len(library), 0, 0))


def fan_parts(fractions: np.ndarray, library: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Linear and bilinear part (n, bands) of Fan's model for fractions (n, k)."""
    linear = fractions @ library
    return linear, (linear * linear - np.square(fractions) @ np.square(library)) / 2


def descend(spectra: np.ndarray, library: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, ...]:
    """Fractions (n, k), mean squared misfit (n,): Gauss-Newton on the simplex, for the pixels that still improve."""
    fractions = start.copy()
    cost = np.square(spectra - sum(fan_parts(fractions, library))).mean(axis=1)
    active = np.flatnonzero(np.isfinite(cost))
    for _ in range(FAN_STEPS):
        here = fractions[active]
        step = newton_point(spectra[active], library, here) - here
        improved = np.zeros(len(active), bool)
        for halving in range(FAN_HALVINGS):
            left = np.flatnonzero(~improved)
            trial = here[left] + step[left] / 2**halving
            trial_cost = np.square(spectra[active[left]] - sum(fan_parts(trial, library))).mean(axis=1)
            better = trial_cost < cost[active[left]] * (1 - 1e-9)
            chosen = active[left[better]]
            fractions[chosen], cost[chosen] = trial[better], trial_cost[better]
            improved[left[better]] = True
        active = active[improved]
    return fractions, cost


def newton_point(spectra: np.ndarray, library: np.ndarray, here: np.ndarray) -> np.ndarray:
    """The fractions (n, k) that fit best where Fan's model is made linear about ``here``; slightly damped."""
    linear, bilinear = fan_parts(here, library)
    slopes = library * (1 + linear[:, None] - here[:, :, None] * library)
    gram = slopes @ slopes.swapaxes(1, 2)
    gram += RIDGE * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(len(library))
    moment = slopes @ (spectra - linear - bilinear)[:, :, None] + gram @ here[:, :, None]
    return nearest_on_simplex(gram, moment[:, :, 0])


def nearest_on_simplex(gram: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """x (n, k) >= 0 of sum 1 that minimises x'Gx - 2m'x, each pixel with its own G (n, k, k) and m (n, k)."""
    best, least = np.zeros_like(moment), np.full(len(moment), np.inf)
    rows = np.arange(len(moment))
    for members in supports(moment.shape[1]):
        *others, last = members
        g, m = gram[rows], moment[rows]
        corner, cross = g[:, last, last], g[:, others, last]
        normal = g[:, others][:, :, others] - cross[:, :, None] - cross[:, None, :] + corner[:, None, None]
        right = m[:, others] - m[:, [last]] - cross + corner[:, None]
        solved = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        if len(members) == 2:
            np.clip(solved, 0, 1, out=solved)
        trial = np.zeros_like(m)
        trial[:, others], trial[:, last] = solved, 1 - solved.sum(axis=1)
        cost = np.einsum("ni,nij,nj->n", trial, g, trial) - 2 * np.einsum("ni,ni->n", trial, m)
        better = (trial.min(axis=1) >= 0) & (cost < least[rows])
        best[rows[better]], least[rows[better]] = trial[better], cost[better]
        if len(members) == moment.shape[1]:
            rows = rows[~better]
    return best


def normalised(library: np.ndarray) -> np.ndarray:
    """Spectra (n, bands) divided by their mean over the bands."""
    mean = library.mean(axis=1, keepdims=True)
    if not (mean > 0).all():
        raise ValueError(f"libraries: a spectrum has mean {mean.min()}, it must be above 0 to be normalised")
    return np.asarray(library / mean)


def as_pixels(spectra: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    """Spectra (..., bands) as (n, bands) of float32 or float64, and their leading shape."""
    array = np.asarray(spectra)
    if array.ndim < 1 or array.dtype.kind not in "fiu":
        raise ValueError(f"spectra: shape {array.shape} of {array.dtype}, numbers of shape (..., bands) are needed")
    floats = array.astype(np.float32 if array.dtype == np.float32 else np.float64, copy=False)
    return floats.reshape(math.prod(array.shape[:-1]), array.shape[-1]), array.shape[:-1]


def as_endmembers(endmembers: Any, bands: int, least: int = 2, most: int = 6) -> np.ndarray:
    """Endmembers (k, bands) in float64, checked."""
    array = np.asarray(endmembers, np.float64)
    if array.ndim != 2 or not least <= len(array) <= most or array.shape[1] != bands:
        raise ValueError(f"endmembers: shape {array.shape}, ({least} to {most}, {bands}) is needed")
    if not np.isfinite(array).all():
        raise ValueError(f"endmembers: {np.count_nonzero(~np.isfinite(array))} values are not finite")
    return array


def blockwise(
    solve: Solve, pixels: np.ndarray, shape: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Results (..., size) of each block; size 0: (...). Pixels whose second result, the rmse, is not finite are NaN."""
    results = [np.empty((size, len(pixels)) if size else len(pixels), pixels.dtype) for size in sizes]
    for start in range(0, len(pixels), BLOCK):
        part = slice(start, start + BLOCK)
        with np.errstate(all="ignore"):
            solved = solve(pixels[part])
        lost = ~np.isfinite(solved[1])
        for result, values in zip(results, solved, strict=True):
            result[..., part] = values
            if lost.any():
                result[..., part][..., lost] = np.nan
    return tuple(a.reshape(shape) if a.ndim == 1 else np.moveaxis(a.reshape(len(a), *shape), 0, -1) for a in results)


def unmix(model: str, spectra: np.ndarray, context: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """The results of a model by name, with what it needs from the context."""
    if model == "bundle" and "libraries" in context:
        draws, seed = int(context.get("draws", 100)), int(context.get("seed", 0))
        return unmix_bundle(spectra, context["libraries"], draws=draws, seed=seed)
    models = {"linear": unmix_linear, "ppnm": unmix_ppnm, "fan": unmix_fan}
    if model not in models or "endmembers" not in context:
        raise ValueError(f"model: {model!r}; bundle needs libraries in the context; linear, ppnm, fan need endmembers")
    return models[model](spectra, context["endmembers"])


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """([t,] bands, y, x) reflectance -> ([t,] bands, y, x) float32: fractions by name, rmse, and what the model adds.

    context: ``model`` "bundle" (default; ``libraries``, ``draws`` = 100, ``seed`` = 0; adds <name>_sd), or "linear",
    "ppnm" (adds nonlinearity = b), "fan" (adds nonlinearity = bilinear share) with ``endmembers``, bands in the cube's
    order; ``names`` of the endmembers, pv npv bare by default.
    """
    model, names = str(context.get("model", "bundle")), list(context.get("names", ("pv", "npv", "bare")))
    spectra = cube.transpose(..., "y", "x", "bands")
    found = unmix(model, spectra.values, context)
    if len(names) != found[0].shape[-1]:
        raise ValueError(f"names: {names} for {found[0].shape[-1]} endmembers")
    added = [f"{name}_sd" for name in names] if model == "bundle" else ["nonlinearity"] * (len(found) - 2)
    layers = [values if values.ndim == spectra.ndim else values[..., None] for values in found]
    result = np.concatenate(layers, axis=-1, dtype=np.float32)
    coords = {name: cube.coords[name] for name in spectra.dims[:-1] if name in cube.coords}
    bands = [*names, "rmse", *added]
    return xr.DataArray(result, {**coords, "bands": bands}, spectra.dims).transpose(*cube.dims)
