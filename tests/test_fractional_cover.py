"""Unmixing against non-negative least squares, known mixtures, and an operational product."""

import itertools
import warnings

import numpy as np
import pytest
import xarray as xr
from drylands_openeo.udf import fractional_cover as fc
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls
from shared import need

PV = [0.0410, 0.0729, 0.0406, 0.1011, 0.3848, 0.5028, 0.5105, 0.5224, 0.2309, 0.1042]
NPV = [0.1029, 0.1452, 0.2064, 0.2407, 0.2787, 0.3068, 0.3270, 0.3459, 0.3968, 0.2648]
SOIL = [0.1271, 0.1688, 0.2239, 0.2306, 0.2397, 0.2494, 0.2507, 0.2555, 0.2829, 0.2432]
DARK = [0.0728, 0.1037, 0.1465, 0.1550, 0.1649, 0.1754, 0.1803, 0.1865, 0.2458, 0.2354]
BRIGHT = [0.1448, 0.1888, 0.2459, 0.2587, 0.2751, 0.2928, 0.3024, 0.3139, 0.3727, 0.3124]
FIVE = np.array([PV, NPV, SOIL, DARK, BRIGHT])
THREE = FIVE[:3]


def by_nnls(spectra, endmembers, weight=1e5):
    """Sum to one by a heavy row; the misfit of the bands only."""
    heavy = np.vstack([np.transpose(endmembers), np.full(len(endmembers), weight)])
    fractions = np.array([nnls(heavy, np.append(y, weight))[0] for y in spectra])
    return fractions, np.sqrt(np.square(fractions @ endmembers - spectra).mean(axis=1))


def mixtures(endmembers, count, noise=0.0, seed=0, alpha=0.6):
    rng = np.random.default_rng(seed)
    fractions = rng.dirichlet(np.full(len(endmembers), alpha), count)
    return fractions, fractions @ endmembers + rng.normal(0, noise, (count, np.shape(endmembers)[1]))


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_linear_equals_nnls_with_a_heavy_sum_row(count):
    rng = np.random.default_rng(count)
    endmembers = rng.uniform(0, 1, (count, 10))
    spectra = mixtures(endmembers, 300, 0.3, count)[1]
    fractions, rmse = fc.unmix_linear(spectra, endmembers)
    expected, misfit = by_nnls(spectra, endmembers)
    assert np.abs(fractions - expected).max() < 1e-6
    assert np.abs(rmse - misfit).max() < 1e-6
    assert np.abs(fractions.sum(axis=-1) - 1).max() < 1e-12
    assert fractions.min() >= 0


@pytest.mark.parametrize("members", [*itertools.combinations(range(5), 3), (0, 1, 2, 3), (0, 1, 2, 3, 4)])
def test_linear_recovers_noise_free_mixtures_of_real_endmembers(members):
    endmembers = FIVE[list(members)]
    truth, spectra = mixtures(endmembers, 500)
    fractions, rmse = fc.unmix_linear(spectra, endmembers)
    assert np.abs(fractions - truth).max() < 1e-10
    assert rmse.max() < 1e-12


def test_linear_is_optimal_to_1e_10():
    """The conditions of Karush, Kuhn and Tucker: the gradient is equal on the support and not smaller off it."""
    spectra = mixtures(FIVE[:4], 2000, 0.05)[1]
    fractions, _ = fc.unmix_linear(spectra, FIVE[:4])
    gradient = (fractions @ FIVE[:4] - spectra) @ FIVE[:4].T
    least = gradient.min(axis=1, keepdims=True)
    assert (fractions * (gradient - least)).max() < 1e-10


