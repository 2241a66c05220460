"""Blocks of rows of our own CSV that are read by columns.

A block with an invalid cell, a text in quotes that may be another kind, or a local time
that occurs twice is left to the reader of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..wire.csv_cells import Quoted
from .his_points import SampleColumn
from .plain_cells import ReadTexts, RegularTimes
from .sample_runs import Row, RunBlock, SampleRun, run_of
from .timestamps import instants

__all__ = ["BlockReader"]

_Columns = list[Sequence[str]]


class BlockReader:
    """Reads the cells of points, and their times; what it has read helps later."""

    def __init__(self) -> None:
        self.clocks: dict[str, RegularTimes] = {}
        self.texts: dict[tuple[str, str | None], ReadTexts] = {}

    def columns(
        self,
        block: Sequence[Row],
        columns: Iterable[tuple[SampleColumn, int]],
        repeated: Iterable[tuple[int, int]],
        width: int,
    ) -> RunBlock | None:
        """Rows of a time and of values of ``columns``; None if they are not plain."""
        lines, found = _transposed(block, width)
        if not found or any(found[at] != found[first] for at, first in repeated):
            return None
        texts = [text.strip() for text in found[0]]
        runs = []
        for column, at in columns:
            run = self._run(column, lines, texts, found[at])
            if run is None:
                return None
            if run.times:
                runs.append(run)
        return RunBlock(len(lines), runs, 0)

    def rows(
        self,
        block: Sequence[Row],
        places: tuple[int, int, int, int | None],
        column_of: Callable[[str, str], SampleColumn],
        width: int,
    ) -> RunBlock | None:
        """Rows of a sample each; ``places`` are those of time, id, value and unit."""
        lines, found = _transposed(block, width)
        if not found:
            return None
        ts, id, val, unit = places
        units = [""] * len(lines) if unit is None else found[unit]
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, key in enumerate(zip(found[id], units, strict=True)):
            groups[key].append(at)
        runs: dict[str, SampleRun] = {}
        for key, of_key in groups.items():
            try:
                column = column_of(*key)
            except ValueError:
                return None
            cells = [found[val][at] for at in of_key]
            texts = [found[ts][at].strip() for at in of_key]
            run = self._run(column, [lines[at] for at in of_key], texts, cells)
            # two names of one point have an order; a missing value is an error
            if run is None or run.id in runs or len(run.times) < len(cells):
                return None
            runs[run.id] = run
        return RunBlock(len(lines), list(runs.values()), 0)

    def _run(
        self,
        column: SampleColumn,
        lines: Sequence[int],
        texts: Sequence[str],
        cells: Sequence[str],
    ) -> SampleRun | None:
        times = self._times(column, texts)
        if times is None:
            return None
        values = None
        if column.point.kind == "Number":
            if "" in cells and any(type(cell) is Quoted for cell in cells):
                return None
            values = column.numbers(cells, "point")
        if values is not None:
            return run_of(column.point.id, lines, times, values, is_plain=True)
        if any(type(cell) is Quoted for cell in cells):
            return None
        key = column.point.id, column.unit
        read = self.texts.setdefault(key, ReadTexts(column.cell))
        try:
            found = [read[cell] if cell else None for cell in cells]
        except ValueError:
            return None
        return run_of(column.point.id, lines, times, found, is_plain=False)

    def _times(self, column: SampleColumn, texts: Sequence[str]) -> list[int] | None:
        tz = column.options.tz or column.point.tz
        clocks = self.clocks.get(tz)
        if clocks is None:
            read = partial(instants, tz=tz)
            clocks = self.clocks[tz] = RegularTimes(read, tz, has_short_zones=False)
        return clocks.of(texts)


def _transposed(block: Sequence[Row], width: int) -> tuple[list[int], _Columns]:
    """Lines and columns; no columns if a row has another length."""
    rows = [cells for _, cells in block]
    if set(map(len, rows)) != {width}:
        return [], []
    return [line for line, _ in block], list(zip(*rows, strict=True))
