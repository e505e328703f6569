"""A case, computed by the engine in this process, and over HTTP by our server; and how far two results are apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openeo
import xarray as xr

from benchmarks.parity.cases import Case
from benchmarks.parity.source import Everything
from drylands_openeo import jobs, local
from drylands_openeo.engine import Environment
from drylands_openeo.profiles import get_profile
from drylands_openeo.world import World

Maps = Mapping[str, np.ndarray]
"""The maps of a result, ([t,] y, x), by band."""

QUICK = jobs.Patience(0.1, 0.5, 60.0)


def source_of(world: World) -> Everything:
    """What all of ours read."""
    return Everything(local.source_of(source=world.catalogue))


@dataclass(frozen=True)
class Engine:
    """The engine, in this process."""

    world: World
    folder: Path

    def __call__(self, case: Case) -> Maps:
        graph = case.graph(get_profile("local"), self.world.area)
        output = local.Output(self.folder / "engine", case.product.id, format="netCDF", picture=False)
        done = local.run(graph, Environment(source_of(self.world)), output, workers=local.Workers(1))
        return read(done.files["map"])


@dataclass(frozen=True)
class Loopback:
    """Our server over HTTP, by the real client: a batch job, downloaded."""

    world: World
    folder: Path
    connection: openeo.Connection

    def __call__(self, case: Case) -> Maps:
        graph = case.graph(get_profile("local"), self.world.area)
        request = jobs.Request(graph, case.product.id, case.product.id, case.arguments, format="netCDF")
        done = jobs.run_job(self.connection, request, self.folder / "http" / case.product.id, patience=QUICK)
        return read(done.files["map"])


def read(path: Path) -> Maps:
    """The pixels of a netCDF file."""
    with xr.open_dataset(path, decode_times=False) as dataset:
        return {str(name): values.values for name, values in dataset.data_vars.items() if values.ndim >= 2}


def difference(ours: Maps, theirs: Maps) -> float:
    """The largest absolute difference; infinite where one has a map, a band or a number that the other has not."""
    if ours.keys() != theirs.keys() or any(ours[key].shape != theirs[key].shape for key in ours):
        return float("inf")
    if any((np.isnan(ours[key]) != np.isnan(theirs[key])).any() for key in ours):
        return float("inf")
    return max(float(np.nanmax(np.abs(ours[key] - theirs[key]), initial=0.0)) for key in ours)


def finite(maps: Maps) -> float:
    """The share of pixels that hold a number."""
    return float(np.mean(np.concatenate([np.isfinite(values).ravel() for values in maps.values()])))