DEGENERATE = {
    "two identical": [PV, NPV, NPV],
    "all identical": [SOIL, SOIL, SOIL],
    "on one line": [PV, np.add(PV, NPV) / 2, NPV],
    "on one plane": [PV, NPV, SOIL, (np.add(PV, NPV) + SOIL) / 3],
    "two pairs": [PV, PV, NPV, NPV, SOIL],
    "nearly identical": [PV, NPV, np.add(NPV, 1e-9)],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_endmembers_fit_as_well_as_nnls(name):
    endmembers = np.array(DEGENERATE[name], float)
    spectra = np.vstack([mixtures(FIVE, 200, 0.05)[1], endmembers, endmembers.mean(axis=0)])
    fractions, rmse = fc.unmix_linear(spectra, endmembers)
    assert np.isfinite(fractions).all()
    assert fractions.min() >= 0
    assert np.abs(fractions.sum(axis=-1) - 1).max() < 1e-9
    assert np.abs(rmse - by_nnls(spectra, endmembers)[1]).max() < 1e-6


def test_identical_endmembers_share_equally():
    spectra = mixtures(THREE, 200, 0.02)[1]
    single, _ = fc.unmix_linear(spectra, [PV, NPV, SOIL])
    double, _ = fc.unmix_linear(spectra, [PV, NPV, NPV, SOIL])
    assert np.abs(double[:, 1] - double[:, 2]).max() < 1e-6
    assert np.abs(double[:, 1] * 2 - single[:, 1]).max() < 1e-5


def test_fewer_bands_than_endmembers_fit_as_well_as_nnls():
    endmembers = FIVE[:, [2, 7]]
    spectra = mixtures(endmembers, 200, 0.1)[1]
    fractions, rmse = fc.unmix_linear(spectra, endmembers)
    assert np.abs(rmse - by_nnls(spectra, endmembers)[1]).max() < 1e-6
    assert np.abs(fractions.sum(axis=-1) - 1).max() < 1e-9


def library(spectrum, count, seed):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.7, 1.3, (count, 1))
    return np.array(spectrum) * scale * rng.uniform(0.95, 1.05, (count, len(spectrum)))


LIBRARIES = [library(PV, 12, 1), library(NPV, 12, 2), library(SOIL, 12, 3)]
MODELS = {
    "linear": lambda spectra: fc.unmix_linear(spectra, THREE),
    "bundle": lambda spectra: fc.unmix_bundle(spectra, LIBRARIES, draws=20, seed=3),
    "ppnm": lambda spectra: fc.unmix_ppnm(spectra, THREE),
    "fan": lambda spectra: fc.unmix_fan(spectra, THREE),
}


