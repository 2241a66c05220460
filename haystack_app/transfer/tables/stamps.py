"""Times as exports write them, and the instants that they mean.

The order of day and month is not decided here: a text has the fields of its date, and
the orders that they allow.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ...kinds.display import quoted
from ...kinds.timezones import UnknownTimeZone, city_name, zone_of
from ..timestamps import Instants, local_instants

__all__ = [
    "ORDERS",
    "Stamp",
    "instants_of",
    "is_day_name",
    "is_time_only",
    "number_form",
    "number_instants",
    "stamp_of",
    "zone_named",
]

ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
"""The places of year, month and day."""
_MONTHS = (
    "january januar janvier enero gennaio",
    "february februar fevrier febrero febbraio",
    "march maerz marz mrz mars marzo",
    "april avril abril aprile",
    "may mai mayo maggio",
    "june juni juin junio giugno",
    "july juli juillet julio luglio",
    "august aout agosto",
    "september septembre septiembre settembre",
    "october oktober octobre octubre ottobre",
    "november novembre noviembre",
    "december dezember decembre diciembre dicembre",
)
"""In English, German, French, Spanish and Italian, without accents."""
_LETTER = "[a-zäéûÄÉÛ]"
_DAY_NAME = (
    "(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim"
    r"|jue|vie|dom|gio)[a-z]*\.?"
)
_WEEKDAY = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
    r"|(?:lun|mar|mercre|jeu|vendre|same)di|dimanche",
    re.IGNORECASE,
)
"""In full: Sat is a supply air temperature, too."""
_DATE = (
    r"(?P<a>\d{4}|\d{1,2})(?P<sign>[-/.])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{4}|\d{1,2})"
    rf"|(?P<d>\d{{4}}|\d{{1,2}})(?:er\b)?[-/ .]*(?P<month>{_LETTER}{{3,9}})[-/ ,.]*"
    r"(?P<y>\d{4}|\d\d)"
    r"|(?P<us_month>[a-z]{3,9})\.? +(?P<us_d>\d{1,2}),? +(?P<us_y>\d{4})"
    r"|(?P<compact>\d{8})(?:[T _]?(?P<clock>\d{6})(?!\d)|[T _]?(?P<short>\d{4})(?!\d))?"
)
_HALF = r" ?(?P<half>[ap])\.? ?m\.?(?![a-z])"
_TIME = (
    r"(?P<hour>\d{1,2})"
    r"(?:(?P<colon>[:.h])(?P<minute>\d\d)"
    r"(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9})|:(?P<millis>\d{3}))?)?"
    rf"|(?={_HALF.replace('?P<half>', '?:')}))"
    rf"(?:{_HALF}| ?uhr\b)?"
)
"""With points after a date alone: ``20.15`` is a number elsewhere."""
_ZONE = (
    r"(?:\s*(?P<offset>z(?![a-z])|(?:utc)?[+-]\d\d:?\d\d|(?:utc)?[+-]\d\d|utc[+-]\d))?"
    r"(?:\s*[(\[]?(?P<zone>[a-z][\w/+\-]*)[)\]]?)?"
)
_STAMP = re.compile(
    rf"(?:{_DAY_NAME},? +)?(?:{_DATE})(?:,? +{_DAY_NAME},?)?"
    rf"(?:(?:T|,? +){_TIME})?{_ZONE}",
    re.ASCII | re.IGNORECASE,
)
_YEAR_LAST = re.compile(
    r"[a-z]{3} ([a-z]{3}) +(\d{1,2}) (\d{1,2}:\d\d:\d\d)(?: ([a-z]{3,4}))? (\d{4})",
    re.ASCII | re.IGNORECASE,
)
"""``Sat Jun 15 08:15:00 EDT 2024``, as C and Java have it."""
_TIME_ONLY = re.compile(
    rf"{_TIME.replace('[:.h]', '[:h]')}{_ZONE}", re.ASCII | re.IGNORECASE
)
_UTC = ("UTC", "GMT", "Z")
_OFFSETS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6}
_OFFSETS |= {"PST": -8, "PDT": -7, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2}
"""Of names that are compared with a zone of one offset."""
_SIGNED = re.compile(r"(?:Etc/)?GMT[+-]\d+", re.IGNORECASE)
"""Etc/GMT-5 is UTC+5, but most exports mean UTC-5 by it."""
_DAY = 86_400_000_000
_EXCEL_EPOCH = dt.datetime(1899, 12, 30)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_SIZES = (
    ("serial", 18_000, 80_000),
    ("s", 1e8, 4.7e9),
    ("ms", 1e11, 4.7e12),
    ("us", 1e14, 4.7e15),
    ("ns", 1e17, 4.7e18),
)
"""Days of 1949 to 2119, and epochs of 1973 to 2118."""
_RESOLUTION = {"s": 1_000_000, "ms": 1_000, "us": 1}


class Stamp(NamedTuple):
    """The fields of a text; ``time`` is in microseconds, None for a date alone.

    ``by_column``: other rows decide which of the orders it is. ``is_year_last``: a
    year of two digits is written last by custom.
    """

    fields: tuple[int, int, int]
    orders: frozenset[str]
    by_column: bool
    is_year_last: bool
    time: int | None
    offset: dt.timedelta | None
    zone: str | None


@lru_cache(maxsize=65_536)
def stamp_of(text: str) -> Stamp | None:
    """None if the text is not a time with a date."""
    match = _STAMP.fullmatch(text) or _STAMP.fullmatch(_with_year_first(text))
    if match is None or _is_early(match):
        return None
    found = _date(match)
    if found is None or not found[1]:
        return None
    time = None
    if match["hour"] is not None:
        time = _time(match)
    elif clock := match["clock"] or match["short"]:
        time = _clock(clock)
    elif match["offset"] or match["zone"]:
        return None
    if time is None and (match["hour"] or match["clock"] or match["short"]):
        return None
    # 22-Sep-26 has two short numbers too
    first = match["a"] or (match["d"] if len(match["y"] or "") == 2 else None)
    by_column = first is not None and len(first) < 4
    is_year_last = bool(match["month"] or match["sign"] in ("/", "."))
    return Stamp(
        *found, by_column, is_year_last, time, _offset(match["offset"]), match["zone"]
    )


def _with_year_first(text: str) -> str:
    if (match := _YEAR_LAST.fullmatch(text)) is None:
        return text
    month, day, time, zone, year = match.groups()
    return f"{month} {day}, {year} {time} {zone or ''}".strip()


def number_form(text: str) -> str | None:
    """What a number may be as a time, by its size: s, ms, us, ns or serial."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    found = [form for form, low, high in _SIZES if low <= value <= high]
    return found[0] if found else None


