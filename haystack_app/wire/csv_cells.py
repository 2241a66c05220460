"""Rows of CSV as text, with the knowledge which cells were quoted.

The ``csv`` module drops that, and has a limit of 131,072 characters for a cell. A cell
is quoted if it begins with a quote; elsewhere a quote is a character like any other.
Source: RFC 4180; a single CR ends a row too, as in files of old spreadsheets.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator

from .errors import ParseError

__all__ = ["Quoted", "csv_rows", "needs_quotes"]

# leading and trailing blanks too: some readers trim text that is not quoted
_NEEDS_QUOTES = re.compile(r'[",\r\n]|\A[\s\ufeff]|\s\Z')
_QUOTED = re.compile(r'((?:[^"]|"")*+)("?)')
"""The rest of a quoted cell, and its closing quote."""
_PLAIN = {
    sign: re.compile(rf"[^{re.escape(sign)}\r\n]*") for sign in (",", ";", "\t", "|")
}
"""An unquoted cell, by the delimiter."""
_END = re.compile(r"\r\n|[\r\n]|\Z")
_LINE_END = re.compile(r"\r\n|[\r\n]")
_LONGEST = 64 * 1024 * 1024
"""Characters; a quote that is never closed must not read a whole file into memory."""


class Quoted(str):
    """A cell that is in quotes in the text."""

    __slots__ = ()


def needs_quotes(cell: str) -> bool:
    """Whether a cell with this text must be quoted, also a number or a list."""
    return _NEEDS_QUOTES.search(cell) is not None


def csv_rows(
    lines: Iterable[str],
    refuse: Callable[[ParseError], object] | None = None,
    delimiter: str = ",",
    most: int = sys.maxsize,
) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line, without empty lines.

    ``lines`` end with ``\\n``, as those of a file. Raises ParseError, also for a row
    with more than ``most`` cells; with ``refuse`` another invalid row is passed to it
    and left out.
    """
    number = 0
    state = _State(delimiter)
    between = f'"{delimiter}"'
    for number, line in enumerate(lines, 1):
        if '"' not in line and not state.is_open:
            text = line.rstrip("\r\n")
            if "\r" not in text:
                if len(text) >= most:
                    _check_count(number, text.count(delimiter) + 1, most)
                if text:
                    yield number, text.split(delimiter)
                continue
            for row in _LINE_END.split(line):
                if row:
                    yield number, row.split(delimiter)
            continue
        if line[:1] == '"' and not state.is_open:
            text = line.rstrip("\r\n")
            cells = text[1:-1].split(between)
            if text[-1:] == '"' and text.count('"') == 2 * len(cells):
                yield number, list(map(Quoted, cells))
                continue
        try:
            found = state.rows_of(line)
        except ParseError as err:
            state = _State(delimiter)
            error = ParseError(err.message, f"line {number}")
            if refuse is None:
                raise error from None
            refuse(error)
            continue
        for cells in found:
            _check_count(number, len(cells), most)
            yield number, cells
    if state.is_open:
        raise ParseError("a quoted cell has no closing quote", f"line {number}")


def _check_count(line: int, count: int, most: int) -> None:
    if count > most:
        reason = f"a row has at most {most:,} cells, not {count:,}"
        raise ParseError(reason, f"line {line}")


class _State:
    """What goes on in the next line: the cells of a row, and the parts of an open one.

    Each character is read once, however many lines a cell has.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter, self.plain = delimiter, _PLAIN[delimiter]
        self.cells: list[str] = []
        self.parts: list[str] = []
        self.is_open = False
        self.size = 0

    def rows_of(self, line: str) -> list[list[str]]:
        """The rows that end in a line."""
        rows: list[list[str]] = []
        at = 0
        while True:
            at = self._cell(line, at)
            if self.is_open:
                return rows
            if line.startswith(self.delimiter, at):
                at += 1
                continue
            end = _END.match(line, at)
            if end is None:
                name = "comma" if self.delimiter == "," else repr(self.delimiter)
                raise ParseError(f"a {name} is expected after a quoted cell")
            row, self.cells = self.cells, []
            if row != [""] or isinstance(row[0], Quoted):
                rows.append(row)
            at = end.end()
            if at == len(line):
                return rows

    def _cell(self, line: str, at: int) -> int:
        """Read a cell, or the part of it in this line; where it ends."""
        if not self.is_open:
            if not line.startswith('"', at):
                plain = self.plain.match(line, at)
                end = plain.end() if plain else at
                self.cells.append(line[at:end])
                return end
            self.parts, self.size, self.is_open = [], 0, True
            at += 1
        match = _QUOTED.match(line, at)
        assert match, "an empty text matches too"
        self._add(match[1])
        if match[2]:
            self.cells.append(Quoted("".join(self.parts).replace('""', '"')))
            self.is_open = False
        return match.end()

    def _add(self, part: str) -> None:
        self.parts.append(part)
        self.size += len(part)
        if self.size > _LONGEST:
            raise ParseError(f"a quoted cell is longer than {_LONGEST:,} characters")
