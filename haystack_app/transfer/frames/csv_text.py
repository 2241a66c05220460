"""Frames as CSV, wide or long; ``haystack_his_import`` reads both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...wire import csv_writer
from ...wire.samples import TimeTexts, float_texts
from .frame import Block, Cells, Column, Frame

__all__ = ["csv_chunks"]

_ROWS = 4_096
_LONG = ("ts", "id", "val", "unit")
_Text = Callable[[Any], str]


def csv_chunks(frame: Frame, *, long: bool, for_person: bool = False) -> Iterator[str]:
    """The text in pieces, the header first.

    ``for_person``: with a byte order mark, and without formulas, for a spreadsheet.
    """
    cell = csv_writer.safe_cell_text if for_person else csv_writer.cell_text
    if for_person:
        yield csv_writer.BYTE_ORDER_MARK
    name = cell if for_person else csv_writer.title_cell
    yield from _long(frame, cell, name) if long else _wide(frame, cell, name)


def _title(column: Column) -> str:
    """The id, the fold, and the unit in brackets."""
    title = f"{column.id} {column.fold}" if column.fold else column.id
    return f"{title} ({column.unit})" if column.unit else title


def _wide(frame: Frame, cell: _Text, name: _Text) -> Iterator[str]:
    titles = ["ts", *map(_title, frame.columns)]
    yield ",".join(map(name, titles)) + "\n"
    times = TimeTexts(frame.tz)
    for block in frame.blocks():
        yield from _rows_of(block, times, cell)


def _rows_of(block: Block, times: TimeTexts, cell: _Text) -> Iterator[str]:
    """In pieces: only the numbers of a block are in memory, and not its whole text."""
    count = len(block.times)
    step = max(1, _ROWS * 16 // (len(block.cells) + 16))
    parts = [_Part(cells, cell) for cells in block.cells]
    for start in range(0, count, step):
        end = min(count, start + step)
        columns = [part.texts(start, end) for part in parts]
        stamps = times.of(block.times[start:end])
        yield "".join(
            f"{','.join(row)}\n" for row in zip(stamps, *columns, strict=True)
        )


class _Part:
    """The texts of a column of a block, which are asked for from first to last."""

    def __init__(self, cells: Cells | None, cell: _Text) -> None:
        self.cells, self.cell = cells, cell
        self.at = 0

    def texts(self, start: int, end: int) -> list[str]:
        if self.cells is None:
            return [""] * (end - start)
        places = self.cells.places
        if places is None:
            return self._written(start, end)
        first = self.at
        while self.at < len(places) and places[self.at] < end:
            self.at += 1
        found = [""] * (end - start)
        written = self._written(first, self.at)
        for place, text in zip(places[first : self.at], written, strict=True):
            found[place - start] = text
        return found

    def _written(self, start: int, end: int) -> list[str]:
        assert self.cells is not None
        texts = float_texts(self.cells.vals[start:end])
        if others := self.cells.others:
            for at in range(start, end):
                if at in others:
                    texts[at - start] = self.cell(others[at])
        return texts


def _long(frame: Frame, cell: _Text, name: _Text) -> Iterator[str]:
    folded = any(column.fold for column in frame.columns)
    yield ",".join((*_LONG, "fold") if folded else _LONG) + "\n"
    times = TimeTexts(frame.tz)
    ends = [f",{column.unit or ''}" for column in frame.columns]
    if folded:
        ends = [
            f"{end},{column.fold or ''}"
            for end, column in zip(ends, frame.columns, strict=True)
        ]
    for place, chunk in frame.runs():
        id, end = name(frame.columns[place].id), f"{ends[place]}\n"
        texts = float_texts(chunk.vals)
        for at, value in chunk.others.items():
            texts[at] = cell(value)
        stamps = times.of(chunk.times)
        yield "".join(
            [
                f"{stamp},{id},{text}{end}"
                for stamp, text in zip(stamps, texts, strict=True)
            ]
        )