@pytest.mark.parametrize("model", MODELS)
@settings(deadline=None, max_examples=25)
@given(shape=st.lists(st.integers(0, 4), max_size=3), gaps=st.floats(0, 1), seed=st.integers(0, 99))
def test_every_pixel_stands_alone_in_any_shape(model, shape, gaps, seed):
    rng = np.random.default_rng(seed)
    spectra = rng.uniform(0.01, 0.6, (*shape, 10))
    spectra[rng.random(spectra.shape) < gaps / 5] = np.nan
    spectra.flags.writeable = False
    lost = np.isnan(spectra).any(axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = MODELS[model](spectra)
    assert found[0].shape == (*shape, 3)
    assert found[1].shape == tuple(shape)
    for values in found:
        assert np.isnan(values[lost]).all()
        assert np.isfinite(values[~lost]).all()
    assert np.allclose(found[0][~lost].sum(axis=-1), 1, atol=1e-9)
    assert found[0][~lost].min(initial=0) >= 0
    flat = MODELS[model](spectra.reshape(-1, 10)[::-1])
    for values, reverse in zip(found, flat, strict=True):
        assert np.allclose(values.reshape(reverse.shape), reverse[::-1], atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("model", MODELS)
def test_dtype_in_is_dtype_out_and_float32_agrees(model):
    spectra = mixtures(THREE, 500, 0.01)[1]
    exact = MODELS[model](spectra)
    single = MODELS[model](spectra.astype(np.float32))
    assert {values.dtype for values in exact} == {np.dtype(np.float64)}
    assert {values.dtype for values in single} == {np.dtype(np.float32)}
    tolerance = 2e-6 if model == "linear" else 2e-3
    assert np.abs(exact[0] - single[0]).max() < tolerance
    assert MODELS[model](np.asfortranarray(spectra))[0] == pytest.approx(exact[0], abs=1e-9)


def test_infinite_and_integer_values():
    assert np.isnan(fc.unmix_linear([np.inf, *NPV[1:]], THREE)[0]).all()
    numbers = np.rint(np.array(NPV) * 10000).astype(np.uint16)
    fractions, _ = fc.unmix_linear(numbers, THREE * 10000)
    assert fractions == pytest.approx([0, 1, 0], abs=1e-3)


def test_bundle_of_single_spectra_is_the_linear_model_of_normalised_spectra():
    spectra = mixtures(THREE, 300, 0.02)[1]
    found, rmse, spread = fc.unmix_bundle(spectra, [THREE[[i]] for i in range(3)], draws=7, seed=0)
    mean = spectra.mean(axis=1, keepdims=True)
    expected, misfit = fc.unmix_linear(spectra / mean, THREE / THREE.mean(axis=1, keepdims=True))
    assert np.abs(found - expected).max() < 1e-12
    assert np.abs(rmse / mean[:, 0] - misfit).max() < 1e-6
    assert spread.max() == 0


def test_bundle_weighs_every_draw_by_its_misfit():
    spectra = mixtures(THREE, 50, 0.02)[1]
    shape = spectra / spectra.mean(axis=1, keepdims=True)
    pairs = [library(PV, 2, 5), NPV * np.ones((1, 1)), np.array([SOIL])]
    found, _, spread = fc.unmix_bundle(spectra, pairs, draws=40, seed=8)
    picks = np.random.default_rng(8).integers(2, size=40)
    runs = [
        fc.unmix_linear(shape, [row / row.mean() for row in (pairs[0][i], pairs[1][0], pairs[2][0])]) for i in picks
    ]
    weights = np.array([1 / np.square(rmse) for _, rmse in runs])[..., None]
    fractions = np.array([values for values, _ in runs])
    mean = (weights * fractions).sum(axis=0) / weights.sum(axis=0)
    variance = (weights * np.square(fractions - mean)).sum(axis=0) / weights.sum(axis=0)
    assert np.abs(found - mean).max() < 1e-6
    assert np.abs(spread - np.sqrt(variance)).max() < 1e-6


def test_bundle_does_not_see_brightness_and_repeats_by_seed():
    spectra = mixtures(THREE, 100, 0.01)[1]
    first = fc.unmix_bundle(spectra, LIBRARIES, draws=30, seed=1)
    shaded = fc.unmix_bundle(spectra * 0.4, LIBRARIES, draws=30, seed=1)
    other = fc.unmix_bundle(spectra, LIBRARIES, draws=30, seed=2)
    assert np.abs(first[0] - shaded[0]).max() < 1e-9
    assert np.abs(first[1] * 0.4 - shaded[1]).max() < 1e-9
    assert np.abs(first[0] - other[0]).max() > 1e-4
    assert np.isnan(fc.unmix_bundle(np.zeros(10), LIBRARIES, seed=1)[0]).all()


def test_ppnm_recovers_its_own_mixtures():
    truth, linear = mixtures(THREE, 500, alpha=1.0)
    b = np.random.default_rng(3).uniform(-0.3, 0.3, 500)
    fractions, rmse, found = fc.unmix_ppnm(linear + b[:, None] * linear**2, THREE)
    assert np.abs(fractions - truth).max() < 5e-3
    assert np.abs(found - b).max() < 1e-2
    assert rmse.max() < 1e-5
    plain, misfit, zero = fc.unmix_ppnm(linear, THREE)
    assert np.abs(plain - truth).max() < 1e-10
    assert misfit.max() < 1e-12
    assert np.abs(zero).max() < 1e-12


def bilinear(fractions, endmembers):
    """Fan's second term, from its definition."""
    pairs = itertools.combinations(range(len(endmembers)), 2)
    return sum(np.multiply.outer(fractions[:, i] * fractions[:, j], endmembers[i] * endmembers[j]) for i, j in pairs)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_fan_recovers_its_own_mixtures(count):
    endmembers = FIVE[:count]
    truth, linear = mixtures(endmembers, 300, alpha=1.0)
    second = bilinear(truth, endmembers)
    fractions, rmse, share = fc.unmix_fan(linear + second, endmembers)
    assert np.abs(fractions - truth).max() < 1e-8
    assert rmse.max() < 1e-10
    assert share == pytest.approx(second.sum(axis=1) / (linear + second).sum(axis=1), abs=1e-8)


def test_fan_fits_no_worse_than_the_best_of_five_solver_runs():
    rng = np.random.default_rng(4)
    truth, linear = mixtures(THREE, 15, 0.01, alpha=1.0)
    spectra = linear + bilinear(truth, THREE)
    for spectrum, rmse in zip(spectra, fc.unmix_fan(spectra, THREE)[1], strict=True):

        def cost(a, spectrum=spectrum):
            return np.square(a @ THREE + bilinear(a[None], THREE)[0] - spectrum).sum()

        one = {"type": "eq", "fun": lambda a: a.sum() - 1}
        starts = rng.dirichlet([1, 1, 1], 5)
        best = min(minimize(cost, a, bounds=[(0, 1)] * 3, constraints=one, options={"ftol": 1e-14}).fun for a in starts)
        assert 10 * rmse**2 <= best + 1e-8


@pytest.mark.parametrize("model", MODELS)
def test_the_udf_gives_named_bands_for_one_date_or_many(model):
    spectra = mixtures(THREE, 24, 0.01)[1].astype(np.float32).reshape(2, 3, 4, 10)
    spectra[0, 0, 0] = np.nan
    cube = xr.DataArray(spectra.transpose(0, 3, 1, 2), dims=("t", "bands", "y", "x"))
    cube = cube.assign_coords(t=np.array(["2024-01-01", "2024-02-01"], "M8[ns]"), x=np.arange(4.0))
    context = {"model": model, "endmembers": THREE.tolist(), "draws": 20, "seed": 3}
    context["libraries"] = [rows.tolist() for rows in LIBRARIES]
    added = {"linear": [], "bundle": ["pv_sd", "npv_sd", "bare_sd"]}.get(model, ["nonlinearity"])
    many = fc.apply_datacube(cube, context)
    one = fc.apply_datacube(cube.isel(t=1, drop=True), context)
    assert many.dims == ("t", "bands", "y", "x")
    assert many.dtype == np.float32
    assert list(many.bands.values) == ["pv", "npv", "bare", "rmse", *added]
    assert (many.t == cube.t).all()
    assert one.dims == ("bands", "y", "x")
    assert one.values == pytest.approx(many.isel(t=1).values, abs=1e-6)
    assert many.sel(bands=["pv", "npv", "bare"]).isel(t=1).values == pytest.approx(
        np.moveaxis(MODELS[model](spectra[1])[0], -1, 0), abs=1e-6
    )
    assert np.isnan(many.isel(t=0, y=0, x=0)).all()


@pytest.mark.parametrize("model", MODELS)
def test_chunks_give_the_numbers_of_the_whole(model):
    spectra = mixtures(THREE, 900, 0.02)[1].astype(np.float32)
    whole = MODELS[model](spectra)
    parts = [MODELS[model](spectra[a : a + 130]) for a in range(0, 900, 130)]
    for values, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.abs(values - np.concatenate(pieces)).max() < 1e-6


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"model": "mesma", "endmembers": THREE}, "model: 'mesma'"),
        ({"model": "linear"}, "need endmembers"),
        ({}, "needs libraries"),
        ({"model": "linear", "endmembers": THREE[:2]}, "names: .* for 2 endmembers"),
        ({"model": "linear", "endmembers": THREE[:, :9]}, r"shape \(3, 9\), \(2 to 6, 10\)"),
        ({"model": "linear", "endmembers": THREE * np.nan}, "30 values are not finite"),
        ({"libraries": LIBRARIES, "draws": 0}, "draws: 0"),
        ({"libraries": [*LIBRARIES[:2], [np.zeros(10)]]}, "mean 0.0"),
    ],
)
def test_wrong_context_is_named(context, message):
    cube = xr.DataArray(np.zeros((10, 2, 2), np.float32), dims=("bands", "y", "x"))
    with pytest.raises(ValueError, match=message):
        fc.apply_datacube(cube, context)