def is_time_only(text: str) -> bool:
    return _TIME_ONLY.fullmatch(text) is not None


def is_day_name(text: str) -> bool:
    """Whether a text is the full name of a day of the week."""
    return _WEEKDAY.fullmatch(text) is not None


def _is_early(match: re.Match[str]) -> bool:
    """A year before 1000, which must not be taken for a short one."""
    years = (match[name] or "" for name in ("a", "c", "d", "y", "us_y", "compact"))
    return any(len(year) >= 4 and year[0] == "0" for year in years)


def _date(match: re.Match[str]) -> tuple[tuple[int, int, int], frozenset[str]] | None:
    if compact := match["compact"]:
        fields = int(compact[:4]), int(compact[4:6]), int(compact[6:])
        return fields, _possible(fields, {"ymd"})
    if match["us_month"]:
        month = _month(match["us_month"])
        fields = month, int(match["us_d"]), int(match["us_y"])
        return fields, _possible(fields, {"mdy"})
    if match["month"]:
        first, last = match["d"], match["y"]
        if len(first) == 4 and len(last) == 4:
            return None
        fields = int(first), _month(match["month"]), int(last)
        orders = {"ymd"} if len(first) == 4 else {"dmy"}
        if len(first) == len(last) == 2:
            orders = {"dmy", "ymd"}
        return fields, _possible(fields, orders)
    first, last = match["a"], match["c"]
    middle = int(match["b"])
    if len(first) == 4:
        fields = int(first), middle, int(last)
        return fields, _possible(fields, {"ymd"} if len(last) < 3 else set())
    if len(last) == 4:
        fields = int(first), middle, int(last)
        return fields, _possible(fields, {"dmy", "mdy"})
    orders = {"ymd"} if len(first) == 2 else set()
    orders |= {"dmy", "mdy"} if len(last) == 2 else set()
    fields = int(first), middle, int(last)
    return fields, _possible(fields, orders)


def _possible(fields: tuple[int, int, int], orders: set[str]) -> frozenset[str]:
    found = set()
    for order in orders:
        _, month, day = (fields[place] for place in ORDERS[order])
        if 1 <= month <= 12 and 1 <= day <= 31:
            found.add(order)
    return frozenset(found)


def _year(text: str) -> int:
    """Years of two digits are those from 1969 to 2068, as POSIX has it."""
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 69 else 1900)


def _month(name: str) -> int:
    """0 if it is not the name of one month, or the first letters of one."""
    marks = unicodedata.normalize("NFD", name.lower())
    plain = "".join(letter for letter in marks if not unicodedata.combining(letter))
    found = [
        at
        for at, names in enumerate(_MONTHS, 1)
        if any(full.startswith(plain) for full in names.split())
    ]
    return found[0] if len(found) == 1 else 9 if plain == "sept" else 0


def _time(match: re.Match[str]) -> int | None:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    second = int(match["second"] or 0)
    digits = match["fraction"] or match["millis"] or "0"
    micro = int(digits.ljust(6, "0")[:6])
    if half := match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    time = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
    return time if minute < 60 and second < 60 and time <= _DAY else None


