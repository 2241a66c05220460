"""The ``range`` of hisRead.

Source: docHaystack Ops, hisRead. Days are those of the point's time zone, with 23
or 25 hours when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.timezones import zone_of
from ..wire import lexer
from ..wire.errors import ParseError
from ..wire.zinc_writer import display_text

__all__ = ["HisRange", "parse_range"]

_DAY = dt.timedelta(days=1)
_FORMS = "today, yesterday, a date, a dateTime, or a pair of either"


@dataclass(frozen=True, slots=True)
class HisRange:
    """From ``start``, included, to ``end``, excluded; None for an open end."""

    start: DateTime
    end: DateTime | None


def parse_range(value: Any, tz: str, now: dt.datetime | None = None) -> HisRange:
    """Parse a range (Str, Date or DateTime) in the time zone ``tz``.

    ``now``, an aware datetime, determines today. Raises ParseError.
    """
    parts = [value]
    if isinstance(value, str):
        today = (now or dt.datetime.now(dt.UTC)).astimezone(zone_of(tz)).date()
        names = {"today": today, "yesterday": today - _DAY}
        word = value.strip()
        parts = [names[word]] if word in names else _parsed(value)
    try:
        return _bounds(parts, tz)
    except (TypeError, OverflowError, ValueError):
        shown = display_text(value)
        raise ParseError(f"invalid history range {shown}: use {_FORMS}") from None


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
    value, end = lexer.number_or_time(text, 0)
    if end < len(text):
        raise ParseError(f"{display_text(text)} is not a date")
    return value


def _bounds(parts: list[Any], tz: str) -> HisRange:
    kinds = {type(part) for part in parts}
    if len(parts) > 2 or len(kinds) != 1:
        raise ValueError
    if kinds == {dt.date}:
        start, end = _midnight(parts[0], tz), _midnight(parts[-1] + _DAY, tz)
    elif kinds == {DateTime}:
        start = DateTime(parts[0].utc, tz)
        if len(parts) == 1:
            return HisRange(start, None)
        end = DateTime(parts[1].utc, tz)
    else:
        raise ValueError
    return HisRange(start, end if end.utc >= start.utc else start)


def _midnight(day: dt.date, tz: str) -> DateTime:
    """The first instant of a local day.

    If the clocks skip midnight, the time before the change is used: it is the
    instant of the change itself.
    """
    local = dt.datetime.combine(day, dt.time(), zone_of(tz))
    return DateTime(local.astimezone(dt.UTC), tz)
