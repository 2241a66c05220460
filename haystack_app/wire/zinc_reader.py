"""Reader for Zinc 3.0 and 2.0.

One pass, linear in the input. Cells without quotes or brackets repeat by the thousand
in a building's entities, so their values are cached by their text.
Source: docHaystack Zinc.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ..kinds.datetimes import DateTime
from ..kinds.display import quoted
from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, Coord, XStr, is_tag_name
from . import lexer, limits
from .errors import ParseError

__all__ = ["read_dict", "read_grid", "read_head", "read_rows", "read_value"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_COMPOUND = re.compile(r'["`\[{<>()/\r]')
_CELL_ENDS = (",", "\n", "\r", "")
_SIMPLE_CELL = re.compile(r"[^,\n\r\"`\[{<>()/]*")
_END_OF_LINE = re.compile(r"\r?\n|\Z")
_DECIMAL = r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*"
_COORD = re.compile(rf"C\({_DECIMAL},{_DECIMAL}\)", re.ASCII)
_VERSION = re.compile(r"ver[ \t]*:[ \t]*")
_BIN = re.compile(r'\(((?:[^")\n]|"[^"\n]*")*)\)')
_CLOSING = frozenset('"`])}>')
_CACHE_SIZE = 20_000
_MISSING = object()


def read_value(text: str) -> Any:
    """Parse the whole text as one value. Raises ParseError."""
    reader = _Reader(text)
    value, at = reader.value(lexer.blank(text, 0), 0)
    reader.expect_end(lexer.blank(text, at))
    return value


def read_grid(text: str) -> Grid:
    """Parse the whole text as a grid. Raises ParseError."""
    reader = _Reader(text.removeprefix("\ufeff"))
    grid, at = reader.grid(0, 0, nested=False)
    reader.expect_end(at)
    return grid


def read_rows(text: str) -> tuple[Grid, Iterator[dict[str, Any]]]:
    """A grid without its rows, and these one by one; both raise ParseError."""
    reader = _Reader(text.removeprefix("\ufeff"))
    cols, meta, at = reader.head(0, 0)

    def rows() -> Iterator[dict[str, Any]]:
        yield from reader.rows(at, cols, 0, nested=False)
        reader.expect_end(reader.end)

    return Grid(cols, meta=meta), rows()


def read_head(text: str) -> tuple[list[Col], dict[str, Any], int]:
    """A grid's columns, meta, and the offset of its first row. Raises ParseError."""
    return _Reader(text).head(0, 0)


def read_dict(text: str) -> dict[str, Any]:
    """Parse the whole text as a dict in braces. Raises ParseError."""
    value = read_value(text)
    if not isinstance(value, dict):
        raise ParseError("expected a dict in braces", "column 1")
    return value


def _set(tags: dict[str, Any], name: str, value: Any) -> None:
    """Set a tag; the last one wins if it is repeated, and null removes it."""
    tags.pop(name, None)
    if value is not None:
        tags[name] = value


def _plain_value(cell: str) -> Any:
    """A cell without quotes and brackets; samples are a time and a number."""
    if cell[10:11] == "T" and (time := lexer.date_time(cell)):
        return time
    if cell[0].isdigit() or cell[0] == "-":
        value, end = lexer.number_or_time(cell, 0)
        if end == len(cell):
            return value
    return None if cell.isspace() else read_value(cell)


