"""Co-occurrence features against scikit-image, against matrices by definition, and under any tiling."""

import numpy as np
import pytest
import xarray as xr
from drylands_openeo.udf.texture import FEATURES, apply_datacube, glcm, moving_sum, pair_offsets, quantise
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.feature import graycomatrix, graycoprops


def scene(shape, levels, seed=0, roughness=1.5):
    noise = gaussian_filter(np.random.default_rng(seed).random(shape), roughness)
    return quantise(noise, noise.min(), noise.max() + 1e-9, levels)


def by_skimage(window, levels, displacement, angles):
    """Features averaged over angles, as graycoprops gives them."""
    matrix = graycomatrix(
        window.astype(np.uint8), [displacement], np.radians(angles), levels=levels, symmetric=True, normed=True
    )
    return {name: graycoprops(matrix, "ASM" if name == "asm" else name)[0].mean() for name in FEATURES}


def by_definition(window, levels, offsets, total=1.0):
    """Features of one matrix of all valid pairs, whose probabilities sum to ``total``."""
    counts = np.zeros((levels, levels))
    for (y, x), first in np.ndenumerate(window):
        for row, column in offsets:
            if 0 <= y + row < window.shape[0] and 0 <= x + column < window.shape[1]:
                second = window[y + row, x + column]
                if first >= 0 and second >= 0:
                    counts[first, second] += 1
                    counts[second, first] += 1
    if not counts.sum():
        return dict.fromkeys(FEATURES, np.nan)
    p = counts / counts.sum() * total
    i, j = np.indices(p.shape)
    mean = (p * i).sum()
    variance = (p * (i - mean) ** 2).sum()
    return {
        "homogeneity": (p / (1 + (i - j) ** 2)).sum(),
        "contrast": (p * (i - j) ** 2).sum(),
        "dissimilarity": (p * abs(i - j)).sum(),
        "mean": mean,
        "variance": variance,
        "correlation": (p * (i - mean) * (j - mean)).sum() / variance if variance > 1e-12 else 1.0,
        "asm": (p * p).sum(),
        "entropy": -(p[p > 0] * np.log(p[p > 0])).sum(),
    }


@pytest.mark.parametrize(
    ("levels", "window", "displacement", "angles"),
    [
        (32, 9, 4, (0, 45, 90, 135)),
        (32, 9, 1, (0, 45, 90, 135)),
        (64, 9, 2, (0, 45, 90, 135)),
        (256, 21, 3, (0, 90)),
        (8, 5, 4, (45,)),
        (16, 7, 3, (20, 160, 250)),
    ],
)
def test_equal_to_scikit_image_on_random_windows(levels, window, displacement, angles):
    image = scene((60, 70), levels)
    found = glcm(image, levels=levels, window=window, displacement=displacement, angles=angles)
    half = window // 2
    rng = np.random.default_rng(1)
    for y, x in zip(rng.integers(half, 60 - half, 25), rng.integers(half, 70 - half, 25), strict=True):
        square = image[y - half : y + half + 1, x - half : x + half + 1]
        expected = by_skimage(square, levels, displacement, angles)
        assert {name: found[name][y, x] for name in FEATURES} == pytest.approx(expected, abs=1e-5)


def test_snap_gives_the_features_of_one_matrix_that_sums_to_two():
    image = scene((20, 24), 16)
    image[5, 7] = -1
    found = glcm(image, levels=16, window=9, displacement=3, convention="snap")
    offsets = [(0, 3), (3, 3), (3, 0), (3, -3)]
    for y, x in [(4, 4), (8, 9), (15, 19), (10, 12)]:
        expected = by_definition(image[y - 4 : y + 5, x - 4 : x + 5], 16, offsets, total=2.0)
        assert {name: found[name][y, x] for name in FEATURES} == pytest.approx(expected, rel=1e-6)


def test_snap_numbers_of_a_published_emulation():
    """A 9 x 9 window of random levels: variance 88.81 becomes 632.14, correlation -0.087 becomes 0.695."""
    image = np.random.default_rng(1).integers(0, 32, (9, 9))
    snap = glcm(image, convention="snap")
    assert snap["variance"][4, 4] == pytest.approx(632.14, abs=0.005)
    assert snap["correlation"][4, 4] == pytest.approx(0.695, abs=0.0005)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 999),
    gaps=st.sampled_from([0.0, 0.1, 0.6, 1.0]),
    window=st.sampled_from([3, 5]),
    displacement=st.integers(1, 2),
    angle=st.sampled_from([0, 45, 90, 135]),
)
def test_pairs_with_no_data_do_not_count(seed, gaps, window, displacement, angle):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 5, (8, 9))
    image[rng.random(image.shape) < gaps] = -1
    image.flags.writeable = False
    found = glcm(image, levels=5, window=window, displacement=displacement, angles=[angle])
    half = window // 2
    offsets = pair_offsets(displacement, [angle], "proper")
    for y in range(half, 8 - half):
        for x in range(half, 9 - half):
            square = image[y - half : y + half + 1, x - half : x + half + 1]
            expected = by_definition(square, 5, offsets)
            got = {name: found[name][y, x] for name in FEATURES}
            assert got == pytest.approx(expected, abs=1e-5, nan_ok=True)


def test_features_are_averaged_over_the_angles_that_have_a_pair():
    image = np.full((3, 3), -1)
    image[1] = [0, 1, 3]
    found = glcm(image, levels=4, window=3, displacement=1, features=["contrast"])
    assert found["contrast"][1, 1] == pytest.approx((1 + 4) / 2)


