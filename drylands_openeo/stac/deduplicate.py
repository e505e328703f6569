"""One item a scene: reprocessed duplicates go, the two halves of a split data take stay."""

import warnings
from collections.abc import Iterable

from pystac import Item

from drylands_openeo.errors import ContractWarning
from drylands_openeo.stac.metadata import datastrip_time, generation_time, is_sentinel2, mgrs_tile, processing_baseline

BASELINES = ((2, 0), (5, 99))
"""First and last processing baseline of real Level-2A products. Catalogues also hold test versions such as 99.05."""

Scene = tuple[str, str, str]


def deduplicate(items: Iterable[Item]) -> list[Item]:
    """The items in their order, each scene once: the highest baseline, then the latest generation.

    A scene is (platform, MGRS tile, start of sensing of the data strip). Tile and time alone do not make a scene: a
    data take delivered as two data strips gives two items of one tile and time whose pictures complete each other.
    Items that are not Sentinel-2, or name no data strip, pass unchanged. Sentinel-2 items of a baseline outside
    02.xx-05.xx are set aside with a ContractWarning.
    """
    genuine = _without_test_versions(list(items))
    best: dict[Scene, Item] = {}
    for item in genuine:
        scene = scene_of(item)
        if scene is not None and (scene not in best or _rank(item) > _rank(best[scene])):
            best[scene] = item
    return [item for item in genuine if (scene := scene_of(item)) is None or best[scene] is item]


def scene_of(item: Item) -> Scene | None:
    """(platform, MGRS tile, data strip time); None where the item is not Sentinel-2 or does not say."""
    if not is_sentinel2(item):
        return None
    tile, strip = mgrs_tile(item), datastrip_time(item)
    if tile is None or strip is None:
        return None
    return str(item.properties.get("platform", "")).lower(), tile, strip


def _rank(item: Item) -> tuple[tuple[int, int], str, str]:
    return processing_baseline(item) or (0, 0), generation_time(item), item.id


def _without_test_versions(items: list[Item]) -> list[Item]:
    genuine: list[Item] = []
    aside: list[Item] = []
    for item in items:
        baseline = processing_baseline(item) if is_sentinel2(item) else None
        known = baseline is None or BASELINES[0] <= baseline <= BASELINES[1]
        (genuine if known else aside).append(item)
    if aside:
        warnings.warn(
            f"{len(aside)} Sentinel-2 item(s) of a processing baseline outside 02.xx-05.xx set aside: "
            + ", ".join(item.id for item in aside[:5]),
            ContractWarning,
            stacklevel=3,
        )
    return genuine