class _Reader:
    """Recursive descent; each method takes an offset and returns the next one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.cells = self.end = 0
        self.cache: dict[str, Any] = {}

    def fail(self, message: str, at: int) -> NoReturn:
        lexer.fail(message, self.text, at)

    def expect_end(self, at: int) -> None:
        if self.text[at:].strip():
            self.fail(f"unexpected {self.text[at : at + 12]!r}", at)

    # -- values ---------------------------------------------------------------

    def value(self, at: int, depth: int) -> tuple[Any, int]:
        text = self.text
        first = text[at : at + 1]
        if first.isdigit() or first == "-":
            return lexer.number_or_time(text, at)
        if first == '"':
            return lexer.string(text, at)
        if first == "@":
            return lexer.ref(text, at)
        if first == "`":
            return lexer.uri(text, at)
        if first == "^":
            return lexer.symbol(text, at)
        if first in ("[", "{", "<"):
            if depth >= limits.MAX_DEPTH:
                self.fail(f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)", at)
            if first == "[":
                return self.list_of(at + 1, depth + 1)
            if first == "{":
                return self.dict_of(at + 1, depth + 1)
            return self.nested_grid(at, depth + 1)
        return self.word(at)

    def word(self, at: int) -> tuple[Any, int]:
        """A keyword, a Coord or an XStr: values that start with a capital."""
        match = _NAME.match(self.text, at)
        if match is None:
            found = self.text[at : at + 1]
            self.fail(f"unexpected {found!r}" if found else "unexpected end", at)
        name, end = match[0], match.end()
        opening = lexer.blank(self.text, end)
        if self.text.startswith("(", opening) and name[0].isupper():
            return self.typed(name, at, opening)
        if name in lexer.KEYWORDS:
            return lexer.KEYWORDS[name], end
        if name == "M":
            return MARKER, end
        self.fail(f"unexpected {name!r}", at)

    def typed(self, name: str, at: int, opening: int) -> tuple[Any, int]:
        start = lexer.blank(self.text, opening + 1)
        if name == "C" and not self.text.startswith('"', start):
            match = _COORD.match(self.text, at)
            if match is None:
                self.fail("malformed coordinate", at)
            try:
                return Coord(float(match[1]), float(match[2])), match.end()
            except ValueError as err:
                self.fail(str(err), at)
        is_bare = name == "Bin" and not self.text.startswith('"', start)
        if is_bare and (bare := _BIN.match(self.text, opening)) and bare[1]:
            return XStr("Bin", bare[1]), bare.end()
        if not self.text.startswith('"', start):
            self.fail(f"expected a string in {name}(..)", start)
        val, end = lexer.string(self.text, start)
        end = lexer.blank(self.text, end)
        if not self.text.startswith(")", end):
            self.fail(f"expected ')' to end {name}(..)", end)
        return XStr(name, val), end + 1

    def list_of(self, at: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            at = lexer.blank(self.text, at)
            if self.text.startswith("]", at):
                return found, at + 1
            value, at = self.value(at, depth)
            found.append(value)
            at = lexer.blank(self.text, at)
            if self.text.startswith(",", at):
                at += 1
            elif not self.text.startswith("]", at):
                self.fail("expected ',' or ']' in list", at)

    def dict_of(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        """Tags separated by blanks or commas; a null removes its tag."""
        found: dict[str, Any] = {}
        at = lexer.blank(self.text, at)
        while not self.text.startswith("}", at):
            name, value, at = self.tag(at, depth)
            _set(found, name, value)
            at = lexer.blank(self.text, at)
            if self.text.startswith(",", at):
                at = lexer.blank(self.text, at + 1)
        return found, at + 1

    def tag(self, at: int, depth: int) -> tuple[str, Any, int]:
        """``name`` or ``name:value``."""
        name, at = self.name(at)
        colon = lexer.blank(self.text, at)
        if not self.text.startswith(":", colon):
            return name, MARKER, at
        value, at = self.value(lexer.blank(self.text, colon + 1), depth)
        return name, value, at

    def name(self, at: int) -> tuple[str, int]:
        match = _NAME.match(self.text, at)
        if match is None:
            found = self.text[at : at + 1]
            self.fail(f"expected a tag name, found {found!r}", at)
        if not is_tag_name(match[0]):
            self.fail(f"invalid tag name {quoted(match[0])}", at)
        return match[0], match.end()

    # -- grids ----------------------------------------------------------------

    def nested_grid(self, at: int, depth: int) -> tuple[Grid, int]:
        if not self.text.startswith("<<", at):
            self.fail("unexpected '<'", at)
        at = self.skip_empty_lines(at + 2)
        grid, at = self.grid(lexer.blank(self.text, at), depth, nested=True)
        at = lexer.blank(self.text, at)
        if not self.text.startswith(">>", at):
            self.fail("expected '>>' to end a nested grid", at)
        return grid, at + 2

    def skip_empty_lines(self, at: int) -> int:
        while (match := _END_OF_LINE.match(self.text, at)) and match[0]:
            at = match.end()
        return at

    def line_end(self, at: int) -> int:
        at = lexer.blank(self.text, at)
        match = _END_OF_LINE.match(self.text, at)
        if match is None:
            self.fail(f"unexpected {self.text[at : at + 12]!r}", at)
        return match.end()

    def grid(self, at: int, depth: int, *, nested: bool) -> tuple[Grid, int]:
        cols, meta, at = self.head(at, depth)
        rows = list(self.rows(at, cols, depth, nested=nested))
        return Grid(cols, rows, meta), self.end

    def rows(
        self, at: int, cols: list[Col], depth: int, *, nested: bool
    ) -> Iterator[dict[str, Any]]:
        """After the last one, ``end`` is where the grid ends."""
        names = [col.name for col in cols]
        while True:
            start = lexer.blank(self.text, at)
            if nested and self.text.startswith(">>", start):
                self.end = start
                return
            if end := _END_OF_LINE.match(self.text, start):
                self.end = end.end()
                if nested:
                    self.end = self.skip_empty_lines(self.end)
                return
            row, at = self.row(start, names, depth)
            self.cells += len(row) + 1
            if self.cells > limits.MAX_CELLS:
                self.fail(f"more than {limits.MAX_CELLS} values (cap CELLS)", at)
            yield row

    def head(self, at: int, depth: int) -> tuple[list[Col], dict[str, Any], int]:
        at = self.version(at)
        meta, at = self.meta(at, depth)
        cols, at = self.columns(self.line_end(at), depth)
        return cols, meta, at

    def version(self, at: int) -> int:
        match = _VERSION.match(self.text, at)
        if match is None:
            self.fail('a grid must start with ver:"3.0"', at)
        if not self.text.startswith('"', match.end()):
            self.fail('a grid must start with ver:"3.0"', at)
        ver, end = lexer.string(self.text, match.end())
        if ver not in ("2.0", "3.0"):
            self.fail(f"unsupported Zinc version {ver!r}", match.end())
        return end

    def meta(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        """Tags separated by blanks, up to a comma or the end of the line.

        Other libraries leave out the blank after a quote or bracket.
        """
        found: dict[str, Any] = {}
        while True:
            start = lexer.blank(self.text, at)
            if self.text[start : start + 1] in ("", "\n", "\r", ","):
                return found, start
            if start == at and self.text[at - 1] not in _CLOSING:
                self.fail("expected a space between meta tags", at)
            name, value, at = self.tag(start, depth)
            _set(found, name, value)

    def columns(self, at: int, depth: int) -> tuple[list[Col], int]:
        cols: dict[str, Col] = {}
        while True:
            start = lexer.blank(self.text, at)
            name, at = self.name(start)
            if name in cols:
                self.fail(f"duplicate column {name!r}", start)
            meta, at = self.meta(at, depth)
            cols[name] = Col(name, meta)
            if not self.text.startswith(",", at):
                return list(cols.values()), self.line_end(at)
            at += 1

    def row(self, at: int, names: list[str], depth: int) -> tuple[dict[str, Any], int]:
        end = self.text.find("\n", at) + 1 or len(self.text)
        line = self.text[at:end].removesuffix("\n")
        if not _COMPOUND.search(line):
            cells = line.split(",")
            if len(cells) == len(names):
                try:
                    return self.plain_row(names, cells), end
                except ParseError:
                    pass  # any_row() reports the position of the fault
        return self.any_row(at, names, depth)

    def plain_row(self, names: list[str], cells: list[str]) -> dict[str, Any]:
        """A row without quotes and brackets: its commas are all separators."""
        found: dict[str, Any] = {}
        for name, cell in zip(names, cells, strict=True):
            if cell:
                value = self.cache.get(cell, _MISSING)
                if value is _MISSING:
                    value = _plain_value(cell)
                    if type(value) is not DateTime:  # these rarely repeat
                        self.remember(cell, value)
                if value is not None:
                    found[name] = value
        return found

    def remember(self, cell: str, value: Any) -> None:
        if len(self.cache) < _CACHE_SIZE:
            self.cache[cell] = value

    def any_row(
        self, at: int, names: list[str], depth: int
    ) -> tuple[dict[str, Any], int]:
        text = self.text
        found: dict[str, Any] = {}
        last = len(names) - 1
        for index, name in enumerate(names):
            if text[at : at + 1] != ",":
                value, at = self.cell(at, depth)
                if value is not None:
                    found[name] = value
            if index < last:
                if text[at : at + 1] != ",":
                    self.fail(f"expected {len(names)} cells, found {index + 1}", at)
                at += 1
        if text.startswith(",", at):
            self.fail(f"more than {len(names)} cells", at)
        if text.startswith(">>", at):
            return found, at
        return found, self.line_end(at)

    def cell(self, at: int, depth: int) -> tuple[Any, int]:
        """A cell's value and the offset of the comma or line end after it."""
        text = self.text
        match = _SIMPLE_CELL.match(text, at)
        end = match.end() if match else at
        value = self.cache.get(text[at:end], _MISSING)
        if value is not _MISSING and text[end : end + 1] in _CELL_ENDS:
            return value, end
        start = lexer.blank(text, at)
        if text[start : start + 1] in _CELL_ENDS:
            return None, start
        value, stop = self.value(start, depth)
        if stop == end:
            self.remember(text[at:end], value)
        return value, lexer.blank(text, stop)
