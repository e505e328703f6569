"""Spectra of pure cover in the bands of a sensor: published ones, one's own, and from a spectrometer to bands."""

from .build import from_image, from_spectrometer, written
from .library import PUBLISHED, Library, all_published, merged, published, read
from .plot import plot
from .resample import resample

__all__ = [
    "PUBLISHED",
    "Library",
    "all_published",
    "from_image",
    "from_spectrometer",
    "merged",
    "plot",
    "published",
    "read",
    "resample",
    "written",
]
