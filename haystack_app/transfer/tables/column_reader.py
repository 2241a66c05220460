"""Blocks of rows that are read by columns, where no cell needs a closer look.

A block with an invalid cell, a row of another length, or a local time that occurs twice
is left to the reader of rows, which says what is wrong and where.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from ...kinds.series import microseconds_of
from ..plain_cells import RegularTimes
from ..sample_runs import RunBlock, SampleRun, run_of
from .shape import Row
from .stamps import number_form
from .understanding import Table, time_text
from .value_columns import ValueColumn
from .values import CellReader

__all__ = ["ColumnReader"]

_PER_SECOND = {"s": 1_000_000, "ms": 1_000, "us": 1}
_Columns = Sequence[Sequence[str]]


ReaderOf = Callable[[str, str, Sequence[str]], CellReader | None]


class ColumnReader:
    """``wide`` are the columns of points; ``reader_of`` finds those that rows name."""

    def __init__(
        self,
        table: Table,
        wide: Sequence[tuple[ValueColumn, CellReader]],
        reader_of: ReaderOf,
    ) -> None:
        self.table, self.wide, self.reader_of = table, wide, reader_of
        self.clocks: dict[str, RegularTimes] = {}

    def read(self, block: Sequence[Row]) -> RunBlock | None:
        """None for a block that is not read by columns."""
        lines = [line for line, _ in block]
        rows = [cells for _, cells in block]
        width = self.table.width or len(rows[0])
        if lines[-1] > self.table.last or len(set(map(len, rows))) > 1:
            return None
        columns: _Columns = list(zip(*rows, strict=True))
        if len(columns) < width or not self._has_only(columns, width):
            return None
        texts = self._texts(rows, columns)
        layout = self.table.layout
        by_rows = layout.names is not None or layout.units is not None
        try:
            return (self._named if by_rows else self._wide)(lines, columns, texts)
        except ValueError:
            return None

    def _has_only(self, columns: _Columns, width: int) -> bool:
        """Whether columns without names are empty, and those of units have only one."""
        layout = self.table.layout
        unnamed = [*layout.unnamed, *range(width, len(columns))]
        if any("".join(columns[at]).strip() for at in unnamed):
            return False
        return all(
            {cell.strip() for cell in set(columns[at])} <= {"", unit}
            for at, unit in layout.constants.items()
        )

    def _texts(self, rows: Sequence[list[str]], columns: _Columns) -> Sequence[str]:
        shape = self.table.shape
        if len(shape.time) > 1 or shape.suffix:
            return [time_text(shape, cells) for cells in rows]
        return [cell.strip() for cell in columns[shape.time[0]]]

    def _wide(
        self, lines: Sequence[int], columns: _Columns, texts: Sequence[str]
    ) -> RunBlock:
        times: dict[str, list[int]] = {}
        found = []
        for column, reader in self.wide:
            if reader.tz not in times:
                times[reader.tz] = self._times(texts, reader.tz)
            statuses = None if column.status is None else columns[column.status]
            values, is_plain = reader.read_all(columns[column.place], statuses)
            id = reader.column.point.id
            found.append(run_of(id, lines, times[reader.tz], values, is_plain=is_plain))
        return _block(len(lines), len(lines) * len(self.wide), found)

    def _named(
        self, lines: Sequence[int], columns: _Columns, texts: Sequence[str]
    ) -> RunBlock:
        (column,) = self.table.layout.columns
        statuses = None if column.status is None else columns[column.status]
        values = columns[column.place]
        times: dict[str, list[int]] = {}
        found: dict[str, SampleRun] = {}
        cells_read = 0
        for (name, unit), places in self._groups(columns).items():
            cells = [values[at] for at in places]
            reader = self.reader_of(name, unit, cells)
            if reader is None:
                continue
            if (id := reader.column.point.id) in found:
                raise ValueError("two names of one point, whose rows have an order")
            cells_read += len(cells)
            if reader.tz not in times:
                times[reader.tz] = self._times(texts, reader.tz)
            of_group = None if statuses is None else [statuses[at] for at in places]
            found[id] = self._run(
                reader, lines, times[reader.tz], places, cells, of_group
            )
        return _block(len(lines), cells_read, list(found.values()))

    def _run(
        self,
        reader: CellReader,
        lines: Sequence[int],
        times: Sequence[int],
        places: Sequence[int],
        cells: Sequence[str],
        statuses: Sequence[str] | None,
    ) -> SampleRun:
        values, is_plain = reader.read_all(cells, statuses)
        return run_of(
            reader.column.point.id,
            [lines[at] for at in places],
            [times[at] for at in places],
            values,
            is_plain=is_plain,
        )

    def _groups(self, columns: _Columns) -> dict[tuple[str, str], list[int]]:
        """The places of the rows of each name and unit."""
        layout = self.table.layout
        raw: dict[tuple[str, str], list[int]] = defaultdict(list)
        blank = [""] * len(columns[0])
        names = blank if layout.names is None else columns[layout.names]
        units = blank if layout.units is None else columns[layout.units]
        for at, key in enumerate(zip(names, units, strict=True)):
            raw[key].append(at)
        found: dict[tuple[str, str], list[int]] = {}
        for (name, unit), places in raw.items():
            key = name.strip(), unit.strip()
            found[key] = sorted([*found[key], *places]) if key in found else places
        return found

    def _times(self, texts: Sequence[str], tz: str) -> list[int]:
        """Raises ValueError."""
        form = self.table.shape.form
        if form in _PER_SECOND:
            found = self._epochs(texts, form)
        elif form == "text":
            found = self._regular(texts, tz)
        else:
            found = self._single(texts, tz)
        if not self.table.shift:
            return found
        micros = self.table.shift // dt.timedelta(microseconds=1)
        return [time + micros for time in found]

    def _epochs(self, texts: Sequence[str], form: str) -> list[int]:
        shortest, longest = min(texts, key=len), max(texts, key=len)
        ends = (min(texts), max(texts)) if len(shortest) == len(longest) else ()
        if not ends or any(number_form(text) != form for text in ends):
            return self._single(texts, "UTC")
        if not "".join(texts).isdigit():
            return self._single(texts, "UTC")
        size = _PER_SECOND[form]
        return [int(text) * size for text in texts]

    def _regular(self, texts: Sequence[str], tz: str) -> list[int]:
        clocks = self.clocks.get(tz)
        if clocks is None:
            read = partial(self.table.times, tz=tz)
            clocks = self.clocks[tz] = RegularTimes(read, tz, has_short_zones=True)
        distinct = dict.fromkeys(texts)
        found = clocks.of(list(distinct))
        if found is None:
            return self._single(texts, tz)
        if len(distinct) == len(texts):
            return found
        by_text = dict(zip(distinct, found, strict=True))
        return [by_text[text] for text in texts]

    def _single(self, texts: Sequence[str], tz: str) -> list[int]:
        found = {}
        for text in dict.fromkeys(texts):
            (time,) = self.table.times(text, tz)  # ValueError for two
            found[text] = microseconds_of(time)
        return [found[text] for text in texts]


def _block(rows: int, cells: int, runs: Sequence[SampleRun]) -> RunBlock:
    empty = cells - sum(len(run.times) for run in runs)
    return RunBlock(rows, [run for run in runs if run.times], empty)
