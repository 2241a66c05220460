"""DateTime: an instant and the Haystack time zone it is shown in.

Texts are ISO 8601 with a colon in the offset, as docHaystack Kinds requires.
The resolution is one microsecond. Finer digits of an instant are cut, and those of a
time are rounded within its second: 23:59:59.9999999 is never the next day.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from .timezones import zone_of

__all__ = [
    "DateTime",
    "iso_text",
    "parse_date",
    "parse_instant",
    "parse_time",
    "time_text",
    "utc_offset",
]

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def _microseconds(fraction: str | None) -> int:
    """Microseconds of the digits after a decimal point; others are cut."""
    return int(fraction[:6].ljust(6, "0")) if fraction else 0


def _nearest_microseconds(fraction: str | None) -> int:
    """As ``_microseconds``, rounded, but at most 999999."""
    if not fraction or len(fraction) <= 6:
        return _microseconds(fraction)
    return min(round(int(fraction[:9].ljust(9, "0")) / 1000), 999_999)


def parse_date(text: str) -> dt.date:
    """Parse ``YYYY-MM-DD`` with a year from 1 to 9999. Raises ValueError."""
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"invalid date {text!r}")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as err:
        raise ValueError(f"invalid date {text!r}: {err}") from None


def parse_time(text: str) -> dt.time:
    """Parse ``H:MM``, ``HH:MM:SS`` or ``HH:MM:SS.fff``. Raises ValueError."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid time {text!r}")
    hour, minute, second, fraction = match.groups()
    try:
        return dt.time(
            int(hour), int(minute), int(second or 0), _nearest_microseconds(fraction)
        )
    except ValueError as err:
        raise ValueError(f"invalid time {text!r}: {err}") from None


def parse_instant(text: str) -> dt.datetime:
    """The UTC instant of an ISO text with an offset (``Z`` or ``±HH:MM``).

    Raises ValueError.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(f"invalid dateTime {text!r}")
    base, fraction, offset = match.groups()
    try:
        instant = dt.datetime.fromisoformat(base + offset).astimezone(dt.UTC)
        if fraction:
            instant = instant.replace(microsecond=_microseconds(fraction))
        return instant
    except (ValueError, OverflowError) as err:
        raise ValueError(f"invalid dateTime {text!r}: {err}") from None


def time_text(time: dt.time) -> str:
    """``HH:MM:SS``, with a fraction only if it is not zero."""
    text = time.replace(microsecond=0, tzinfo=None).isoformat()
    if time.microsecond:
        text += f".{time.microsecond:06d}".rstrip("0")
    return text


def utc_offset(utc: dt.datetime, tz: str) -> dt.timedelta:
    """The zone's offset at an instant, in whole minutes.

    Offsets of old local mean times have seconds, which Haystack texts cannot
    represent. The local time is printed with the rounded offset, so the instant
    stays exact.
    """
    offset = utc.astimezone(zone_of(tz)).utcoffset() or dt.timedelta(0)
    return dt.timedelta(minutes=round(offset.total_seconds() / 60))


def iso_text(local: dt.datetime) -> str:
    """An aware local time as text: offset ``Z`` for zero, no trailing zeros."""
    text = local.isoformat()
    if local.microsecond:
        head, tail = text[:19], text[26:]
        fraction = text[19:26].rstrip("0")
        text = f"{head}{fraction}{tail}"
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


@dataclass(frozen=True, slots=True)
class DateTime:
    """An instant in a named zone.

    ``utc`` is an aware datetime in UTC, ``tz`` a Haystack city such as
    ``New_York``; an unknown city raises ``UnknownTimeZone``. Filters compare
    ``utc`` alone, so equal instants in two zones are ``==`` in a filter.
    """

    utc: dt.datetime
    tz: str = "UTC"

    def __post_init__(self) -> None:
        zone_of(self.tz)
        if self.utc.tzinfo is None:
            raise ValueError("a DateTime needs an aware datetime")
        try:
            if self.utc.tzinfo is not dt.UTC:
                object.__setattr__(self, "utc", self.utc.astimezone(dt.UTC))
            if not 1 < self.utc.year < 9999:
                _ = self.local  # local times outside years 1..9999 have no text
        except OverflowError:
            text = f"{iso_text(self.utc)} {self.tz}"
            raise ValueError(f"dateTime out of range: {text}") from None

    @classmethod
    def parse(cls, text: str, tz: str) -> DateTime:
        """From an ISO text with an offset, in the zone ``tz``. Raises ValueError."""
        return cls(parse_instant(text), tz)

    @property
    def local(self) -> dt.datetime:
        """The local time, aware, with the offset its text shows."""
        return self.utc.astimezone(dt.timezone(utc_offset(self.utc, self.tz)))

    @property
    def iso(self) -> str:
        """ISO text with the zone's own offset, without the zone's name."""
        return iso_text(self.local)

    def __str__(self) -> str:
        return f"{self.iso} {self.tz}"
