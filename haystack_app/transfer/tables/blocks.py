"""Files with a table for each of several points or equips, one below the other.

Each table has a header, and most have lines above it that name what it is of::

    Point: AHU-1/SAT
    Timestamp,Value
    2024-06-15 00:00,20.5

    Point: AHU-1/RAT
    Timestamp,Value
    2024-06-15 00:00,21.5
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .footers import speaks_of_the_end
from .labels import key_of, text_of
from .named_rows import JOINED
from .roles import header_unit, is_of_name, role_of
from .stamps import number_form, stamp_of

__all__ = ["Blocks", "SeveralTables", "blocks_of"]

Row = tuple[int, list[str]]


class SeveralTables(Exception):
    """The file has a table below another one."""

    def __init__(self, blocks: Blocks) -> None:
        super().__init__(blocks)
        self.blocks = blocks


class Blocks(NamedTuple):
    """Headers have ``titles`` at ``times``, and ``above`` lines before them.

    ``label`` and ``unit`` are the line and cell above a header that name its points and
    their unit. ``joined``: headers are names below the label.
    """

    titles: tuple[str, ...]
    times: tuple[int, ...]
    above: int
    label: tuple[int, int] | None
    unit: tuple[int, int] | None
    joined: bool

    def long(self, rows: Iterator[Row]) -> Iterator[Row]:
        """A row for each value; rows that belong to no table as they are."""
        table: _Table | None = None
        waiting: list[Row] = []
        for line, cells in rows:
            if self.is_header(cells):
                others = len(waiting) - self.above
                rest = waiting[:others]
                yield from rest if table is None else table.odd(rest)
                if table is None:
                    yield line, ["Point", *self.titles, "Value", "Unit", "Status"]
                above = [row for _, row in waiting[others:]]
                table = self._table(cells, above)
                waiting = []
            elif table is not None and self.is_dated(cells):
                yield from table.odd(waiting)
                yield from table.samples(line, cells)
                waiting = []
            else:
                waiting.append((line, cells))
        yield from waiting if table is None else table.odd(waiting)

    def is_header(self, cells: Sequence[str]) -> bool:
        return len(cells) > self.times[-1] and self.titles == tuple(
            cells[at].strip() for at in self.times
        )

    def is_dated(self, cells: Sequence[str]) -> bool:
        return len(cells) > self.times[-1] and any(
            stamp_of(text) or number_form(text)
            for text in (cells[at].strip() for at in self.times)
        )

    def _table(self, header: Sequence[str], above: Sequence[list[str]]) -> _Table:
        label = "" if self.label is None else text_of(above, self.label)
        unit = "" if self.unit is None else text_of(above, self.unit)
        found = []
        for at in _value_places(header, self.times):
            name = title = header[at].strip()
            if label:
                name = f"{label}{JOINED}{title}" if self.joined else label
            own = header_unit(title) or "" if name == label else ""
            found.append(_Column(name, own or unit, at))
        return _Table(self.times, len(header), found, _status(header))


class _Column(NamedTuple):
    name: str
    unit: str
    place: int


class _Table(NamedTuple):
    times: tuple[int, ...]
    width: int
    columns: list[_Column]
    status: int | None

    def samples(self, line: int, cells: list[str]) -> Iterator[Row]:
        """Rows of the values; a row of another length is as it is."""
        if len(cells) < self.width or any(cells[self.width :]):
            yield line, cells
            return
        times = [cells[at] for at in self.times]
        mark = "" if self.status is None else cells[self.status]
        for name, unit, at in self.columns:
            if cells[at].strip():
                yield line, [name, *times, cells[at], unit, mark]

    def odd(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Rows without a time, which are refused, but not those such as Total."""
        for line, cells in rows:
            if not speaks_of_the_end(cells):
                yield from self.samples(line, cells)


def blocks_of(
    rows: Iterator[Row], header: int, titles: Sequence[str], times: Sequence[int]
) -> Blocks | None:
    """How the tables of a file begin, None if it has one table.

    ``header`` is the index of the first one. None also where nothing tells the points
    of two tables apart, or more than one text may.
    """
    times = sorted(times)
    found = Blocks(
        tuple(titles[at].strip() for at in times), tuple(times), 0, None, None, False
    )
    if not all(found.titles):
        return None
    headers: list[list[str]] = []
    above: list[list[list[str]]] = []
    waiting: list[list[str]] = []
    for number, (_, cells) in enumerate(rows):
        if number >= header and found.is_header(cells):
            headers.append([cell.strip() for cell in cells])
            above.append(waiting)
            waiting = []
        elif number > header and found.is_dated(cells):
            waiting = []
        else:
            waiting.append(cells)
    if len(headers) < 2 or not any(_value_places(one, times) for one in headers):
        return None
    lines = min(map(len, above))
    above = [some[len(some) - lines :] for some in above]
    return _named(found._replace(above=lines), headers, above)


def _named(
    blocks: Blocks, headers: list[list[str]], above: list[list[list[str]]]
) -> Blocks | None:
    names = Counter(
        one[at] for one in headers for at in _value_places(one, blocks.times)
    )
    joined = any(role_of(name) != "value" for name in names)
    if joined and max(names.values()) == 1:  # each column is of its own
        return blocks
    label = _label(above, joined=joined)
    if label is None:
        return None
    return blocks._replace(label=label, unit=_unit(above), joined=joined)


def _value_places(header: Sequence[str], times: Sequence[int]) -> list[int]:
    return [
        at
        for at, cell in enumerate(header)
        if at not in times
        and cell.strip()
        and role_of(cell.strip()) not in ("status", "flags")
    ]


def _status(header: Sequence[str]) -> int | None:
    found = (at for at, cell in enumerate(header) if role_of(cell.strip()) == "status")
    return next(found, None)


def _label(
    above: Sequence[Sequence[list[str]]], *, joined: bool
) -> tuple[int, int] | None:
    """The text that is said to be the name, or else the only one that differs.

    Dates differ, too, where exports of several months are in one file.
    """
    places = [
        (line, at)
        for line in range(len(above[0]))
        for at in range(min(len(some[line]) for some in above))
        if _differ([text_of(some, (line, at)) for some in above])
    ]
    keys = {place: key_of(above[0], place) for place in places}
    named = [place for place, key in keys.items() if is_of_name(key)]
    found = named or [place for place, key in keys.items() if not (key and joined)]
    return found[0] if len(found) == 1 else None


def _differ(texts: Sequence[str]) -> bool:
    return (
        len(set(texts)) > 1
        and all(texts)
        and not any(stamp_of(text) or number_form(text) for text in texts)
    )


def _unit(above: Sequence[Sequence[list[str]]]) -> tuple[int, int] | None:
    first = above[0]
    return next(
        (
            (line, at)
            for line in range(len(first))
            for at in range(min(len(some[line]) for some in above))
            if role_of(key_of(first, (line, at))) == "unit"
        ),
        None,
    )
