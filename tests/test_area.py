"""Area and Period accept many forms and hold one."""

import json

import pytest

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError

BOX = (114.0, 42.0, 114.5, 42.5)
POLYGON = {"type": "Polygon", "coordinates": [[[114, 42], [114.5, 42], [114.5, 42.5], [114, 42.5], [114, 42]]]}


def test_every_form_of_an_area_is_the_same_area(tmp_path):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POLYGON}]}))
    for form in (BOX, list(BOX), POLYGON, {"type": "Feature", "geometry": POLYGON}, path, str(path)):
        assert Area.of(form).bbox == BOX


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([1, 2, 3], "bounding box"),
        ([115, 42, 114, 43], "west < east"),
        ([500000, 4600000, 510000, 4700000], "degrees"),
        ({"type": "Point", "coordinates": [1, 2]}, "Point"),
        ("missing.geojson", "missing.geojson"),
    ],
)
def test_a_wrong_area_says_what_would_be_right(form, message):
    with pytest.raises(DrylandsError, match=message):
        Area.of(form)


@pytest.mark.parametrize(
    ("form", "interval"),
    [
        ("2020", ("2020-01-01", "2021-01-01")),
        ("2020-12", ("2020-12-01", "2021-01-01")),
        ("2020-01-01/2020-12-31", ("2020-01-01", "2021-01-01")),
        (["2020-01-01", "2020-12-31"], ("2020-01-01", "2020-12-31")),
        ("2020-01-01T10:00:00Z/2020-01-01T12:00:00+01:00", ("2020-01-01T10:00:00Z", "2020-01-01T11:00:00Z")),
    ],
)
def test_every_form_of_a_period(form, interval):
    assert Period.of(form).interval == interval


@pytest.mark.parametrize("form", ["May 2020", "2021/2020", ["2020-01-01"], "2020-13"])
def test_a_wrong_period_is_named(form):
    with pytest.raises(DrylandsError, match=r"date|before|pair"):
        Period.of(form)
