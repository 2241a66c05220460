"""Times relative to the evaluation of a filter: ``now-2day``, ``today``, ``yesterday``.

An extension of the grammar. A parsed filter has them as they were written, so that it
can be remembered; ``resolve_times`` replaces them for one evaluation. ``now`` becomes a
DateTime. ``today`` becomes a ``LocalDay``, which compares with Dates and with the local
days of DateTimes.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..kinds.datetimes import DateTime, utc_offset
from ..kinds.scalars import Number
from ..kinds.timezones import cities
from ..kinds.units import preferred_symbol
from ..wire import lexer
from .ast import And, Compare, Filter, Or

__all__ = [
    "RELATIVE",
    "LocalDay",
    "Now",
    "Today",
    "day_of",
    "is_relative",
    "relative_time",
    "resolve_times",
]

RELATIVE = frozenset({"now", "today", "yesterday", "tomorrow"})
"""The words that are values of a filter."""
_WORDS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_MILLISECONDS = {
    preferred_symbol("ms"): 1,
    preferred_symbol("s"): 1_000,
    preferred_symbol("min"): 60_000,
    preferred_symbol("h"): 3_600_000,
    preferred_symbol("day"): 86_400_000,
    preferred_symbol("wk"): 604_800_000,
}
_DAY = _MILLISECONDS[preferred_symbol("day")]
_LONGEST = 100 * 366 * _DAY
_UNITS = "ms, sec, min, hr, day or wk"


@dataclass(frozen=True, slots=True)
class Now:
    """``now``, with an offset of exact seconds: a day has 24 hours."""

    offset: dt.timedelta = dt.timedelta(0)


@dataclass(frozen=True, slots=True)
class Today:
    """``today``, ``yesterday`` or ``tomorrow``, with an offset of days."""

    days: int = 0


@dataclass(frozen=True, slots=True)
class LocalDay:
    """The day that it is somewhere at an instant, or one that many days later.

    A Date compares with ``day``, that of the server's zone; a DateTime by its local
    date with the day in its own zone.
    """

    day: dt.date
    minute: dt.datetime
    days: int

    def in_zone(self, tz: str) -> dt.date:
        return _local_date(self.minute, tz) + dt.timedelta(self.days)

    @property
    def days_of_zones(self) -> tuple[dt.date, dict[dt.date, list[str]]]:
        """The day in most zones, and the zones where it is another one."""
        most, others = _dates(self.minute)
        shift = dt.timedelta(self.days)
        return most + shift, {day + shift: list(tz) for day, tz in others.items()}


def _local_date(utc: dt.datetime, tz: str) -> dt.date:
    return (utc + utc_offset(utc, tz)).date()


@lru_cache(maxsize=8)
def _dates(minute: dt.datetime) -> tuple[dt.date, Mapping[dt.date, tuple[str, ...]]]:
    """By zone; offsets are whole minutes, so dates change at whole minutes alone."""
    found = {tz: _local_date(minute, tz) for tz in cities()}
    [(most, _)] = Counter(found.values()).most_common(1)
    others: dict[dt.date, list[str]] = {}
    for tz, day in found.items():
        if day != most:
            others.setdefault(day, []).append(tz)
    return most, {day: tuple(zones) for day, zones in others.items()}


def day_of(value: Any, literal: LocalDay) -> tuple[dt.date, dt.date] | None:
    """The day of a value, and the one that it compares with; None for other kinds."""
    if type(value) is dt.date:
        return value, literal.day
    if isinstance(value, DateTime):
        return value.local.date(), literal.in_zone(value.tz)
    return None


# -- parsing -----------------------------------------------------------------------


def relative_time(word: str, text: str, at: int) -> tuple[Now | Today, int]:
    """The value of ``now`` or ``today`` and the like, and where its text ends.

    ``at`` is the place after the word. Raises ParseError.
    """
    start = lexer.blank(text, at)
    sign = text[start : start + 1]
    if sign not in ("+", "-"):
        return (Now() if word == "now" else Today(_WORDS[word])), at
    begin = lexer.blank(text, start + 1)
    if not text[begin : begin + 1].isdigit():
        _refuse(word, text, begin)
    number, end = lexer.number_or_time(text, begin)
    size = _MILLISECONDS.get(number.unit or "") if isinstance(number, Number) else None
    if size is None or not abs(number.val * size) <= _LONGEST:
        _refuse(word, text, begin)
    length = number.val * size * (-1 if sign == "-" else 1)
    if word == "now":
        return Now(dt.timedelta(milliseconds=length)), end
    if length % _DAY:
        _refuse(word, text, begin)
    return Today(_WORDS[word] + round(length / _DAY)), end


def _refuse(word: str, text: str, at: int) -> None:
    units = _UNITS if word == "now" else "whole days (day or wk)"
    lexer.fail(
        f"expected a Number after {word}, such as 2day: {units}, at most 100 years",
        text,
        at,
    )


# -- evaluation --------------------------------------------------------------------


def is_relative(tree: Filter) -> bool:
    """Whether the filter means something else at another time."""
    if isinstance(tree, And | Or):
        return any(map(is_relative, tree.terms))
    return isinstance(tree, Compare) and isinstance(tree.value, Now | Today)


def resolve_times(tree: Filter, now: dt.datetime) -> Filter:
    """The filter at a time; the same object if it has no relative times.

    ``now`` is an aware datetime in the zone whose day Dates are compared with.
    """
    if not is_relative(tree):
        return tree
    if isinstance(tree, And | Or):
        return type(tree)(tuple(resolve_times(term, now) for term in tree.terms))
    assert isinstance(tree, Compare)
    return replace(tree, value=_resolved(tree.value, now))


def _resolved(value: Now | Today, now: dt.datetime) -> DateTime | LocalDay:
    utc = now.astimezone(dt.UTC)
    if isinstance(value, Now):
        return DateTime(utc + value.offset)
    minute = utc.replace(second=0, microsecond=0)
    day = now.date() + dt.timedelta(value.days)
    return LocalDay(day, minute, value.days)
