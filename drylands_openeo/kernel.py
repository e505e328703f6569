"""One file of ``udf/``: its text for a back-end, its function for this machine."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from importlib.resources import files
from types import MappingProxyType, ModuleType
from typing import Any

import openeo
import xarray as xr

RUNTIME, RUNTIME_VERSION = "Python", "3.11"


@dataclass(frozen=True)
class Kernel:
    """A UDF file, run on a back-end or here.

    >>> Kernel("harmonic_ndvi").remote(harmonics=2).context
    {'harmonics': 2}
    """

    name: str

    @property
    def text(self) -> str:
        """The file, as a back-end receives it."""
        return (files("drylands_openeo.udf") / f"{self.name}.py").read_text("utf-8")

    @property
    def module(self) -> ModuleType:
        """The file, imported: its functions work on NumPy arrays."""
        return import_module(f"drylands_openeo.udf.{self.name}")

    def remote(self, **context: Any) -> openeo.UDF:
        """The UDF to hand to ``reduce_dimension``, ``apply_neighborhood`` and their kin."""
        return openeo.UDF(self.text, runtime=RUNTIME, version=RUNTIME_VERSION, context=context)

    def local(self, cube: xr.DataArray, **context: Any) -> xr.DataArray:
        """What the back-end would compute from ``cube``, computed here."""
        apply_datacube: Callable[[xr.DataArray, dict[str, Any]], xr.DataArray] = self.module.apply_datacube
        return apply_datacube(cube, context)


@cache
def own_kernels() -> Mapping[str, str]:
    """SHA-256 of each file's text -> the file's name; what is not listed here is someone else's code."""
    names = [entry.name[:-3] for entry in files("drylands_openeo.udf").iterdir() if entry.name.endswith(".py")]
    return MappingProxyType({fingerprint(Kernel(name).text): name for name in sorted(names) if name != "__init__"})


@lru_cache(maxsize=64)  # a UDF is checked for every chunk that it is run on
def fingerprint(text: str) -> str:
    """SHA-256 of a UDF text; line ends and the blank lines around it do not count."""
    return hashlib.sha256("\n".join(text.strip().splitlines()).encode()).hexdigest()
