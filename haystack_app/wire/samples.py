"""Texts of many times and numbers, for history answers.

A sample's time costs a dict look-up and two additions: the zone is asked twice a
day, and for every second that occurs on days when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import orjson

from ..kinds.datetimes import utc_offset
from ..kinds.series import instant_of

__all__ = ["TimeTexts", "float_texts"]

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_REMEMBERED = 100_000
_ORIGIN = dt.date(1970, 1, 1)


class _Clock(dict[int, str]):
    """``HH:MM:SS[.fff]`` by microseconds since midnight, made when asked for."""

    def __missing__(self, time: int) -> str:
        seconds, fraction = divmod(time, _SECOND)
        minute, second = divmod(seconds, 60)
        text = f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}"
        if fraction:
            text += f".{fraction:06d}".rstrip("0")
        if len(self) < _REMEMBERED:
            self[time] = text
        return text


class TimeTexts:
    """ISO texts of instants in one zone, the same as ``DateTime.iso``'s."""

    def __init__(self, tz: str) -> None:
        self.tz = tz
        self.clock = _Clock()

    def of(self, times: Sequence[int]) -> list[str]:
        """Texts of microseconds since 1970 UTC, given in ascending order.

        Times between two changes of date or offset share all but the clock.
        """
        found: list[str] = []
        clock = self.clock
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
    """Microseconds to add for local time, the offset's text, and until when."""
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
    """Shortest exact decimal texts of finite floats; whole ones without a point."""
    if not vals:
        return []
    texts = orjson.dumps(list(vals)).decode()[1:-1] + ","
    return texts.replace(".0,", ",")[:-1].split(",")
