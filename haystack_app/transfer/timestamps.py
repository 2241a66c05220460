"""Timestamps in files of samples.

``2024-03-01T08:15:00-05:00``. Seconds and their fraction are optional, a blank may
replace the ``T``, and the city of a time zone may follow. Without an offset the time is
local in that zone, or else in the zone of the option or of the point. A local time that
does not occur, when clocks go forward, is an error. Which one is meant of a time that
occurs twice, when clocks go back, follows from the order of the point's rows, oldest or
newest first; where the order does not show it, --dst decides.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..kinds.display import quoted
from ..kinds.timezones import UnknownTimeZone, zone_of

__all__ = ["Instants", "fixed_offset", "instants", "is_own_stamp", "local_instants"]

Instants = tuple[dt.datetime, ...]
"""The UTC time of a text, or both if the local time occurs twice, in order."""

_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)"
    r"\s*(Z|[+-]\d\d:\d\d)?(?:\s+([A-Za-z][\w+\-]*))?",
    re.ASCII,
)
_HOUR = dt.timedelta(hours=1)
_EXPECTED = "expected a form such as 2024-03-01T08:15:00-05:00 or 2024-03-01 08:15"


@lru_cache(maxsize=65_536)
def instants(text: str, tz: str) -> Instants:
    """The UTC times of a text; ``tz`` applies if it has neither offset nor zone.

    Raises ValueError.
    """
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid time {quoted(text)}: {_EXPECTED}")
    date, time, offset, city = match.groups()
    zone = _zone(city or tz)
    try:
        if offset is not None:
            given = dt.datetime.fromisoformat(date + "T" + time + offset)
            return (given.astimezone(dt.UTC),)
        local = dt.datetime.fromisoformat(date + "T" + time)
    except (ValueError, OverflowError):
        raise ValueError(_no_such(text)) from None
    return local_instants(text, local, zone, city or tz)


def is_own_stamp(text: str) -> bool:
    """Whether a text has the form that ``instants`` reads."""
    return _STAMP.fullmatch(text) is not None


def local_instants(text: str, local: dt.datetime, zone: ZoneInfo, tz: str) -> Instants:
    """The instants with this local time. Raises ValueError if it does not occur."""
    try:
        found = _occurrences(local, zone)
    except OverflowError:
        raise ValueError(_no_such(text)) from None
    if not found:
        raise ValueError(_gap(text, local, zone, tz))
    return found


def _no_such(text: str) -> str:
    return f"invalid time {quoted(text)}: there is no such day or hour"


def _zone(tz: str) -> ZoneInfo:
    try:
        return zone_of(tz)
    except UnknownTimeZone as err:
        raise ValueError(f"{err}: expected a city such as New_York") from None


def _occurrences(local: dt.datetime, zone: ZoneInfo) -> Instants:
    """None, one or two instants with this local time."""
    first = local.replace(tzinfo=zone)
    second = first.replace(fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before is None or after is None or before == after:
        return (first.astimezone(dt.UTC),)
    if before < after:  # clocks go forward
        return ()
    return first.astimezone(dt.UTC), second.astimezone(dt.UTC)


def _gap(text: str, local: dt.datetime, zone: ZoneInfo, tz: str) -> str:
    offset = local.replace(tzinfo=zone).utcoffset() or dt.timedelta(0)
    return (
        f"local time {quoted(text)} does not occur in {tz}: clocks go forward; "
        f"for a logger that stays on standard time, {fixed_offset(offset)}"
    )


def fixed_offset(offset: dt.timedelta) -> str:
    """How to give times with a fixed offset. ``GMT+5`` is UTC-5."""
    hours, rest = divmod(offset, _HOUR)
    if rest:
        sign = "-" if offset < dt.timedelta(0) else "+"
        minutes = abs(offset) // dt.timedelta(minutes=1)
        shown = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
        return f"add the offset {shown} to its times"
    name = f"GMT{-hours:+d}" if hours else "GMT"
    return f"use --tz {name}"
