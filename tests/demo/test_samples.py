"""The demo's samples: functions of id and time that look like a building."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pytest

from haystack_app import demo
from haystack_app.kinds import NA, Ref
from haystack_app.storage.samples import HisPoint, checked

UTC = dt.UTC
START = dt.datetime(2026, 7, 6, tzinfo=UTC)  # a Monday
WEEK = START + dt.timedelta(days=7)


@pytest.fixture(scope="module")
def points() -> dict[str, dict[str, Any]]:
    return {record["id"].id: record for record in demo.entities() if "his" in record}


def numbers(point: dict[str, Any], start: dt.datetime, end: dt.datetime) -> list[float]:
    return [
        value.val for _, value in demo.samples(point, start, end) if value is not NA
    ]


def test_every_point_has_valid_samples(points: dict[str, Any]) -> None:
    for point in points.values():
        batch = checked(
            HisPoint.of(point), demo.samples(point, START, START + dt.timedelta(days=1))
        )
        assert len(batch.written) == 96
        if point["kind"] == "Str":
            assert set(batch.written.values()) <= set(point["enum"].split(","))


def test_ranges_join_seamlessly(points: dict[str, Any]) -> None:
    """Samples do not depend on the bounds, so history can be continued."""
    point = points["south.b2.vav-2-7.zone-temp"]
    cut = START + dt.timedelta(hours=31, minutes=7)
    whole = list(demo.samples(point, START, WEEK))
    assert [*demo.samples(point, START, cut), *demo.samples(point, cut, WEEK)] == whole
    assert len(whole) == 672 and whole[0][0].utc == START
    hourly = list(demo.samples(point, START, WEEK, dt.timedelta(hours=1)))
    known = dict(whole)
    assert sum(known[ts] == value for ts, value in hourly) >= len(hourly) - 2


def test_temperatures_have_a_day_and_a_season(points: dict[str, Any]) -> None:
    outside = points["north.weather.temp"]
    night = numbers(
        outside, START + dt.timedelta(hours=7), START + dt.timedelta(hours=10)
    )
    day = numbers(
        outside, START + dt.timedelta(hours=18), START + dt.timedelta(hours=21)
    )
    assert min(day) > max(night) + 5
    winter = dt.datetime(2026, 1, 5, tzinfo=UTC)
    assert max(numbers(outside, winter, winter + dt.timedelta(days=7))) < min(day)
    zone = numbers(points["north.b1.vav-1-1.zone-temp"], START, WEEK)
    assert all(64 < temp < 80 for temp in zone)


def test_meters_never_decrease_and_agree_with_their_rate(
    points: dict[str, Any],
) -> None:
    for key in ("north.b1.elec-main", "south.b1.plug.elec-sub"):
        energy = numbers(points[f"{key}.energy"], START, WEEK)
        power = numbers(points[f"{key}.power"], START, WEEK)
        assert all(a < b for a, b in pairwise(energy))
        assert energy[-1] - energy[0] == pytest.approx(sum(power) / 4, rel=0.02)


def test_fans_run_when_people_are_there(points: dict[str, Any]) -> None:
    runs = dict(demo.samples(points["north.b1.ahu-1.fan-run"], START, WEEK))
    for ts, running in runs.items():
        working = ts.local.weekday() < 5 and 8 <= ts.local.hour < 17
        if working:
            assert running is True
        if ts.local.weekday() == 6:
            assert running is False


def test_some_samples_are_missing(points: dict[str, Any]) -> None:
    lost = [
        v
        for p in points.values()
        for _, v in demo.samples(p, START, START + dt.timedelta(hours=6))
    ]
    assert any(value is NA for value in lost)


def test_copies_have_different_samples(points: dict[str, Any]) -> None:
    copy = next(
        r for r in demo.entities(17) if r["id"].id == "north-17.b1.vav-1-1.zone-temp"
    )
    own = numbers(copy, START, WEEK)
    assert len(own) >= 670
    assert own != numbers(points["north.b1.vav-1-1.zone-temp"], START, WEEK)


def test_other_points_are_rejected() -> None:
    with pytest.raises(ValueError, match="@a-1 is not a point of the demo"):
        list(demo.samples({"id": Ref("a-1"), "kind": "Number"}, START, WEEK))
