"""Bounds of ranges that depend on the time of a request: today, now, lastMonth.

Each is a function of the local date and the instant in UTC, as ``Span.parts`` is.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Sequence

from ..filters.times import Now, Today

__all__ = ["Bound", "at_time", "fixed", "last_of_month", "on_day", "parts_of", "period"]

_DAY = dt.timedelta(days=1)
_MONTHS = {"Month": 1, "Quarter": 3, "Year": 12}
Bound = Callable[[dt.date, dt.datetime], dt.date | dt.datetime]
Parts = Callable[[dt.date, dt.datetime], Sequence[dt.date | dt.datetime]]


def fixed(value: dt.date | dt.datetime) -> Bound:
    return lambda today, now: value


def at_time(value: Now) -> Bound:
    return lambda today, now: now + value.offset


def on_day(value: Today) -> Bound:
    return lambda today, now: today + dt.timedelta(value.days)


def parts_of(first: Bound, last: Bound | None) -> Parts:
    """Of a range from a bound to another one, None for a range of one."""
    bounds = [first] if last is None else [first, last]
    return lambda today, now: [bound(today, now) for bound in bounds]


def period(which: str, unit: str) -> Parts:
    """The first and last day: of this or the last one, or of as long up to today."""

    def days(today: dt.date, now: dt.datetime) -> Sequence[dt.date]:
        if which == "past":
            return [_back(today, unit), today]
        start = _start(today, unit)
        if which == "last":
            return [_start(start - _DAY, unit), start - _DAY]
        return [start, _last_day(start, unit)]

    return days


def _start(day: dt.date, unit: str) -> dt.date:
    if unit == "Week":
        return day - day.weekday() * _DAY
    count = _MONTHS[unit]
    return day.replace(month=(day.month - 1) // count * count + 1, day=1)


def _last_day(start: dt.date, unit: str) -> dt.date:
    if unit == "Week":
        return start + 6 * _DAY
    return last_of_month(start.replace(month=start.month + _MONTHS[unit] - 1))


def last_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _back(day: dt.date, unit: str) -> dt.date:
    """The same day of an earlier month, or the last one of a shorter month."""
    if unit == "Week":
        return day - 7 * _DAY
    years, month = divmod(day.year * 12 + day.month - 1 - _MONTHS[unit], 12)
    first = dt.date(years, month + 1, 1)
    return first.replace(day=min(day.day, last_of_month(first).day))
