"""Spectra of pure cover in the bands of a sensor: published ones, one's own, and from a spectrometer to bands."""

from .library import PUBLISHED, Library, published, read
from .resample import resample

__all__ = ["PUBLISHED", "Library", "published", "read", "resample"]