def test_beside_the_operational_fractional_cover_of_australia(record_property):
    """Two library spectra a class know nothing of that site; the operational product is fitted to thousands of plots.

    Seen: correlation .58 (green), .49 (dry), .85 (bare). The bounds are loose: only the pattern is asked for.
    """
    reflectance = xr.open_dataset(need("data/endmembers/ga_fc/sr.nc"), mask_and_scale=False)
    product = xr.open_dataset(need("data/endmembers/ga_fc/fc.nc"), mask_and_scale=False)
    names = [
        next(name for name in reflectance if name.lower() == band) for band in ("green", "red", "nir", "swir1", "swir2")
    ]
    spectra = np.stack([reflectance[name].values.squeeze() for name in names], axis=-1) / 10000.0
    cover = np.stack([product[name].values.squeeze() for name in ("PV", "NPV", "BS")], axis=-1) / 100.0
    valid = (spectra > 0).all(axis=-1) & (cover >= 0).all(axis=-1)
    bands = [1, 2, 7, 8, 9]
    libraries = [THREE[:1, bands], THREE[1:2, bands], FIVE[2:, bands]]
    found, _, _ = fc.unmix_bundle(spectra[valid], libraries, draws=100, seed=0)
    correlation = [np.corrcoef(found[:, i], cover[valid][:, i])[0, 1] for i in range(3)]
    record_property("correlation_pv_npv_bare", [round(float(value), 3) for value in correlation])
    assert min(correlation) > 0.3
    assert correlation[2] > 0.7
