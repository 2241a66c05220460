"""The ``range`` of hisRead: what part of a history is asked for.

Source: docHaystack Ops, hisRead. Days are those of the point's zone, 23 and 25
hours long when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.timezones import zone_of
from ..wire import lexer
from ..wire.errors import ParseError

__all__ = ["HisRange", "parse_range"]

_DAY = dt.timedelta(days=1)
_FORMS = "today, yesterday, a date, a dateTime, or a pair of either"


@dataclass(frozen=True, slots=True)
class HisRange:
    """From ``start`` up to and without ``end``; an ``end`` of None is open."""

    start: DateTime
    end: DateTime | None


def parse_range(value: Any, tz: str, now: dt.datetime | None = None) -> HisRange:
    """Read a range (Str, Date or DateTime) in the zone ``tz``.

    ``now``, an aware datetime, decides what today is. Raises ParseError.
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
        shown = value if isinstance(value, str) else str(value)
        raise ParseError(f"invalid history range {shown!r}: use {_FORMS}") from None


def _parsed(text: str) -> list[Any]:
    try:
        return [_literal(part.strip()) for part in text.split(",", 2)]
    except ParseError as err:
        why = f"invalid history range {text!r}: {err.message}; use {_FORMS}"
        raise ParseError(why) from None


def _literal(text: str) -> Any:
    if not text[:1].isdigit():
        raise ParseError(f"{text!r} is no date")
    value, end = lexer.number_or_time(text, 0)
    if end < len(text):
        raise ParseError(f"{text!r} is no date")
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

    Where the clocks skip midnight, the time before the change is taken: it is
    the instant of the change itself.
    """
    local = dt.datetime.combine(day, dt.time(), zone_of(tz))
    return DateTime(local.astimezone(dt.UTC), tz)
