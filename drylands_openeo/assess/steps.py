"""The steps of an assessment: maps by process graph, and statistics over the whole region between two passes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from drylands_openeo import local
from drylands_openeo.assess.counting import grid_of
from drylands_openeo.assess.legends import LEGENDS
from drylands_openeo.assess.mapfile import MapFile
from drylands_openeo.assess.record import Record, fingerprint
from drylands_openeo.assess.settings import Settings
from drylands_openeo.assess.sources import stamp
from drylands_openeo.assess.strata import borne, mean_of_years, write_strata
from drylands_openeo.engine import Environment, Extent
from drylands_openeo.engine.tiles import tiles
from drylands_openeo.local.sources import ByRole
from drylands_openeo.products import get_product
from drylands_openeo.profiles import CONDITION, LAND_COVER, get_profile
from drylands_openeo.statistics.boundaries import Cloud, fit
from drylands_openeo.write import quicklook, software

PIECE = 1024
"""Pixels of the side of a piece of a finished map that is counted at one time."""

SCALES = ("mean", "extreme")


@dataclass(frozen=True)
class Workshop:
    """What every step needs: settings, sources, the folder of the maps, and the record of what is finished."""

    settings: Settings
    sources: ByRole
    folder: Path
    record: Record
    workers: local.Workers
    progress: local.Progress

    def map(self, product_id: str) -> Path:
        """The finished map of a product."""
        if product_id == "land_condition":
            return self._land_condition()
        arguments, marks = self.settings.arguments(product_id), self._marks(product_id)
        if arguments.get("benchmark") == "potential":
            return self._beside_potential(arguments, marks)
        return self._map(product_id, arguments, self.sources, marks)

    def _marks(self, product_id: str) -> list[str]:
        return [stamp(self.settings.sources[role]) for role in get_product(product_id).inputs]

    def _beside_potential(self, arguments: Mapping[str, Any], marks: list[str]) -> Path:
        """Between the two passes, what the best pixels of each stratum bear."""
        aridity = self.map("aridity")
        shared = {p.name for p in get_product("mnpp").parameters}
        graph = mean_of_years(self._graph("mnpp", {k: v for k, v in arguments.items() if k in shared}))
        mean, strata = self.folder / "mnpp_mean.tif", self.folder / "strata.tif"

        def work() -> dict[str, Path]:
            output = local.Output(self.folder, "mnpp_mean", picture=False)
            local.run(graph, Environment(self.sources), output, workers=self.workers, progress=self.progress)
            return {"mnpp": mean, "strata": write_strata(self.settings, mean, aridity, strata)}

        cover = stamp(self.settings.sources[LAND_COVER])
        mark = fingerprint(software(), graph, marks, cover, self.record.steps["aridity"]["fingerprint"])
        self.record.step("strata", mark, work)
        found = {**arguments, "potential": borne(self.settings, mean, strata)}
        sources = self.sources.added(LAND_COVER, MapFile(strata, self._moment))
        return self._map("contingency", found, sources, [*marks, mark])

    @property
    def _moment(self) -> np.datetime64:
        return np.datetime64(self.settings.period.start.replace(tzinfo=None), "ns")

    def _graph(self, product_id: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return get_product(product_id).flat_graph(
            get_profile("local"),
            spatial_extent=self.settings.area,
            temporal_extent=self.settings.period,
            **arguments,
        )

    def _land_condition(self) -> Path:
        """Between the two passes, the boundaries of efficiency over the whole region."""
        observed = self.map("rain_use")
        fitted = self._boundaries(observed)
        rows = {f"boundaries_{scale}": _rows(fitted[scale]) for scale in SCALES}
        source = MapFile(observed, self._moment)
        marks = [self.record.steps["rain_use"]["fingerprint"]]
        arguments = {**self.settings.arguments("land_condition"), **rows}
        return self._map("land_condition", arguments, self.sources.added(CONDITION, source), marks)

    def _boundaries(self, observed: Path) -> Mapping[str, Any]:
        options = dict(self.settings.options.get("boundaries", {}))
        path = self.folder / "boundaries.json"

        def work() -> dict[str, Path]:
            found = {scale: fit(cloud_of(observed, scale), **options).as_dict() for scale in SCALES}
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found, indent=1), "utf-8")
            return {"boundaries": part.replace(path)}

        mark = fingerprint(software(), options, self.record.steps["rain_use"]["fingerprint"])
        self.record.step("boundaries", mark, work)
        fitted: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return fitted

    def _map(self, product_id: str, arguments: Mapping[str, Any], sources: ByRole, marks: list[str]) -> Path:
        product = get_product(product_id)
        graph = self._graph(product_id, arguments)

        def work() -> Mapping[str, Path]:
            output = local.Output(self.folder, product_id, product.outputs(arguments), picture=False)
            environment = Environment(sources)
            files = local.run(graph, environment, output, workers=self.workers, progress=self.progress).files
            return {**files, **_pictures(output, files["map"])}

        files = self.record.step(product_id, fingerprint(software(), graph, marks), work)
        return files["map"]


def _pictures(output: local.Output, path: Path) -> dict[str, Path]:
    """One picture of each band that is counted."""
    counted = {legend.bands[0] for legend in LEGENDS if legend.product == output.name}
    return {
        f"picture-{band.name}": quicklook(
            output.path(f"_{band.name}.png"),
            path,
            band=number,
            title=f"{output.name}: {band.name}",
            overwrite=True,
        )
        for number, band in enumerate(output.bands, start=1)
        if band.name in counted
    }


def cloud_of(observed: Path, scale: str) -> Cloud:
    """Aridity and efficiency of a whole map of `rain_use`, counted piece by piece."""
    grid: GeoBox = grid_of(observed)
    layer = MapFile(observed, np.datetime64("2000-01-01", "ns")).collection(
        "rain-use", Extent(bands=[f"aridity_{scale}", f"rue_{scale}"])
    )
    pieces = (layer.read(tile.window).values[0] for tile in tiles(grid, PIECE))
    return Cloud.sum(Cloud.of(aridity, rue) for aridity, rue in pieces)


def _rows(fitted: Mapping[str, Any]) -> list[list[float]]:
    return [list(fitted[name]) for name in ("log_aridity", "log_lower", "log_upper")]
