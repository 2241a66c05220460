"""All rows of a text that a reader refuses.

A reader stops at the first error. After it, these functions read the rows one by one,
and yield an error for each invalid row, with its place in the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from . import hayson_reader, json3_reader, trio_reader, zinc_reader
from .errors import ParseError
from .registry import HAYSON, JSON3, TRIO, ZINC, Format

__all__ = ["HEAD_LINES", "OF_FILE", "row_errors"]

HEAD_LINES = 2
"""Lines of a Zinc grid before its rows."""
_LINE = re.compile(r"line (\d+)")
_LONG = ("<<", '"""')
"""What may contain line ends: nested grids and long strings."""
_CELL = 100
_BLOCK = 1_000
"""Rows that are read together: most of them are valid."""
_OF_REQUEST = 5_000_000
"""Characters that are read again, row by row: about 3 s."""
OF_FILE = 100_000_000


def row_errors(
    format: Format, text: str, first: ParseError, most: int = _OF_REQUEST
) -> Iterator[ParseError]:
    """The errors of a text in a format, of which the first is known.

    At least that one: each row of a text that exceeds a limit may be valid. After
    ``most`` characters that were read again, the errors of the rest are left out.
    """
    found = False
    for err in _row_errors(format, text, first, most):
        found = True
        yield err
    if not found:
        yield first


def _row_errors(
    format: Format, text: str, first: ParseError, most: int
) -> Iterator[ParseError]:
    if format is ZINC:
        return _zinc_errors(text, first, most)
    if format is TRIO:
        return _trio_errors(text)
    if format in (HAYSON, JSON3):
        reader = hayson_reader if format is HAYSON else json3_reader
        return _json_errors(text, first, reader, most)
    return iter(())


def _zinc_errors(text: str, first: ParseError, most: int) -> Iterator[ParseError]:
    """The errors of a grid, of which the first is known."""
    line = _LINE.match(first.position)
    in_head = line is None or int(line[1]) <= HEAD_LINES
    if in_head or any(mark in text for mark in _LONG):
        return
    lines = text.split("\n")
    head = "\n".join(lines[:HEAD_LINES]) + "\n"
    end = next(
        (at for at in range(HEAD_LINES, len(lines)) if not lines[at].strip()),
        len(lines),
    )
    rest = most
    for start in range(HEAD_LINES, end, _BLOCK):
        block = lines[start : min(start + _BLOCK, end)]
        if _is_valid(head, block):
            continue
        for number, row in enumerate(block, start - HEAD_LINES):
            rest -= len(head) + len(row) + _CELL
            if rest < 0:
                return
            try:
                zinc_reader.read_grid(f"{head}{row}\n")
            except ParseError as err:
                yield _moved(err, number)


def _is_valid(head: str, rows: list[str]) -> bool:
    try:
        zinc_reader.read_grid(head + "\n".join(rows) + "\n")
    except ParseError:
        return False
    return True


def _json_errors(
    text: str, first: ParseError, reader: ModuleType, most: int
) -> Iterator[ParseError]:
    """The errors of a grid's rows or of a list's items, of which the first is known."""
    document = _parsed(text)
    step = "rows" if first.position.startswith("rows[") else ""
    if isinstance(document, dict) and step:
        found: list[Any] = document["rows"]
        parts: list[Any] = [{**document, "rows": [row]} for row in found]
    elif isinstance(document, list) and first.position.startswith("["):
        parts = [[item] for item in document]
    else:
        yield first
        return
    cols = document.get("cols") if isinstance(document, dict) else None
    width = len(cols) if isinstance(cols, list) else 1
    for index, part in enumerate(parts[: most // (_CELL * (1 + width))]):
        try:
            reader.decode(part)
        except ParseError as err:
            place = err.position.replace(f"{step}[0]", f"{step}[{index}]", 1)
            yield ParseError(err.message, place)


def _parsed(text: str) -> Any:
    try:
        return hayson_reader.parse_json(text)
    except ParseError:
        return None


def _trio_errors(text: str) -> Iterator[ParseError]:
    """The errors of a text's records."""
    for before, record in _records(text):
        try:
            trio_reader.read_dicts(record)
        except ParseError as err:
            yield _moved(err, before)


def _records(text: str) -> Iterator[tuple[int, str]]:
    """The texts of records, and how many lines are before them."""
    before, lines = 0, list[str]()
    for number, line in enumerate(re.split(r"\r\n?|\n", text), 1):
        if line.startswith("-"):
            yield before, "\n".join(lines)
            before, lines = number, []
        else:
            lines.append(line)
    yield before, "\n".join(lines)


def _moved(err: ParseError, lines: int) -> ParseError:
    """The error of a part of a text, with its place in the whole."""

    def moved(match: re.Match[str]) -> str:
        return f"line {int(match[1]) + lines}"

    return ParseError(err.message, _LINE.sub(moved, err.position, count=1))