def test_the_border_is_nan_and_a_constant_image_is_uniform():
    found = glcm(np.full((12, 11), 7), levels=8, window=9, displacement=2)
    expected = {"homogeneity": 1, "contrast": 0, "dissimilarity": 0, "mean": 7, "variance": 0, "correlation": 1}
    for name, value in (expected | {"asm": 1, "entropy": 0}).items():
        assert np.isnan(found[name][:4]).all()
        assert np.isnan(found[name][:, -4:]).all()
        assert found[name][4:-4, 4:-4] == pytest.approx(value, abs=1e-6)
    assert np.isnan(glcm(np.zeros((4, 4), int))["asm"]).all()
    assert glcm(np.zeros((0, 5), int))["asm"].shape == (0, 5)


@pytest.mark.parametrize("convention", ["proper", "snap"])
@pytest.mark.parametrize("tile", [7, 50, 130])
def test_any_tiling_with_overlap_gives_the_numbers_of_the_whole(convention, tile):
    image = scene((150, 140), 16)
    image[30:40, 60:75] = -1
    options = {"levels": 16, "window": 7, "displacement": 2, "convention": convention}
    features = FEATURES if tile > 7 else FEATURES[:6]
    whole = glcm(image, features=features, **options)
    overlap = 7 // 2 + 2
    padded = np.pad(image, overlap, constant_values=-1)
    for top in range(0, 150, tile):
        for left in range(0, 140, tile):
            bottom, right = min(top + tile, 150), min(left + tile, 140)
            part = padded[top : bottom + 2 * overlap, left : right + 2 * overlap]
            found = glcm(part, features=features, **options)
            for name in features:
                inner = found[name][overlap:-overlap, overlap:-overlap]
                expected = whole[name][top:bottom, left:right]
                known = np.isfinite(expected)
                assert inner[known] == pytest.approx(expected[known], abs=1e-9)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_moving_sum_is_the_sum_of_every_box(height, width, seed):
    values = np.random.default_rng(seed).integers(0, 9, (20, 21))
    boxes = np.lib.stride_tricks.sliding_window_view(values, (height, width))
    assert (moving_sum(values, height, width) == boxes.sum(axis=(2, 3))).all()


def test_levels_come_from_the_range_of_the_region():
    image = np.array([[-0.2, 0.0, 0.0999], [0.5, np.nan, 9.0]], np.float32)
    assert quantise(image, 0.0, 0.8, 8).tolist() == [[0, 0, 0], [5, -1, 7]]
    assert quantise(image[:0], 0.0, 0.8, 8).shape == (0, 3)
    chunk = quantise(image[:1], 0.0, 0.8, 8)
    assert (chunk == quantise(image, 0.0, 0.8, 8)[:1]).all()


def test_the_udf_names_its_bands():
    rng = np.random.default_rng(0)
    values = rng.random((2, 12, 13)).astype(np.float32)
    cube = xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": ["nir", "blue"], "x": np.arange(13.0)})
    context = {"low": [0.0, 0.2], "high": 1, "window": 5, "displacement": 1, "features": ["contrast", "asm"]}
    found = apply_datacube(cube, context)
    assert found.dims == ("bands", "y", "x")
    assert found.dtype == np.float32
    assert list(found.bands.values) == ["nir_contrast", "nir_asm", "blue_contrast", "blue_asm"]
    options = {"window": 5, "displacement": 1, "features": ["contrast", "asm"]}
    expected = glcm(quantise(values[1], 0.2, 1, 32), **options)
    assert found[2].values == pytest.approx(expected["contrast"], rel=1e-6, nan_ok=True)
    dated = xr.concat(
        [cube, cube * 0.5], xr.DataArray(np.array(["2024-01-01", "2024-02-01"], "M8[ns]"), dims="t", name="t")
    )
    both = apply_datacube(dated, context)
    assert both.dims == ("t", "bands", "y", "x")
    assert (both.t == dated.t).all()
    assert both[0].values == pytest.approx(found.values, nan_ok=True)
    unnamed = apply_datacube(cube[:1].drop_vars("bands"), context | {"low": 0})
    assert list(unnamed.bands.values) == ["contrast", "asm"]
    assert unnamed.values == pytest.approx(found[:2].values, nan_ok=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 8}, "levels 0 to 8, -1 to 7"),
        ({"window": 8}, "window: 8"),
        ({"displacement": 9}, "displacement"),
        ({"displacement": 0}, "displacement"),
        ({"angles": ()}, "displacement"),
        ({"features": ("energy",)}, "features: \\['energy'\\]"),
        ({"convention": "r"}, "convention: 'r'"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        glcm(np.arange(9).reshape(3, 3), **options)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="float64, integer levels"):
        glcm(np.zeros((9, 9)))
    with pytest.raises(ValueError, match="low < high"):
        quantise(np.zeros(3), 1.0, 1.0, 8)
    with pytest.raises(ValueError, match=r"\['high'\] missing"):
        apply_datacube(xr.DataArray(np.zeros((1, 9, 9)), dims=("bands", "y", "x")), {"low": 0})


@pytest.mark.parametrize("convention", ["proper", "snap"])
def test_each_feature_asked_for_alone_is_what_it_is_among_all(convention):
    image = np.random.default_rng(5).integers(0, 8, (15, 16))
    options = {"levels": 8, "window": 5, "displacement": 1, "convention": convention}
    every = glcm(image, **options)
    for name, values in every.items():
        np.testing.assert_allclose(glcm(image, features=[name], **options)[name], values, atol=1e-12)
