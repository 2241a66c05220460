"""Buckets of time zones, compared with a walk over all minutes."""

from __future__ import annotations

import datetime as dt
from functools import cache
from itertools import islice

import pytest

from haystack_app.folds.buckets import AUTOMATIC, Interval, buckets, shortest_fitting
from haystack_app.folds.errors import FoldError
from haystack_app.kinds import Number
from haystack_app.kinds.series import instant_of, microseconds_of
from haystack_app.kinds.timezones import zone_of

HOUR = 3_600_000_000
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
# zone, first day, days: the clocks change in between
CHANGES = [
    ("New_York", "2024-03-08", 4),
    ("New_York", "2024-11-01", 4),
    ("Berlin", "2024-10-25", 4),
    ("Sao_Paulo", "2018-11-02", 4),  # no midnight
    ("Sao_Paulo", "2018-02-16", 3),  # 23:00 twice
    ("Beirut", "2024-03-29", 4),  # no midnight
    ("Beirut", "2024-10-25", 4),  # the hour before midnight is there twice
    ("Havana", "2024-11-02", 3),  # midnight is there twice
    ("Apia", "2011-12-28", 4),  # no 30 December
    ("Lord_Howe", "2024-04-05", 4),  # by half an hour
    ("Lord_Howe", "2024-10-04", 4),
    ("Kolkata", "2024-06-01", 3),
    ("Kathmandu", "1985-12-30", 4),  # by a quarter of an hour
    ("UTC", "2024-02-28", 3),
]
INTERVALS = [
    *(Number(count, "min") for count in (1, 10, 15, 20, 30, 90)),
    *(Number(count, "hr") for count in (1, 2, 3, 6, 12, 24)),
    *(Number(1, unit) for unit in ("day", "wk", "mo", "yr")),
]


@cache
def minutes(
    tz: str, start: dt.datetime, end: dt.datetime
) -> list[tuple[int, dt.datetime]]:
    """Each minute from three days before ``start``, and the local time."""
    zone, now, found = zone_of(tz), start - 3 * DAY, []
    while now < end:
        found.append((microseconds_of(now), now.astimezone(zone).replace(tzinfo=None)))
        now += MINUTE
    return found


def walked(number: Number, tz: str, start: dt.datetime, end: dt.datetime) -> list[int]:
    """Boundaries of [start, end): each minute's floor against the one before."""
    every = minutes(tz, start, end)
    whole = number.unit in ("day", "wk", "mo", "yr") or number == Number(24, "hr")
    size = (
        None
        if whole
        else number.val * {"min": MINUTE, "hr": 60 * MINUTE}[number.unit or ""]
    )
    found, before, clock = [], _floor(every[0][1], number), every[0][1]
    for time, local in every:
        floor = _floor(local, number)
        if size is None:
            begins = floor > before
        else:
            begins = floor != before or clock + MINUTE - local >= size
        if begins:
            before = floor
            found.append(time)
        clock = local
    return [time for time in found if time >= microseconds_of(start)]


def _floor(local: dt.datetime, number: Number) -> dt.datetime:
    midnight = local.replace(hour=0, minute=0, second=0)
    match number.unit:
        case "yr":
            return midnight.replace(month=1, day=1)
        case "mo":
            return midnight.replace(day=1)
        case "wk":
            return midnight - dt.timedelta(days=local.weekday())
        case "day":
            return midnight
    minutes = int(number.val) * {"min": 1, "hr": 60}[number.unit or ""]
    past = local.hour * 60 + local.minute
    return midnight + past // minutes * minutes * MINUTE


@pytest.mark.parametrize(
    "number", INTERVALS, ids=lambda number: f"{number.val:g}{number.unit}"
)
@pytest.mark.parametrize(("tz", "day", "days"), CHANGES)
def test_every_minute(number: Number, tz: str, day: str, days: int) -> None:
    start = dt.datetime.fromisoformat(f"{day}T00:00Z")
    end = start + dt.timedelta(days=days)
    found = []
    first = microseconds_of(start)
    for begin, until in buckets(Interval.of(number), tz, first):
        assert begin < until
        if begin >= microseconds_of(end):
            break
        found.append(begin)
    assert found[0] <= first
    expected = walked(number, tz, start, end)
    assert [begin for begin in found if begin >= first] == expected


