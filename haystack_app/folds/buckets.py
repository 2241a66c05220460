"""Buckets of time: the intervals of a roll-up in a time zone.

Buckets begin where the local wall clock, rounded down to the interval, changes, and
where the clock is set back by the whole interval: an hour that occurs twice is two
buckets. A bucket of a day or longer begins only where a later one than before does, so
a day has one bucket, of 23, 24 or 25 hours. Days begin at their first instant, also
if the clocks skip midnight; a day that a zone skips has no bucket.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, pairwise
from typing import Any

from ..kinds.display import quoted
from ..kinds.scalars import Number
from ..kinds.series import EPOCH, instant_of
from ..kinds.timezones import zone_of
from .errors import FoldError

__all__ = [
    "AUTOMATIC",
    "EARLIEST",
    "LATEST",
    "MOST_BUCKETS",
    "Interval",
    "buckets",
    "shortest_fitting",
]

MOST_BUCKETS = 1_000_000
"""Of one roll-up; a year has 525,600 minutes."""
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_SIZES = {"sec": _SECOND, "min": 60 * _SECOND, "hr": 3_600 * _SECOND, "day": _DAY}
_CALENDAR = {"wk": 7 * _DAY, "mo": 30 * _DAY, "yr": 365 * _DAY}
LATEST = 252_400_000_000 * _SECOND
"""In the year 9968; offsets of zones do not change from there on."""
EARLIEST = -2_000_000_000 * _SECOND
"""In the year 1906; no sample is earlier."""
_BLOCK = 256 * _DAY
"""Offsets of a zone are looked up once a day, and remembered by block."""
_LAST_DAY = (dt.date.max - EPOCH.date()).days
_FORMS = (
    "a Number such as 15min, 1hr, 1day, 1wk, 1mo or 1yr;"
    " sec, min and hr must divide a day evenly"
)


@dataclass(frozen=True, slots=True)
class Interval:
    """Parts of a day, or one day, wk, mo or yr, as ``number`` says.

    ``size`` is the length in microseconds, of months and years a shortest or usual one.
    """

    number: Number
    unit: str
    size: int

    @classmethod
    def of(cls, value: Any) -> Interval:
        """Raises FoldError for anything but an allowed Number."""
        unit = value.unit if type(value) is Number else None
        if unit not in _SIZES and unit not in _CALENDAR:
            raise FoldError(f"interval must be {_FORMS}, not {_shown(value)}")
        count = value.val
        if unit in _CALENDAR or unit == "day":
            if count != 1:
                raise FoldError(f"interval {count:g}{unit}: only 1{unit} is allowed")
            return cls(value, unit, _CALENDAR.get(unit, _DAY))
        size = count * _SIZES[unit]
        if not math.isfinite(size) or size < _SECOND or size % _SECOND or _DAY % size:
            raise FoldError(
                f"interval {count:g}{unit} does not divide a day evenly:"
                f" it must be {_FORMS}"
            )
        return cls(value, "day" if size == _DAY else unit, int(size))

    @property
    def is_part_of_day(self) -> bool:
        return self.size < _DAY

    def floor(self, local: int) -> int:
        """The local time rounded down; both are microseconds since local 1970."""
        if self.unit not in _CALENDAR:
            return local - local % self.size
        days = local // _DAY
        if self.unit == "wk":
            return (days - (days + 3) % 7) * _DAY  # 1970 began on a Thursday
        date = EPOCH.date() + dt.timedelta(min(days, _LAST_DAY))
        first = date.replace(day=1, month=date.month if self.unit == "mo" else 1)
        return (first - EPOCH.date()).days * _DAY

    def floors(self, floor: int, end: int) -> Sequence[int]:
        """The rounded local times after one of them, and before ``end``."""
        if self.unit not in ("mo", "yr"):
            return range(floor + self.size, end, self.size)
        shortest, longest = (28, 31) if self.unit == "mo" else (365, 366)
        found = []
        # all later times have the floor of December 9999
        while (
            floor := max(self.floor(floor + longest * _DAY), floor + shortest * _DAY)
        ) < end:
            found.append(floor)
        return found


def _shown(value: Any) -> str:
    if type(value) is Number:
        return f"{value.val:g}{value.unit or ''}"
    return quoted(str(value))


DAY = Interval.of(Number(1.0, "day"))
AUTOMATIC = tuple(
    Interval.of(Number(float(count), unit))
    for count, unit in (
        *((count, "min") for count in (1, 5, 10, 15, 30)),
        *((count, "hr") for count in (1, 2, 3, 6, 12)),
        (1, "day"),
        (1, "wk"),
        (1, "mo"),
    )
)
"""The intervals that are chosen for a number of points, the shortest first."""


def shortest_fitting(most: int, start: int, end: int, tz: str) -> Interval:
    """The first of ``AUTOMATIC`` with at most ``most`` buckets from start to end.

    Raises FoldError if none has.
    """
    for interval in AUTOMATIC:
        if (end - start) // interval.size > 2 * most + 2:
            continue
        for number, (first, _) in enumerate(buckets(interval, tz, start)):
            if first >= end:
                return interval
            if number == most:
                break
    raise FoldError(
        f"maxPoints {most} is less than the months of the range: ask for more points,"
        " or for interval 1yr"
    )


def buckets(interval: Interval, tz: str, start: int) -> Iterator[tuple[int, int]]:
    """Start and end of the bucket at ``start`` and of all later ones, without end.

    Times are microseconds since 1970 UTC.
    """
    longest = 2 * interval.size if interval.is_part_of_day else interval.size + 6 * _DAY
    early = max(EARLIEST, start - longest)
    return (
        (first, end)
        for first, end in pairwise(_boundaries(interval, tz, early))
        if end > start
    )


def _boundaries(interval: Interval, tz: str, start: int) -> Iterator[int]:
    """Boundaries from ``start`` on, except for one at ``start`` itself."""
    offset = _offsets(tz)(start)
    floor = interval.floor(start + offset)
    for until, next_offset in _changes_after(tz, start):
        floors = interval.floors(floor, until + offset)
        yield from (one - offset for one in floors) if offset else floors
        floor = floors[-1] if floors else floor
        found = interval.floor(until + next_offset)
        if _begins(interval, floor, found, next_offset - offset):
            floor = found
            yield until
        offset = next_offset


def _begins(interval: Interval, before: int, floor: int, step: int) -> bool:
    """Whether a bucket begins where the clock is set by ``step``."""
    if not interval.is_part_of_day:
        return floor > before
    return floor != before or -step >= interval.size


def _offsets(tz: str) -> Callable[[int], int]:
    """A function from an instant to the zone's offset, both in microseconds."""
    zone = zone_of(tz)

    def offset_of(time: int) -> int:
        utc = instant_of(min(max(time, EARLIEST), LATEST))
        offset = utc.astimezone(zone).utcoffset() or dt.timedelta()
        return offset // dt.timedelta(microseconds=1)

    return offset_of


