"""Rows of files whose form is not that of one plain table, as such rows.

Answers of InfluxDB have rows of annotations, a table for each series, and columns about
the query. Loggers of Campbell have a row of the station before the header and one of
processing below it. Days of meters (NEM12), a table for each of several points, a
column of times for each point, and a column for each time of a day become rows. Dates
without a year get that of an option. Times in apostrophes lose them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from .day_columns import day_columns
from .halves import half_column, with_halves
from .named_rows import named_rows
from .nem12 import is_nem12, nem12_rows
from .options import TableOptions
from .pairs import pairs_of
from .stamps import stamp_of

__all__ = ["has_no_year", "plain_rows"]

Rows = Iterator[tuple[int, list[str]]]
_ANNOTATIONS = ("#group", "#datatype", "#default")
_OF_QUERY = frozenset(("", "result", "table", "_start", "_stop"))
_SAMPLE = 400
_CAMPBELL = ("TOA5", "TOACI1")
_YEARLESS = re.compile(
    r"(\d{1,2})([-/. ])(\d{1,2}|[a-z]{3,9})\.?((?:T|,? +)\d{1,2}:\d\d.*)",
    re.ASCII | re.IGNORECASE,
)


def plain_rows(rows: Rows, options: TableOptions) -> Rows:
    """Raises ValueError."""
    first = next(rows, None)
    if first is None:
        return
    every: Rows = chain((first,), rows)
    if first[1][0].strip() in _CAMPBELL:
        every = _of_campbell(rows)
    elif is_nem12(first[1]):
        every = nem12_rows(rows)
    elif first[1][0].strip() in _ANNOTATIONS or _is_influx(first[1]):
        every = _of_influx(every)
    every = _rearranged(every, options)
    yield from every if options.year is None else _dated(every, options.year)


def _rearranged(rows: Rows, options: TableOptions) -> Rows:
    """As a row for each sample, if the table has another form that is known."""
    if options.blocks is not None:
        rows = options.blocks.long(rows)
    if options.name:
        rows = named_rows(rows, options.name, options.value)
    sample = list(islice(rows, _SAMPLE))
    if marked := _in_apostrophes(sample):
        rows = _without_apostrophes(chain(sample, rows), marked)
        sample = list(islice(rows, _SAMPLE))
    every: Rows = chain(sample, rows)
    if (half := half_column(sample)) is not None:
        return with_halves(every, *half)
    are_starts = options.stamps == "start"
    if (days := day_columns(sample, are_starts=are_starts)) is not None:
        return days.long(every)
    pairs = None if options.time else pairs_of(sample)
    return every if pairs is None else pairs.long(every)


def _in_apostrophes(rows: Sequence[tuple[int, list[str]]]) -> set[int]:
    """Columns of times that are quoted, or marked as text for a spreadsheet."""
    return {
        at
        for _, cells in rows
        for at, cell in enumerate(cells)
        if cell.startswith("'") and stamp_of(cell.strip("'")) is not None
    }


def _without_apostrophes(rows: Rows, columns: set[int]) -> Rows:
    for line, cells in rows:
        yield (
            line,
            [
                cell.strip("'") if at in columns else cell
                for at, cell in enumerate(cells)
            ],
        )


def has_no_year(cell: str) -> bool:
    """Whether a cell has a time such as ``01/15 01:00``."""
    return _YEARLESS.fullmatch(cell.strip()) is not None


def _is_influx(cells: Sequence[str]) -> bool:
    return "_time" in cells and "_value" in cells


def _of_influx(rows: Rows) -> Rows:
    header: list[str] = []
    used: list[int] = []
    for line, cells in rows:
        if cells[0].strip() in _ANNOTATIONS or not any(cells):
            continue
        if _is_influx(cells):
            used = [at for at, name in enumerate(cells) if name not in _OF_QUERY]
            names = [cells[at] for at in used]
            if header and names != header:
                raise ValueError(
                    f"line {line} begins a table with other columns: save each of them"
                    " as a file"
                )
            if not header:
                yield line, names
            header = names
        else:
            yield line, [cells[at] for at in used if at < len(cells)]


def _of_campbell(rows: Rows) -> Rows:
    """Without the rows of the station and of processing, and numbers of records."""
    for number, (line, cells) in enumerate(rows):
        if number == 0:
            used = [at for at, name in enumerate(cells) if name != "RECORD"]
        if number != 2:
            kept = [cells[at] for at in used if at < len(cells)]
            yield line, ["" if number == 1 and cell == "TS" else cell for cell in kept]


def _dated(rows: Rows, year: int) -> Rows:
    for line, cells in rows:
        yield line, [_with_year(cell, year) for cell in cells]


def _with_year(cell: str, year: int) -> str:
    match = _YEARLESS.fullmatch(cell.strip())
    if match is None:
        return cell
    first, sign, second, time = match.groups()
    return f"{first}{sign}{second}{sign}{year}{time}"