def lengths(
    tz: str, day: str, unit: str, count: int, interval: float = 1
) -> list[float]:
    zone = zone_of(tz)
    start = dt.datetime.fromisoformat(day).replace(tzinfo=zone)
    found = buckets(Interval.of(Number(interval, unit)), tz, microseconds_of(start))
    return [(end - begin) / HOUR for begin, end in islice(found, count)]


def test_days_hours_and_parts_of_days_when_the_clocks_change() -> None:
    assert lengths("New_York", "2024-03-09", "day", 3) == [24, 23, 24]
    assert lengths("New_York", "2024-11-02", "day", 3) == [24, 25, 24]
    assert lengths("Havana", "2024-11-02", "day", 3) == [24, 25, 24]
    assert lengths("New_York", "2024-11-03", "hr", 4) == [1, 1, 1, 1]
    assert lengths("New_York", "2024-11-03", "hr", 4, 6) == [7, 6, 6, 6]
    assert lengths("New_York", "2024-03-10", "hr", 4, 6) == [5, 6, 6, 6]
    assert lengths("Lord_Howe", "2024-04-07", "hr", 3) == [1, 1.5, 1]
    assert lengths("St_Johns", "2010-11-06 12:00", "day", 2) == [24, 25]


@pytest.mark.parametrize(
    ("tz", "day", "first", "hours"),
    [
        ("Sao_Paulo", "2018-11-04", "2018-11-04 01:00:00-02:00", 23),
        ("Beirut", "2024-03-31", "2024-03-31 01:00:00+03:00", 23),
        ("Apia", "2011-12-29", "2011-12-29 00:00:00-10:00", 24),
        ("Apia", "2011-12-31", "2011-12-31 00:00:00+14:00", 24),
    ],
)
def test_the_first_instant_of_a_day(tz: str, day: str, first: str, hours: int) -> None:
    noon = dt.datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=zone_of(tz))
    begin, end = next(buckets(Interval.of(Number(1, "day")), tz, microseconds_of(noon)))
    assert instant_of(begin) == dt.datetime.fromisoformat(first)
    assert (end - begin) / HOUR == hours


@pytest.mark.parametrize("unit", ["day", "wk", "mo", "yr"])
def test_the_end_of_the_calendar(unit: str) -> None:
    """Samples may have such times, and the bucket after theirs does not matter."""
    for text in ("9999-06-01", "9999-12-31"):
        time = microseconds_of(dt.datetime.fromisoformat(f"{text}T12:00Z"))
        begin, end = next(buckets(Interval.of(Number(1, unit)), "New_York", time))
        assert begin <= time < end


@pytest.mark.parametrize(
    "value",
    [
        *(Number(7, "min"), Number(5, "hr"), Number(2, "day"), Number(3, "mo")),
        *(Number(0, "min"), Number(-1, "hr"), Number(float("nan"), "hr")),
        *(Number(0.5, "sec"), Number(25, "hr"), Number(float("inf"), "day")),
        *(Number(1), Number(1, "kW"), Number(500, "ms"), "1hr", None, True),
    ],
)
def test_other_intervals_are_refused(value: object) -> None:
    with pytest.raises(FoldError, match=r"interval .*(a Number such as|only 1)"):
        Interval.of(value)


def test_names_of_an_interval() -> None:
    assert Interval.of(Number(15, "minute")).size == HOUR // 4
    assert Interval.of(Number(0.5, "h")).size == HOUR // 2
    assert not Interval.of(Number(24, "hr")).is_part_of_day
    assert Interval.of(Number(86_400, "sec")).size == 24 * HOUR


@pytest.mark.parametrize("most", [1, 2, 24, 25, 100, 1_000, 3_000])
@pytest.mark.parametrize("tz", ["New_York", "Kolkata"])
def test_the_shortest_interval_that_fits(most: int, tz: str) -> None:
    start = microseconds_of(dt.datetime(2024, 3, 1, 7, tzinfo=dt.UTC))
    for hours in (1, 24, 24 * 20, 24 * 300):
        end = start + hours * HOUR
        fits = []
        for interval in AUTOMATIC:
            count = next(
                n for n, (at, _) in enumerate(buckets(interval, tz, start)) if at >= end
            )
            fits += [interval] if count <= most else []
        if fits:
            assert shortest_fitting(most, start, end, tz) == fits[0]
        else:
            with pytest.raises(FoldError, match="maxPoints"):
                shortest_fitting(most, start, end, tz)