def _changes_after(tz: str, start: int) -> Iterator[tuple[int, int]]:
    """Instants after ``start``, and the offsets from there on, without end.

    They include all changes.
    """
    for block in count(start // _BLOCK):
        for until, offset in _changes(tz, block):
            if until > start:
                yield until, offset


@lru_cache(maxsize=4_096)
def _changes(tz: str, block: int) -> tuple[tuple[int, int], ...]:
    """The changes of a block of time, and its end."""
    offset_of = _offsets(tz)
    start, end = block * _BLOCK, (block + 1) * _BLOCK
    offset = offset_of(start)
    found = []
    for day in range(start, end, _DAY):
        until, new = _change(offset_of, day)
        if new != offset or until == end:
            found.append((until, new))
            offset = new
    return tuple(found)


def _change(offset_of: Callable[[int], int], start: int) -> tuple[int, int]:
    """An instant up to a day after ``start``, and the offset from there on.

    Until then the offset is the same: no zone changes it twice a day.
    """
    before, after = start, start + _DAY
    offset, new = offset_of(before), offset_of(after)
    if offset == new:
        return after, new
    while after - before > _SECOND:  # clocks are set at whole seconds
        middle = (before + after) // 2
        middle -= middle % _SECOND
        if middle <= before:
            break
        if offset_of(middle) == offset:
            before = middle
        else:
            after = middle
    after -= after % _SECOND
    return after, new
