"""Rows of CSV as text, with the knowledge which cells were quoted.

The ``csv`` module drops that, and has a limit of 131,072 characters for a cell. A cell
is quoted if it begins with a quote; elsewhere a quote is a character like any other.
Source: RFC 4180; a single CR ends a row too, as in files of old spreadsheets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from .errors import ParseError

__all__ = ["Quoted", "csv_rows", "needs_quotes"]

# leading and trailing blanks too: some readers trim text that is not quoted
_NEEDS_QUOTES = re.compile(r'[",\r\n]|\A[\s\ufeff]|\s\Z')
_QUOTED = re.compile(r'"((?:[^"]|"")*+)"')
_PLAIN = re.compile(r"[^,\r\n]*")
_END = re.compile(r"\r\n|[\r\n]|\Z")
_LINE_END = re.compile(r"\r\n|[\r\n]")


class Quoted(str):
    """A cell that is in quotes in the text."""

    __slots__ = ()


class _Unclosed(Exception):
    """The text ends inside of a quoted cell."""


def needs_quotes(cell: str) -> bool:
    """Whether a cell with this text must be quoted, also a number or a list."""
    return _NEEDS_QUOTES.search(cell) is not None


def csv_rows(
    lines: Iterable[str], refuse: Callable[[ParseError], object] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line, without empty lines.

    ``lines`` end with ``\\n``, as those of a file. Raises ParseError; with ``refuse``
    an invalid row is passed to it and left out.
    """
    number = 0
    held = ""
    for number, line in enumerate(lines, 1):
        if held and '"' not in line:
            held += line
            continue
        text, held = held + line, ""
        if '"' not in text:
            for row in _LINE_END.split(text):
                if row:
                    yield number, row.split(",")
            continue
        try:
            found = list(_quoted_rows(text, number))
        except _Unclosed:
            held = text
            continue
        except ParseError as err:
            if refuse is None:
                raise
            refuse(err)
            continue
        for cells in found:
            yield number, cells
    if held:
        raise ParseError("a quoted cell has no closing quote", f"line {number}")


def _quoted_rows(text: str, number: int) -> Iterator[list[str]]:
    at = 0
    while at < len(text):
        cells: list[str] = []
        while True:
            cell, at = _cell(text, at)
            cells.append(cell)
            if not text.startswith(",", at):
                break
            at += 1
        end = _END.match(text, at)
        if end is None:
            raise ParseError(
                "a comma is expected after a quoted cell", f"line {number}"
            )
        at = end.end()
        if cells != [""] or isinstance(cells[0], Quoted):
            yield cells


def _cell(text: str, at: int) -> tuple[str, int]:
    if not text.startswith('"', at):
        plain = _PLAIN.match(text, at)
        end = plain.end() if plain else at
        return text[at:end], end
    match = _QUOTED.match(text, at)
    if match is None:
        raise _Unclosed
    return Quoted(match[1].replace('""', '"')), match.end()
