"""The published `efast` process as the alternative to `fusion` on CDSE: a graph that calls it where it stands.

Senty et al. (2024), doi:10.3390/rs16111833; openEO process by Brockmann Consult and DHI (MIT licence), in the APEx
catalogue: https://github.com/bcdev/efast-process-graph.
"""

from datetime import timedelta
from typing import Any

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError

NAMESPACE = "https://raw.githubusercontent.com/bcdev/efast-process-graph/refs/heads/main/process_graph.json"

RED_AND_NIR = {"s2_data_bands": ["B04", "B8A"], "s3_data_bands": ["SDR_Oa08", "SDR_Oa17"]}
"""Bands of SENTINEL2_L2A and of SENTINEL3_SYN_L2_SYN with matching wavelengths."""

MARGIN = 2
"""Days of input that the wanted period is to lie within, at either end."""


def efast_graph(
    *, spatial_extent: Any, temporal_extent: Any, wanted: Any = None, interval_days: int = 10
) -> dict[str, Any]:
    """A flat process graph for CDSE: NDVI at 10 m every ``interval_days`` of the period ``wanted``.

    ``spatial_extent``: anything that Area.of takes; ``temporal_extent`` of the images that are read: anything that
    Period.of takes. ``wanted`` must lie within it; by default all of it but two days at either end.

    >>> graph = efast_graph(spatial_extent=[115, 42.4, 115.1, 42.5], temporal_extent="2021-05/2021-09")
    >>> graph["efast1"]["arguments"]["temporal_extent_target"]
    ['2021-05-03', '2021-09-29']
    """
    period = Period.of(temporal_extent)
    inner = _inner(period) if wanted is None else Period.of(wanted)
    if not (period.start <= inner.start and inner.end <= period.end) or interval_days < 1:
        raise DrylandsError(
            f"wanted {inner.interval} must lie within the images' {period.interval}, and interval_days, "
            f"{interval_days}, be 1 at least"
        )
    arguments = {
        "spatial_extent": Area.of(spatial_extent).spatial_extent,
        "temporal_extent": list(period.interval),
        "temporal_extent_target": list(inner.interval),
        "interval_days": interval_days,
        "output_ndvi": True,
        **RED_AND_NIR,
    }
    return {"efast1": {"process_id": "efast", "namespace": NAMESPACE, "arguments": arguments, "result": True}}


def _inner(period: Period) -> Period:
    return Period(period.start + timedelta(MARGIN), period.end - timedelta(MARGIN))