def _clock(digits: str) -> int | None:
    hour, minute, second = (int(digits.ljust(6, "0")[at : at + 2]) for at in (0, 2, 4))
    time = ((hour * 60 + minute) * 60 + second) * 1_000_000
    return time if minute < 60 and second < 60 and time <= _DAY else None


def _offset(text: str | None) -> dt.timedelta | None:
    if text is None:
        return None
    if text in "zZ":
        return dt.timedelta(0)
    text = text.lower().removeprefix("utc")
    digits = text[1:].replace(":", "")
    digits = digits.zfill(2).ljust(4, "0")
    found = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -found if text[0] == "-" else found


@lru_cache(maxsize=65_536)
def instants_of(text: str, order: str | None, tz: str) -> Instants:
    """The UTC times of a text. ``tz`` applies where it has neither offset nor zone.

    Raises ValueError.
    """
    stamp = stamp_of(text)
    if stamp is None:
        raise ValueError(f"invalid time {quoted(text)}")
    used = _order(text, stamp, order)
    year, month, day = (stamp.fields[place] for place in ORDERS[used])
    if year < 100:
        year = _year(f"{year:02d}")
    try:
        local = dt.datetime(year, month, day) + dt.timedelta(
            microseconds=stamp.time or 0
        )
        if stamp.offset is not None:
            return ((local - stamp.offset).replace(tzinfo=dt.UTC),)
    except (ValueError, OverflowError):
        reason = f"invalid time {quoted(text)}: there is no such day or hour"
        raise ValueError(reason) from None
    return _in_zone(text, local, stamp.zone, tz)


def _order(text: str, stamp: Stamp, order: str | None) -> str:
    if not stamp.by_column:
        return next(iter(stamp.orders))
    if order is None:
        raise ValueError(f"{quoted(text)} has two readings: give --dates")
    if order not in stamp.orders:
        raise ValueError(
            f"invalid time {quoted(text)}: the dates of the column are {order}"
        )
    return order


def _in_zone(text: str, local: dt.datetime, name: str | None, tz: str) -> Instants:
    if name is None:
        return local_instants(text, local, zone_of(tz), tz)
    if name.upper() in _UTC:
        return (local.replace(tzinfo=dt.UTC),)
    if _SIGNED.fullmatch(name):
        raise ValueError(
            f"{quoted(text)}: the sign of {name} has two readings: give the zone of the"
            " file with --tz, and the times without it"
        )
    if not _is_short(name):
        city = city_name(name)
        return local_instants(text, local, _zone(city), city)
    zone = zone_of(tz)
    found = tuple(
        utc
        for utc in local_instants(text, local, zone, tz)
        if utc.astimezone(zone).tzname() == name.upper()
    )
    if not found and _is_offset(name, zone, local):
        return local_instants(text, local, zone, tz)
    if not found:
        raise ValueError(
            f"{quoted(text)}: {name} is not what clocks in {tz} show then:"
            " give the zone of the file with --tz"
        )
    return found


def _is_offset(name: str, zone: ZoneInfo, local: dt.datetime) -> bool:
    """Whether the zone has one offset, such as GMT+7, and it is that of the name."""
    if name.upper() not in _OFFSETS or (zone.tzname(local) or "")[:1] not in "+-":
        return False
    return zone.utcoffset(local) == dt.timedelta(hours=_OFFSETS[name.upper()])


def _is_short(name: str) -> bool:
    """EST, CEST: short names are of many zones, so the zone of the point decides."""
    return re.fullmatch(r"[A-Z]{2,5}", name) is not None


def _zone(city: str) -> ZoneInfo:
    try:
        return zone_of(city)
    except UnknownTimeZone as err:
        raise ValueError(f"{err}: expected a name such as America/New_York") from None


def zone_named(name: str) -> str | None:
    """The city of a zone's full name, None for other text."""
    if name.upper() in _UTC:
        return "UTC"
    city = city_name(name)
    try:
        zone_of(city)
    except UnknownTimeZone:
        return None
    if _SIGNED.fullmatch(city):
        return None
    return None if _is_short(name) else city


def number_instants(text: str, form: str, tz: str) -> Instants:
    """An epoch in ``s``, ``ms``, ``us`` or ``ns``, or a local ``serial``.

    Raises ValueError.
    """
    if number_form(text) != form:
        raise ValueError(f"invalid time {quoted(text)}: the other rows have {form}")
    try:
        if form == "ns" or form in _RESOLUTION:
            if form == "ns":
                micros = int(text) // 1_000
            else:
                micros = round(Fraction(text) * _RESOLUTION[form])
            return (_EPOCH + dt.timedelta(microseconds=micros),)
        millis = round(float(text) * 86_400_000)
        local = _EXCEL_EPOCH + dt.timedelta(milliseconds=millis)
    except (ValueError, OverflowError):
        raise ValueError(f"invalid time {quoted(text)}") from None
    return local_instants(text, local, zone_of(tz), tz)
