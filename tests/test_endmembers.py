"""Published spectra are what their source gives in the sensor's bands, and one's own are read or refused."""

import numpy as np
import pandas as pd
import pytest
from shared import need

from drylands_openeo.bands import SENTINEL2_BANDS
from drylands_openeo.endmembers import PUBLISHED, published, read, resample
from drylands_openeo.errors import KernelInputError, SourceError


def emit():
    """Wavelengths, spectra and classes of the library that the table of this package was made from."""
    table = pd.read_csv(need("data/endmembers/emit/basic_endmember_library.csv"), encoding="utf-8-sig", index_col=0)
    return table.columns.astype(float), table.to_numpy() / 10000, [name.lower() for name in table.index]


def response(letter):
    return pd.read_csv(need(f"data/endmembers/s2_srf/Sentinel_2{letter}_Spectral_Response.csv"), sep="\t", index_col=0)


@pytest.mark.parametrize("letter", "ABC")
def test_the_table_is_the_source_averaged_over_the_response(letter):
    wavelengths, spectra, classes = emit()
    values = resample(wavelengths, spectra, response(letter))
    library = published("emit", f"S2{letter}")
    for cover, name in (("pv", "pv"), ("npv", "npv"), ("bare", "soil")):
        expected = values[[i for i, found in enumerate(classes) if found == name]]
        assert np.abs(library.of(cover) - expected).max() < 6e-5


def test_a_band_by_centre_and_width_is_close_to_its_true_response():
    wavelengths, spectra, _ = emit()
    table = response("A")
    names = {band.sensor_name.replace("B0", "B"): (band.centre, band.width) for band in SENTINEL2_BANDS}
    exact = resample(wavelengths, spectra, table)
    boxes = resample(wavelengths, spectra, {name: names[name] for name in table})
    assert np.abs(boxes - exact).max() < 1e-3


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_libraries_have_the_three_covers_and_say_where_they_come_from(name):
    library = published(name)
    assert set(library.classes) == {"pv", "npv", "bare"}
    assert len(library.bands) == 10
    assert set(library.bands) <= {band.name for band in SENTINEL2_BANDS}
    assert "earthlib" in library.citation or "EMIT" in library.citation
    assert library.licence in ("Apache-2.0", "MIT")
    green = library.of("pv", ["nir", "red"])
    assert (green[:, 0] > 3 * green[:, 1]).all()
    bundles = library.bundles(["pv", "npv", "bare"], ["nir", "red"])
    assert [len(rows) for rows in bundles] == [library.classes.count(cover) for cover in ("pv", "npv", "bare")]
    assert bundles[0] == green.tolist()


def test_weights_gaps_and_order_of_wavelengths():
    wavelengths = np.array([400.0, 500.0, 600.0])
    flat = np.full((2, 4, 3), 0.3)
    bands = {"a": (450, 100), "b": ([410.0, 590.0], [1.0, 0.0])}
    assert resample(wavelengths, flat, bands) == pytest.approx(np.full((2, 4, 2), 0.3))
    spectrum = np.array([0.1, 0.3, 0.2])
    assert resample(wavelengths[::-1], spectrum[::-1], bands) == pytest.approx(resample(wavelengths, spectrum, bands))
    assert resample(wavelengths, [0.1, np.nan, 0.2], {"a": ([410], [1]), "b": ([400], [1])}).tolist()[0] != 0.1
    assert resample(wavelengths, np.zeros((0, 3)), bands).shape == (0, 2)


@pytest.mark.parametrize(
    ("wavelengths", "spectra", "bands", "message"),
    [
        ([400, 500], [0.1, 0.2, 0.3], {"a": (450, 10)}, r"shape \(3,\)"),
        ([400, 500], [0.1, 0.2], {"a": (498, 10)}, "400.0 to 500.0 nm do not cover the band 'a'"),
        ([400, 500], [0.1, 0.2], {"a": ([450, 460], [1])}, "'a' differ in shape"),
    ],
)
def test_spectra_that_cannot_be_resampled_are_named(wavelengths, spectra, bands, message):
    with pytest.raises(KernelInputError, match=message):
        resample(wavelengths, spectra, bands)


def test_ones_own_library_is_read_with_its_notes(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "\ufeff# citation: field book\nclass,name,red,nir\npv,acacia,0.05,0.40\nbare,dune,0.30,0.35\n", "utf-8"
    )
    library = read(path)
    assert library.citation == "field book"
    assert library.names == ("acacia", "dune")
    assert library.of("bare").tolist() == [[0.30, 0.35]]
    with pytest.raises(SourceError, match=r"\['swir16'\] are not in the library"):
        library.of("pv", ["swir16"])
    with pytest.raises(SourceError, match="'npv' is not in the library"):
        library.of("npv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns class, name"),
        ("class,name,red\n", "and a row"),
        ("class,name,red\npv,a,green\n", "not a number"),
        ("class,name,red\npv,a\n", "not a number"),
        ("class,name,red\npv,a,1200\n", "found 1200.0 to 1200.0"),
        ("class,name\npv,a\n", "one a band"),
    ],
)
def test_a_broken_library_is_refused(tmp_path, text, message):
    path = tmp_path / "broken.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=message):
        read(path)


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(SourceError, match="'usgs' is not one of"):
        published("usgs")
    with pytest.raises(SourceError, match="'S2B' is not one of \\['S2A'\\]"):
        published("earthlib", "S2B")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "nothing.csv")
