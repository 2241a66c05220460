"""The parts of a table: preamble, header, row of units, times, roles of columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ...kinds.display import quoted
from ..his_units import unit_of
from .footers import speaks_of_the_end
from .options import TableOptions
from .stamps import is_time_only, number_form, stamp_of, zone_named
from .time_columns import (
    are_date_and_clock,
    clock_beside,
    date_text,
    part_columns,
)

__all__ = ["Row", "Shape", "shape_of", "zone_line"]

Row = tuple[int, list[str]]
"""The line of a row, and its cells."""

_TIME_NAME = re.compile(
    r".*\b(time|timestamp|datetime|date|epoch|ts|zeit|zeitstempel|datum|horodate)\b.*"
    r"|.*(timestamp|datetime|_time|_ts|time_ms|epoch_ms|unix).*",
    re.IGNORECASE,
)
_HINT = re.compile(
    r"\b(d{1,2}|m{1,2}|y{2,4})[-/. ](d{1,2}|m{1,2})[-/. ](d{1,2}|y{2,4})\b", re.I
)
_TYPE = re.compile(
    r"real|l?real|double|float\d*|u?int\d*|integer|bool(?:ean)?|string|timestamp"
    r"|date ?time|numeric|enum|binary|multi-?state|analog",
    re.IGNORECASE,
)
_STATES = re.compile(r"on ?/ ?off|off ?/ ?on|no[ -]units?|none|n/a|-", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UTC = re.compile(r"(?:.*[\s_])?\(?\[?(?:utc|gmt)\)?\]?|utc[\s_].*", re.IGNORECASE)
_OFFSET = re.compile(r"\b(?:utc|gmt) ?([+-]\d\d:\d\d)(?!\d)", re.IGNORECASE)
"""Only with minutes: exports and POSIX mean opposite signs by GMT-5."""
_ZONE_WORD = re.compile(r"utc|gmt|offset|time ?zone|zeitzone|fuseau", re.IGNORECASE)
_OF_TIMES = re.compile(r"time ?zone|all times|zeitzone|fuseau|huso", re.IGNORECASE)
"""In a line about the times of the table; others tell when it was exported."""
_SHORT_ZONES = re.compile(
    r"\b([ECMP][SD]T|AK[SD]T|HST|CES?T|EES?T|WES?T|BST|IST|JST|MEZ|MESZ|A[EWC][SD]T)\b"
)


class Shape(NamedTuple):
    """``first`` is the index of the first row of data in the sample of rows.

    ``header`` is empty if the table has none, and ``groups`` has the row above it if
    that names groups of columns, such as equips; ``titles`` is the header as it is.
    ``time`` has the columns of the time: one, a date and a clock, or its parts.
    ``form`` is text, s, ms, us, ns or serial. ``zone`` is that of the header of the
    times, ``suffix`` a short one that is read with each of them, and ``unclear`` a text
    about a zone that only a person understands.
    """

    first: int
    header: list[str]
    units: list[str]
    preamble: list[Row]
    time: tuple[int, ...]
    form: str
    order: str | None
    zone: str | None
    suffix: str
    unclear: str
    groups: list[str]
    titles: list[str]

    @property
    def above(self) -> list[list[str]]:
        """The cells of the preamble."""
        return [cells for _, cells in self.preamble]


def shape_of(rows: Sequence[Row], options: TableOptions) -> Shape | None:
    """None if the rows have no column of times. Raises ValueError for two of them."""
    cells = [row for _, row in rows]
    if (parts := _parts(cells, options)) is not None:
        return _with_header(rows, *parts, options)
    for first, row in enumerate(cells):
        dated = [
            at
            for at in range(len(row))
            if _is_dated(row[at]) and _goes_on(cells, first, at)
        ]
        if dated:
            return _with_header(rows, first, dated, options)
    for first in range(1, len(cells)):
        header = cells[first - 1]
        named = [
            at
            for at, name in enumerate(header[: len(cells[first])])
            if (name.strip() in options.time or _TIME_NAME.fullmatch(name.strip()))
            and number_form(cells[first][at].strip())
            and _counts_on(cells[first:], at)
        ]
        if named:
            return _with_header(rows, first, named, options)
    return None


def _parts(
    cells: Sequence[list[str]], options: TableOptions
) -> tuple[int, list[int]] | None:
    """The first row of data, and the columns of year, month, day and so on."""
    for number, (header, row) in enumerate(pairwise(cells), 1):
        found = [] if options.time else part_columns(header)
        if found and len(row) > max(found) and _is_dated(date_text(tuple(found), row)):
            return number, found
    return None


def _is_dated(cell: str) -> bool:
    return stamp_of(cell.strip()) is not None


def _goes_on(cells: Sequence[list[str]], first: int, at: int) -> bool:
    """Whether the times of a table begin in this row.

    A date before the header is in a row of another length, or alone in its row.
    """
    rest = [row for row in cells[first:] if not speaks_of_the_end(row)]
    if len(rest) > 1 and _filled(rest[0]) == 1 < _filled(rest[1]):
        return len(rest[1]) > at and _is_dated(rest[1][at])
    lengths = Counter(len(row) for row in rest if len(row) > at and _is_dated(row[at]))
    if 2 * lengths.total() < len(rest):
        return False
    return lengths[len(cells[first])] == max(lengths.values())


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _counts_on(rest: Sequence[list[str]], at: int) -> bool:
    numbers = sum(
        len(row) > at and number_form(row[at].strip()) is not None for row in rest
    )
    return 2 * numbers >= len(rest)


def _with_header(
    rows: Sequence[Row], first: int, times: list[int], options: TableOptions
) -> Shape:
    header, units, above = _header(rows, first, times)
    names = [name.strip() for name in header]
    if options.time:
        times = [_place(name, names) for name in options.time]
    elif names:
        times = [
            at for at in times if at >= len(names) or names[at] not in options.ignore
        ]
    body = [row for _, row in rows[first:]]
    if not options.time and len(times) == 1:
        times += clock_beside(names, body, times[0])
    if not times:
        raise ValueError("--ignore leaves out the only column of times")
    if not _is_one_time(body, times):
        shown = ", ".join(
            quoted(names[at]) if at < len(names) else str(at + 1) for at in times
        )
        raise ValueError(
            f"several columns have times, {shown}: name the one that counts with"
            " --time, a date and its time of day with --time twice"
        )
    if names and max(times) >= len(names):
        raise ValueError(
            f"the header has {len(names)} cells, and the times are in cell"
            f" {max(times) + 1}"
        )
    titles = " ".join(names[at] for at in times) if names else ""
    dated = [row for row in body if len(row) > max(times)]
    forms = {_form(date_text(tuple(times), row)) for row in dated}
    zone, suffix, unclear = _zone(titles)
    if not (zone or suffix or unclear):
        zone, unclear = _zone_above(above)
    if len(times) == 2 and not _is_dated(body[0][times[0]]):
        times.reverse()
    form = _only_form(forms)
    return Shape(
        *(first, names, units, above, tuple(times), form, _hint(titles)),
        *(zone, suffix, unclear, _groups(above, names, times), header),
    )


def _groups(above: Sequence[Row], header: list[str], times: list[int]) -> list[str]:
    """The row right above the header, each cell until the next one."""
    cells = [cell.strip() for cell in above[-1][1]] if above else []
    own = {cell for at, cell in enumerate(cells) if cell and at not in times}
    if len(cells) != len(header) or len(own) < 2:
        return []
    found, last = [], ""
    for at, cell in enumerate(cells):
        last = cell or last
        found.append("" if at in times else last)
    return found


def _is_one_time(body: Sequence[list[str]], times: list[int]) -> bool:
    if len(times) == 2:
        return are_date_and_clock(body, times)
    return len(times) == 1 or all(_is_part(row, times) for row in body)


def _is_part(row: Sequence[str], times: list[int]) -> bool:
    """Whether no cell is a date or a time of its own."""
    return not any(_is_dated(row[at]) for at in times if at < len(row))


def _place(name: str, names: list[str]) -> int:
    if name not in names:
        raise ValueError(f"--time: there is not a column {quoted(name)}")
    return names.index(name)


def _form(cell: str) -> str | None:
    text = cell.strip()
    if _is_dated(text) or is_time_only(text):
        return "text"
    return number_form(text)


def _only_form(forms: set[str | None]) -> str:
    found = {form for form in forms if form is not None}
    if "text" in found or not found:
        return "text"
    if len(found) > 1:
        raise ValueError(
            f"the times are numbers of two forms, {', '.join(sorted(found))}"
        )
    return found.pop()


def _header(
    rows: Sequence[Row], first: int, times: list[int]
) -> tuple[list[str], list[str], list[Row]]:
    """The header before the data, the units below it, and the rows above."""
    if first == 0:
        return [], [], []
    units = rows[first - 1][1]
    if first > 1 and _is_units(units, times) and len(rows[first - 2][1]) >= 2:
        known = ["" if _is_word_of_values(unit) else unit for unit in units]
        return rows[first - 2][1], known, list(rows[: first - 2])
    return units, [], list(rows[: first - 1])


def _is_units(cells: list[str], times: list[int]) -> bool:
    found = 0
    for at, cell in enumerate(cells):
        text = cell.strip().strip("()[]").strip()
        if at in times:
            if text and not (_HINT.search(text) or _TYPE.fullmatch(text)):
                return False
        elif _is_word_of_values(text):
            found += 1
        elif text:
            try:
                unit_of(text)
            except ValueError:
                return False
            found += 1
    return found > 0


def _is_word_of_values(text: str) -> bool:
    """Whether a cell among units says what values there are instead."""
    return bool(_STATES.fullmatch(text) or _TYPE.fullmatch(text))


def _hint(title: str) -> str | None:
    """The order that a header such as ``Date (MM/DD/YYYY)`` names."""
    match = _HINT.search(title)
    if match is None:
        return None
    order = "".join(part[0].lower() for part in match.groups())
    return order if sorted(order) == ["d", "m", "y"] else None


def _zone(header: str) -> tuple[str | None, str, str]:
    """The zone of a header, the short one, and what is not clear of it."""
    title = _CAMEL.sub(" ", header)
    for text in _BRACKETED.findall(title):
        if zone := zone_named(text.strip()):
            return zone, "", ""
    if _UTC.fullmatch(title):
        return "UTC", "", ""
    if offset := _OFFSET.search(title):
        return None, f" UTC{offset[1]}", ""
    if short := _SHORT_ZONES.search(title):
        return None, f" {short[1]}", ""
    return None, "", title if _ZONE_WORD.search(title) else ""


def _zone_above(rows: Sequence[Row]) -> tuple[str | None, str]:
    """The zone that the preamble names, and what is not clear of it."""
    line = zone_line(rows)
    if _OF_TIMES.search(line) and not re.search(r"[+-]\d", line):
        words = re.findall(r"[A-Za-z_]+(?:/[A-Za-z_]+)*", line)
        zones = {zone for word in words if (zone := _full_zone(word))}
        if len(zones) == 1:
            return zones.pop(), ""
    return None, line


def _full_zone(word: str) -> str | None:
    """The zone of ``America/New_York`` or ``UTC``; a city may be that of the site."""
    return zone_named(word) if "/" in word or word.upper() in ("UTC", "GMT") else None


def zone_line(rows: Sequence[Row]) -> str:
    """A row of the preamble that speaks of a zone."""
    for _, cells in rows:
        text = " ".join(cell.strip() for cell in cells)
        if _ZONE_WORD.search(text) or _SHORT_ZONES.search(text):
            return text
    return ""
