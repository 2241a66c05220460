"""Texts of many times and numbers, for history answers.

A sample's time costs a dict look-up and a few additions: the zone is asked once
a day, and in every quarter of an hour on days when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from ..kinds.datetimes import utc_offset
from ..kinds.series import instant_of

__all__ = ["TimeTexts", "float_texts"]

_HOUR_MINUTE = [
    f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in range(60)
]
_SECOND = [f":{second:02d}" for second in range(60)]
_DAY = 86_400
_QUARTER = 900
_ORIGIN = dt.date(1970, 1, 1)


class TimeTexts:
    """ISO texts of instants in one zone, the same as ``DateTime.iso``'s."""

    def __init__(self, tz: str) -> None:
        self.tz = tz
        self._spans: dict[int, tuple[int, str]] = {}
        self._days: dict[int, tuple[int, str] | None] = {}

    def of(self, times: Iterable[int]) -> list[str]:
        """Texts of microseconds since 1970 UTC."""
        found: list[str] = []
        last_day = last_local = -(10**9)
        span: tuple[int, str] | None = None
        date = ""
        for time in times:
            seconds, fraction = divmod(time, 1_000_000)
            day = seconds // _DAY
            if day != last_day:
                last_day, span = day, self._day(day)
            shift, suffix = span or self._quarter(seconds // _QUARTER)
            local_day, clock = divmod(seconds + shift, _DAY)
            if local_day != last_local:
                last_local = local_day
                date = f"{_ORIGIN + dt.timedelta(days=local_day)}T"
            if fraction:
                suffix = f".{fraction:06d}".rstrip("0") + suffix
            minute, second = divmod(clock, 60)
            found.append(date + _HOUR_MINUTE[minute] + _SECOND[second] + suffix)
        return found

    def _day(self, day: int) -> tuple[int, str] | None:
        """The one offset of a UTC day, or None when it has several."""
        if day not in self._days:
            quarters = range(day * 96, day * 96 + 96)
            ends = {self._quarter(quarters[0]), self._quarter(quarters[-1])}
            self._days[day] = ends.pop() if len(ends) == 1 else None
        return self._days[day]

    def _quarter(self, quarter: int) -> tuple[int, str]:
        """Seconds to add, and the offset's text, of 15 minutes of UTC."""
        span = self._spans.get(quarter)
        if span is None:
            offset = utc_offset(instant_of(quarter * _QUARTER * 1_000_000), self.tz)
            minutes = int(offset.total_seconds()) // 60
            hours, rest = divmod(abs(minutes), 60)
            sign = "-" if minutes < 0 else "+"
            text = f"{sign}{hours:02d}:{rest:02d}" if minutes else "Z"
            span = self._spans[quarter] = (minutes * 60, text)
        return span


def float_texts(vals: Sequence[float]) -> list[str]:
    """Shortest exact decimal texts; whole numbers without a point."""
    return [text[:-2] if text.endswith(".0") else text for text in map(repr, vals)]
