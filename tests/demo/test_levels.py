"""The priority arrays of the demo: functions of id and time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app import demo
from haystack_app.kinds import Number, Ref
from haystack_app.storage.priority_array import (
    DEFAULT,
    MANUAL,
    Level,
    WritablePoint,
    effective,
)

AT = dt.datetime(2026, 3, 4, 16, 7, tzinfo=dt.UTC)  # a Wednesday
MINUTE = dt.timedelta(minutes=1)
Arrays = dict[str, dict[int, Level]]


@pytest.fixture(scope="module")
def points() -> dict[str, dict[str, Any]]:
    return {
        record["id"].id: record
        for record in demo.entities(at=AT)
        if "writable" in record
    }


def arrays(points: dict[str, dict[str, Any]], at: dt.datetime = AT) -> Arrays:
    return {id: demo.levels(point, at, "joe") for id, point in points.items()}


def test_effective_level_equals_cur_val(points: dict[str, Any]) -> None:
    for id, array in arrays(points).items():
        number, val = effective(array)
        assert val == points[id]["curVal"], id
        assert list(array) == sorted(array, reverse=True) and number in array
        for level in array.values():
            assert WritablePoint.of(points[id]).checked(level.val) == level.val
            assert level.who == "joe"


def test_every_variant_of_array_occurs(points: dict[str, Any]) -> None:
    found = arrays(points).values()
    assert {tuple(array) for array in found} >= {
        (16,),
        (10,),
        (DEFAULT,),
        (DEFAULT, 16, MANUAL),
        (DEFAULT, MANUAL),
    }
    by_hand = [array for array in found if MANUAL in array]
    assert 10 < len(by_hand) < len(found) / 5
    assert all(DEFAULT in array for array in by_hand)
    assert any(array[MANUAL].val != array[DEFAULT].val for array in by_hand)


def test_some_overrides_expire(points: dict[str, Any]) -> None:
    ends = [
        (number, level.expires - AT)
        for array in arrays(points).values()
        for number, level in array.items()
        if level.expires is not None
    ]
    assert {number for number, _ in ends} == {MANUAL}
    hours = [left / dt.timedelta(hours=1) for _, left in ends]
    assert 5 < len(hours) < 20
    assert all(1 < left < 9 for left in hours)
    kept = [a for a in arrays(points).values() if MANUAL in a and not a[MANUAL].expires]
    assert kept


def test_levels_are_constant_within_a_quarter_of_an_hour(
    points: dict[str, Any],
) -> None:
    now = arrays(points)
    assert arrays(points, AT + 7 * MINUTE) == now
    later = arrays(points, AT + 60 * MINUTE)
    assert later != now
    assert {id: set(array) for id, array in later.items()} == {
        id: set(array) for id, array in now.items()
    }


def test_sensors_have_no_levels() -> None:
    sensor = {"id": Ref("north.b1.ahu-1.return-temp"), "curVal": Number(1)}
    assert demo.levels(sensor, AT, "joe") == {}
    with pytest.raises(ValueError, match="@a-1 is not a point of the demo"):
        demo.levels({"id": Ref("a-1")}, AT, "joe")
