"""Texts of many times and numbers, for responses with histories.

A sample's time costs one dict lookup and two additions. The zone's offset is computed
twice per day, and once per second of data on days when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

import orjson

from ..kinds.datetimes import utc_offset
from ..kinds.scalars import Coord
from ..kinds.series import instant_of

__all__ = ["TimeTexts", "coord_text", "float_texts"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_ORIGIN = dt.date(1970, 1, 1)


class _Clock(dict[int, str]):
    """``HH:MM:SS[.fff]`` by microseconds since midnight; keeps whole seconds only."""

    def __missing__(self, time: int) -> str:
        seconds, fraction = divmod(time, _SECOND)
        if fraction:
            return f"{self[time - fraction]}.{fraction:06d}".rstrip("0")
        minute, second = divmod(seconds, 60)
        text = self[time] = f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}"
        return text


_CLOCK = _Clock()
"""For all answers: at most 86,400 texts."""


class TimeTexts:
    """ISO texts of instants in one zone, equal to those of ``DateTime.iso``."""

    def __init__(self, tz: str) -> None:
        self.tz = tz

    def of(self, times: Sequence[int]) -> list[str]:
        """Texts of microseconds since 1970 UTC, given in ascending order.

        Times between two changes of date or offset differ only in the clock part.
        """
        found: list[str] = []
        clock = _CLOCK
        start = 0
        while start < len(times):
            shift, suffix, last = _span(times[start], self.tz)
            midnight = (times[start] + shift) // _DAY * _DAY
            end = bisect_left(times, min(last, midnight + _DAY - shift), start)
            date = f"{_ORIGIN + dt.timedelta(microseconds=midnight)}T"
            base = midnight - shift
            found += [date + clock[time - base] + suffix for time in times[start:end]]
            start = end
        return found


def _span(time: int, tz: str) -> tuple[int, str, int]:
    """The offset in microseconds, its text, and the time until which it is valid."""
    start = time // _DAY * _DAY
    end = start + _DAY
    offset = _offset(start, tz)
    if offset != _offset(end - _SECOND, tz):  # the clocks change on this day
        start = time // _SECOND * _SECOND
        end = start + _SECOND
        offset = _offset(start, tz)
    return *offset, end


@lru_cache(maxsize=65_536)
def _offset(time: int, tz: str) -> tuple[int, str]:
    """The offset from UTC at an instant: microseconds and text."""
    offset = utc_offset(instant_of(time), tz)
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return minutes * 60 * _SECOND, f"{sign}{hours:02d}:{rest:02d}" if minutes else "Z"


def float_texts(vals: Sequence[float]) -> list[str]:
    """Shortest exact decimals of finite floats; whole numbers have no point."""
    if not vals:
        return []
    texts = orjson.dumps(list(vals)).decode()[1:-1] + ","
    return texts.replace(".0,", ",")[:-1].split(",")


def coord_text(coord: Coord) -> str:
    """``lat,lng`` as exact decimals; other readers accept no exponent here."""
    return ",".join(
        f"{Decimal(text):f}" for text in float_texts([coord.lat, coord.lng])
    )
