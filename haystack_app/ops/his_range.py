"""The ``range`` of hisRead.

Source: docHaystack Ops, hisRead. Days are those of the point's time zone, with 23
or 25 hours when the clocks change. A range may begin or end where the calendar does,
years 1 and 9999, as those of programs do whose least or greatest time stands for "all".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime, utc_offset
from ..kinds.timezones import zone_of
from ..wire import lexer
from ..wire.errors import ParseError
from ..wire.zinc_writer import display_text

__all__ = ["LAST", "HisRange", "Span", "parse_range", "shown"]

_DAY = dt.timedelta(days=1)
_MINUTE = dt.timedelta(minutes=1)
_MILLISECOND = dt.timedelta(milliseconds=1)
_FORMS = "today, yesterday, a date, a dateTime, or a pair of either"


_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
"""The end of the calendar."""


@dataclass(frozen=True, slots=True)
class HisRange:
    """From ``start``, included, to ``end``, excluded; None for an open end.

    ``until`` is the end for the store; None if every sample from ``start`` is meant.
    """

    start: DateTime
    end: DateTime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A range that depends on the time of the request.

    ``parts`` takes the local date and the instant in UTC. It returns one or two bounds:
    dates, which are included, or instants, the second of which is excluded.
    """

    parts: Callable[[dt.date, dt.datetime], Sequence[dt.date | dt.datetime]]


def parse_range(value: Any, tz: str, now: dt.datetime | None = None) -> HisRange:
    """Parse a range (Str, Date, DateTime or Span) in the time zone ``tz``.

    ``now``, an aware datetime, determines today. Raises ParseError.
    """
    now = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
    today = now.astimezone(zone_of(tz)).date()
    if isinstance(value, Span):
        return _bounds(_alike(value.parts(today, now), tz), tz)
    parts = [value]
    if isinstance(value, str):
        names = {"today": today, "yesterday": today - _DAY}
        word = value.strip()
        parts = [names[word]] if word in names else _parsed(value)
    try:
        return _bounds(parts, tz)
    except (TypeError, OverflowError, ValueError):
        shown = display_text(value)
        raise ParseError(f"invalid history range {shown}: use {_FORMS}") from None


def _alike(bounds: Sequence[dt.date | dt.datetime], tz: str) -> list[Any]:
    """Dates beside an instant as instants: the beginning or the end of the day."""
    if len({type(bound) is dt.date for bound in bounds}) < 2:
        return list(bounds)
    return [
        _midnight(bound, tz, days=place) if type(bound) is dt.date else bound
        for place, bound in enumerate(bounds)
    ]


def _parsed(text: str) -> list[Any]:
    try:
        return [_literal(part.strip()) for part in text.split(",", 2)]
    except ParseError as err:
        shown = display_text(text)
        why = f"invalid history range {shown}: {err.message}; use {_FORMS}"
        raise ParseError(why) from None


def _literal(text: str) -> Any:
    if not text[:1].isdigit():
        raise ParseError(f"{display_text(text)} is not a date")
    edge = {"0001-": _FIRST, "9999-": LAST}.get(text[:5])
    if edge and isinstance(lexer.date_time(f"2001-{text[5:]}"), DateTime):
        return lexer.date_time(text) or edge  # None: its UTC is in the next year
    value, end = lexer.number_or_time(text, 0)
    if end < len(text):
        raise ParseError(f"{display_text(text)} is not a date")
    return value


def _bounds(parts: list[Any], tz: str) -> HisRange:
    days = {type(part) is dt.date for part in parts}
    if len(parts) > 2 or len(days) != 1:
        raise ValueError
    if days == {True}:
        start, end = _midnight(parts[0], tz), _midnight(parts[-1], tz, days=1)
    else:
        start, end = (_instant(part) for part in (parts[0], parts[-1]))
        if len(parts) == 1:
            return HisRange(shown(start, tz))
    end = max(start, end)
    until = None if end == LAST else end
    return HisRange(shown(start, tz), shown(end, tz), until)


def _instant(value: Any) -> dt.datetime:
    """In UTC. The greatest times of programs, with 3 to 9 digits, are the last one."""
    utc = value.utc if isinstance(value, DateTime) else value
    if not isinstance(utc, dt.datetime):
        raise TypeError
    return LAST if utc > LAST - _MILLISECOND else utc


def _midnight(day: dt.date, tz: str, days: int = 0) -> dt.datetime:
    """The first instant of a local day, or of one ``days`` later.

    If the clocks skip midnight, the time before the change is used: it is the
    instant of the change itself.
    """
    try:
        local = dt.datetime.combine(day, dt.time(), zone_of(tz)) + days * _DAY
        return local.astimezone(dt.UTC)
    except OverflowError:
        return LAST if day.year == LAST.year else _FIRST


def shown(utc: dt.datetime, tz: str) -> DateTime:
    """In the zone; where its local time is outside years 1 to 9999, the nearest one."""
    try:
        return DateTime(utc, tz)
    except ValueError:
        first = utc.year == 1
        inside = utc + (_DAY if first else -_DAY)
        edge = _FIRST + _MINUTE if first else LAST  # local mean times have seconds
        return DateTime(edge - utc_offset(inside, tz), tz)
