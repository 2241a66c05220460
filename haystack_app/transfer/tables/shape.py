"""The parts of a table: preamble, header, row of units, times, roles of columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ...kinds.display import quoted
from ..his_units import unit_of
from .options import TableOptions
from .stamps import is_time_only, number_form, stamp_of, zone_named

__all__ = ["Row", "Shape", "role_of", "shape_of", "speaks_of_the_end", "zone_line"]

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
_FOOTER = re.compile(
    r"\W*(?:total|sum|summe|somme|average|avg|mean|min|max|count|gesamt|mittelwert|end"
    r"|report|\d+ rows?)\b.*|\*+",
    re.IGNORECASE | re.DOTALL,
)
_BRACKETED = re.compile(r"[(\[]([^()\[\]]+)[)\]]")
_UTC = re.compile(r"(?:.*[\s_])?\(?\[?(?:utc|gmt)\)?\]?|utc[\s_].*", re.IGNORECASE)
_ZONE_WORD = re.compile(r"utc|gmt|offset|time ?zone|zeitzone|fuseau", re.IGNORECASE)
_SHORT_ZONES = re.compile(
    r"\b([ECMP][SD]T|AK[SD]T|HST|CES?T|EES?T|WES?T|BST|IST|JST|MEZ|MESZ|A[EWC][SD]T)\b"
)
_ROLES = {
    "name": "id|name|point|point ?name|point ?id|object|object ?name"
    "|name path reference|topic|tag|tag ?name|sensor|sensor ?id|series"
    "|channel|variable|metric|item",
    "value": "value|val|v|reading|measurement|object ?value|valeur|wert|messwert",
    "status": "status|quality|reliability|value status|object ?status",
    "unit": "unit|units|uom|unité|unite|einheit",
    "flags": "trend ?flags?",
}
_ROLE = {
    role: re.compile(rf"(?:{names})", re.IGNORECASE) for role, names in _ROLES.items()
}


class Shape(NamedTuple):
    """``first`` is the index of the first row of data in the sample of rows.

    ``header`` is empty if the table has none. ``time`` has the columns of the time,
    one, or date and time. ``form`` is text, s, ms, us, ns or serial. ``zone`` is that
    of the header of the times, ``suffix`` a short one that is read with each of them,
    and ``unclear`` a text about a zone that only a person understands.
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


def role_of(header: str) -> str | None:
    text = _BRACKETED.sub("", header).strip().replace("_", " ")
    for role, pattern in _ROLE.items():
        if pattern.fullmatch(text):
            return role
    return None


def shape_of(rows: Sequence[Row], options: TableOptions) -> Shape | None:
    """None if the rows have no column of times. Raises ValueError for two of them."""
    cells = [row for _, row in rows]
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


def speaks_of_the_end(cells: Sequence[str]) -> bool:
    """Whether a row is empty or begins with a word such as Total."""
    start = next((cell.strip() for cell in cells if cell.strip()), "")
    return not start or _FOOTER.fullmatch(start) is not None


def _is_dated(cell: str) -> bool:
    return stamp_of(cell.strip()) is not None


def _goes_on(cells: Sequence[list[str]], first: int, at: int) -> bool:
    """Whether the times of a table begin in this row.

    A date before the header is in a row of another length.
    """
    rest = [row for row in cells[first:] if not speaks_of_the_end(row)]
    lengths = Counter(len(row) for row in rest if len(row) > at and _is_dated(row[at]))
    if 2 * lengths.total() < len(rest):
        return False
    return lengths[len(cells[first])] == max(lengths.values())


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
        times += _time_beside(body, times[0])
    if not times:
        raise ValueError("--ignore leaves out the only column of times")
    if len(times) > 2 or (len(times) == 2 and not _are_parts(body, times)):
        shown = ", ".join(quoted(names[at]) if names else str(at + 1) for at in times)
        raise ValueError(
            f"several columns have times, {shown}: name the one that counts with --time"
        )
    titles = " ".join(names[at] for at in times) if names else ""
    forms = {_form(row[times[0]]) for row in body if len(row) > times[0]}
    zone, suffix, unclear = _zone(titles)
    unclear = unclear or ("" if zone or suffix else zone_line(above))
    if len(times) == 2 and is_time_only(body[0][times[0]].strip()):
        times.reverse()
    form = _only_form(forms)
    return Shape(
        *(first, names, units, above, tuple(times), form, _hint(titles)),
        *(zone, suffix, unclear),
    )


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
        return rows[first - 2][1], units, list(rows[: first - 2])
    return units, [], list(rows[: first - 1])


def _is_units(cells: list[str], times: list[int]) -> bool:
    found = 0
    for at, cell in enumerate(cells):
        text = cell.strip().strip("()[]").strip()
        if at in times:
            if text and not _HINT.search(text):
                return False
        elif text:
            try:
                unit_of(text)
            except ValueError:
                return False
            found += 1
    return found > 0


def _time_beside(body: Sequence[list[str]], date: int) -> list[int]:
    """The column of times of day, if the dates have none."""
    stamps = [stamp_of(row[date].strip()) for row in body if len(row) > date]
    if any(stamp is not None and stamp.time is not None for stamp in stamps):
        return []
    dated = [row for row in body if len(row) > date and _is_dated(row[date])]
    return [
        at
        for at in range(min(map(len, dated), default=0))
        if at != date and all(is_time_only(row[at].strip()) for row in dated)
    ]


def _are_parts(body: Sequence[list[str]], times: list[int]) -> bool:
    first, second = times
    for row in body:
        if len(row) > max(times) and (_is_dated(row[first]) or _is_dated(row[second])):
            texts = [row[first].strip(), row[second].strip()]
            stamps = [stamp for text in texts if (stamp := stamp_of(text))]
            clocks = [text for text in texts if is_time_only(text)]
            if len(stamps) != 1 or len(clocks) != 1 or stamps[0].time is not None:
                return False
    return True


def _hint(title: str) -> str | None:
    """The order that a header such as ``Date (MM/DD/YYYY)`` names."""
    match = _HINT.search(title)
    if match is None:
        return None
    order = "".join(part[0].lower() for part in match.groups())
    return order if sorted(order) == ["d", "m", "y"] else None


def _zone(title: str) -> tuple[str | None, str, str]:
    """The zone of a header, the short one, and what is not clear of it."""
    for text in _BRACKETED.findall(title):
        if zone := zone_named(text.strip()):
            return zone, "", ""
    if _UTC.fullmatch(title):
        return "UTC", "", ""
    if short := _SHORT_ZONES.search(title):
        return None, f" {short[1]}", ""
    return None, "", title if _ZONE_WORD.search(title) else ""


def zone_line(rows: Sequence[Row]) -> str:
    """A row of the preamble that speaks of a zone."""
    for _, cells in rows:
        text = " ".join(cell.strip() for cell in cells)
        if _ZONE_WORD.search(text) or _SHORT_ZONES.search(text):
            return text
    return ""
