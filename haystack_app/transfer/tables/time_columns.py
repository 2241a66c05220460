"""The columns that hold the time of a row: one, a date and a time of day, or its parts.

A time of day may be ``08:15``, ``0815``, or the number of an hour. The parts are the
year, the month, the day, and optionally hour, minute and second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from .stamps import is_time_only, stamp_of

__all__ = [
    "are_date_and_clock",
    "clock_beside",
    "date_text",
    "part_columns",
    "starts_of_data",
    "time_of",
]

_PARTS = {
    name: re.compile(words, re.IGNORECASE)
    for name, words in {
        "year": "years?|yr|yyyy|jahr|année|annee|año|anno",
        "month": "months?|mo|mm|monat|mois|mes|mese",
        "day": "days?|dd|tag|jour|día|dia|giorno",
        "hour": "hours?|hr|hh|stunde|heure|hora|ora",
        "minute": "minutes?|min|minuto",
        "second": "seconds?|sec",
    }.items()
}
_NEEDED = 3
_STARTS = 8
_HOUR_NAME = re.compile(
    r"(?:hour|hr|h_?e|stunde|heure|hora|ora|uur|godzina|timme|tunti)\b.*", re.IGNORECASE
)
_CLOCK_NAME = re.compile(r"time|clock|uhrzeit|zeit|heure|hora|ora", re.IGNORECASE)
_HOUR = re.compile(r"\d|1\d|2[0-4]|0\d", re.ASCII)
_DIGITS = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d", re.ASCII)


def starts_of_data(rows: Sequence[tuple[int, list[str]]]) -> Iterator[int]:
    """The indexes of rows below others with which data may begin: the first with dates.

    A few of them, because what is before the header may have dates, too.
    """
    dated = (
        at
        for at, (_, cells) in enumerate(rows)
        if at and any(_is_dated(cell) for cell in cells)
    )
    return islice(dated, _STARTS)


def part_columns(header: Sequence[str]) -> list[int]:
    """The columns of year, month, day and so on; none if one of these is missing."""
    names = [name.strip() for name in header]
    found: list[int] = []
    for number, pattern in enumerate(_PARTS.values()):
        places = [at for at, name in enumerate(names) if pattern.fullmatch(name)]
        if len(places) != 1:
            return found if number >= _NEEDED else []
        found += places
    return found


def clock_beside(
    header: Sequence[str], body: Sequence[list[str]], date: int
) -> list[int]:
    """The column of times of day, if the dates have none."""
    dated = [row for row in body if len(row) > date and _is_dated(row[date])]
    stamps = [stamp_of(row[date].strip()) for row in dated]
    if any(stamp is not None and stamp.time is not None for stamp in stamps):
        return []
    return [
        at
        for at in range(min(map(len, dated), default=0))
        if at != date and _is_clock(header, dated, at, date)
    ]


def _is_clock(
    header: Sequence[str], dated: Sequence[list[str]], at: int, date: int
) -> bool:
    cells = [row[at].strip() for row in dated]
    if all(map(is_time_only, cells)):
        return True
    name = header[at].strip() if at < len(header) else ""
    if _HOUR_NAME.fullmatch(name):
        return all(map(_HOUR.fullmatch, cells))
    is_named = _CLOCK_NAME.fullmatch(name) is not None
    is_beside = at == date + 1 and len(set(cells)) == len(cells) > 1 and not header
    return (is_named or is_beside) and all(map(_DIGITS.fullmatch, cells))


def are_date_and_clock(body: Sequence[list[str]], times: Sequence[int]) -> bool:
    """Whether one of two columns has dates alone, and the other one times of day."""
    first, second = times
    for row in body:
        if len(row) > max(times) and (_is_dated(row[first]) or _is_dated(row[second])):
            texts = [row[first].strip(), row[second].strip()]
            dates = [text for text in texts if _is_date_only(text)]
            if len(dates) != 1:
                return False
            (clock,) = (text for text in texts if text != dates[0])
            if not (is_time_only(clock) or _clock(clock) != clock):
                return False
    return True


def date_text(time: tuple[int, ...], cells: Sequence[str]) -> str:
    """The date of a row, or its date and time in one cell."""
    if len(time) < _NEEDED:
        return cells[time[0]].strip()
    return "-".join(cells[at].strip().removesuffix(".0") for at in time[:_NEEDED])


def time_of(time: tuple[int, ...], cells: Sequence[str]) -> str:
    """The time of a row, of one cell or of several."""
    if len(time) == 1:
        return cells[time[0]].strip()
    if len(time) < _NEEDED:
        return f"{cells[time[0]].strip()} {_clock(cells[time[1]].strip())}"
    clock = [cells[at].strip().removesuffix(".0") for at in time[_NEEDED:]] or ["0"]
    shown = ":".join(part.zfill(2) for part in [*clock, *["0"] * (2 - len(clock))])
    return f"{date_text(time, cells)} {shown}"


def _clock(text: str) -> str:
    """``0815`` and the number of an hour with a colon."""
    if _DIGITS.fullmatch(text):
        return f"{text[:2]}:{text[2:]}"
    return f"{text}:00" if _HOUR.fullmatch(text) else text


def _is_dated(cell: str) -> bool:
    return stamp_of(cell.strip()) is not None


def _is_date_only(text: str) -> bool:
    stamp = stamp_of(text)
    return stamp is not None and stamp.time is None
