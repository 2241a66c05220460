"""Reader for Trio, the format for files of records that people edit.

Source: docHaystack Trio, and Haxall's reader for the order in which the forms of a
value are tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..kinds.display import quoted
from ..kinds.grid import Grid
from ..kinds.scalars import MARKER, NA, REMOVE, Number, is_tag_name
from ..kinds.timezones import UnknownTimeZone, zone_of
from . import lexer, limits, zinc_reader
from .errors import ParseError
from .plain_text import strip_bom
from .trio_lines import BLANKS, Block, Line, Lines, trimmed

__all__ = ["KEYWORDS", "read_dict", "read_dicts", "read_grid", "read_value", "records"]

KEYWORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "T": True,
    "F": False,
    "NA": NA,
    "NaN": Number(float("nan")),
    "INF": Number(float("inf")),
    "R": REMOVE,
}
_MARKER = "M"
_DATE_SIZE = 10
_DATE_TIME_SIZE = 20
_STARTS_AS_DATE = re.compile(r"\d{4}-", re.ASCII)
_STARTS_AS_TIME = re.compile(r"\d\d?:", re.ASCII)
_ZONED = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
    r" ([A-Z][A-Za-z0-9_+\-]*)",
    re.ASCII,
)
_CLOSING = {'"': '"', "`": "`", "{": "}", "[": "]"}


def read_value(text: str) -> Any:
    """The value of a tag, given the text after its colon. Raises ParseError."""
    lines = Lines.of(strip_bom(text))
    first = trimmed(lines.lines[0]) if lines.lines else ""
    lines.at = 1
    try:
        value = _Reader().value(first, lines, 0)
    except ParseError as err:
        raise _on_line(1, err) from None
    for line in lines:
        raise ParseError("expected one value, found more", f"line {line.number}")
    return value


def records(
    text: str, is_marker: Callable[[str], bool] | None = None
) -> Iterator[dict[str, Any]]:
    """The records of the text, one by one, without empty ones. Raises ParseError.

    ``is_marker`` says of a tag's name whether ``name:M`` is a Marker; else it is the
    Str, as in Haxall, which writes the Str without quotes.
    """
    return _Reader(is_marker).records(Lines.of(strip_bom(text)), 0)


def read_dicts(
    text: str, is_marker: Callable[[str], bool] | None = None
) -> list[dict[str, Any]]:
    """The same as a list. Raises ParseError."""
    return list(records(text, is_marker))


def read_dict(text: str) -> dict[str, Any]:
    """The only record of the text. Raises ParseError."""
    return _only(read_dicts(text), "line 1")


def read_grid(text: str, is_marker: Callable[[str], bool] | None = None) -> Grid:
    """The records as rows; the format has no meta. Raises ParseError."""
    return Grid.of(read_dicts(text, is_marker))


def _only(found: list[dict[str, Any]], position: str) -> dict[str, Any]:
    if len(found) != 1:
        raise ParseError(f"expected one record, found {len(found)}", position)
    return found[0]


def _on_line(number: int, err: ParseError, what: str = "") -> ParseError:
    """The error with that line, unless it already has the line in a block."""
    if err.position.startswith("line"):
        return err
    return ParseError(what + err.message, f"line {number}")


class _Reader:
    """Reads one text and counts its values."""

    def __init__(self, is_marker: Callable[[str], bool] | None = None) -> None:
        self.cells = 0
        self.is_marker = is_marker

    def records(self, lines: Lines, depth: int) -> Iterator[dict[str, Any]]:
        tags: dict[str, Any] = {}
        for line in lines:
            if line.ends_record:
                if tags:
                    yield tags
                tags = {}
                continue
            name, value = self.tag(line, lines, depth)
            if name in tags:
                raise ParseError(f"duplicate tag {quoted(name)}", f"line {line.number}")
            self.cells += 1 if tags else 2  # plus one for the record
            if self.cells > limits.MAX_CELLS:
                raise ParseError(
                    f"more than {limits.MAX_CELLS} values (cap CELLS)",
                    f"line {line.number}",
                )
            tags[name] = value
        if tags:
            yield tags

    def tag(self, line: Line, lines: Lines, depth: int) -> tuple[str, Any]:
        """``name`` or ``name: value``; the value may continue in a block."""
        name, colon, text = line.text.partition(":")
        # an indented marker is rejected: it is likely text outside of its block
        name = trimmed(name) if colon else name.rstrip(BLANKS)
        if not is_tag_name(name):
            raise ParseError(f"invalid tag name {quoted(name)}", f"line {line.number}")
        if not colon:
            return name, MARKER
        text = trimmed(text)
        if text == _MARKER and self.is_marker is not None and self.is_marker(name):
            return name, MARKER
        try:
            return name, self.value(text, lines, depth)
        except ParseError as err:
            raise _on_line(line.number, err, f"{name}: ") from None

    def value(self, text: str, lines: Lines, depth: int) -> Any:
        if not text:
            return lines.block().text
        if text == "Zinc:":
            return _within(_zinc_block(lines.block()), depth)
        if text == "Trio:":
            return self.nested(lines.block(), depth + 1)
        if text == "[":
            return _within(_list_block(lines.block()), depth)
        return _within(_scalar(text), depth)

    def nested(self, block: Block, depth: int) -> dict[str, Any]:
        if depth > limits.MAX_DEPTH:
            raise ParseError(
                f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)",
                f"line {block.number}",
            )
        lines = Lines(block.lines, block.number)
        return _only(list(self.records(lines, depth)), f"line {block.number}")


def _within(value: Any, depth: int) -> Any:
    """The value. Raises ParseError if the enclosing blocks make it too deep."""
    if depth and depth + _levels(value) > limits.MAX_DEPTH:
        raise ParseError(f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)")
    return value


def _levels(value: Any) -> int:
    """Levels of lists, dicts and grids, which the Zinc reader has limited."""
    inner: Any = ()
    if isinstance(value, list):
        inner = value
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, Grid):
        inner = [
            item
            for tags in (value.meta, *(col.meta for col in value.cols), *value.rows)
            for item in tags.values()
        ]
    else:
        return 0
    return 1 + max(map(_levels, inner), default=0)


def _scalar(text: str) -> Any:
    """A value on the line of its name; text in no other form is a Str."""
    first = text[0]
    if first in "0123456789-":
        return _number_or_time(text)
    if first in _CLOSING:
        if len(text) < 2 or text[-1] != _CLOSING[first]:
            raise ParseError(f"expected {_CLOSING[first]} at the end of {quoted(text)}")
        return zinc_reader.read_value(text)
    if first == "@":
        return _whole(lexer.ref(text, 0), text)
    if first == "^":
        return _whole(lexer.symbol(text, 0), text)
    if text[-1] == ")":
        return zinc_reader.read_value(text)
    if text[-1] == ":":
        raise ParseError(f"unknown kind of block {quoted(text)}")
    return KEYWORDS.get(text, text)


def _number_or_time(text: str) -> Any:
    """A malformed date or time is a Str, a malformed number is an error.

    A zone that does not exist is an error too, for the rest is surely a DateTime. The
    blank distinguishes ``5 apples`` from a number with an unknown unit.
    """
    if _looks_like_time(text):
        try:
            return _whole(lexer.number_or_time(text, 0), text)
        except ParseError:
            _check_zone(text)
            return text
    return text if " " in text else _whole(lexer.number_or_time(text, 0), text)


def _check_zone(text: str) -> None:
    match = _ZONED.fullmatch(text)
    if match is not None:
        try:
            zone_of(match[1])
        except UnknownTimeZone as err:
            raise ParseError(str(err)) from None


def _looks_like_time(text: str) -> bool:
    if _STARTS_AS_DATE.match(text):
        return len(text) == _DATE_SIZE or len(text) >= _DATE_TIME_SIZE
    return _STARTS_AS_TIME.match(text) is not None


def _whole(found: tuple[Any, int], text: str) -> Any:
    value, end = found
    if end < len(text):
        raise ParseError(f"unexpected {quoted(text[end : end + 12])}")
    return value


def _zinc_block(block: Block) -> Any:
    """A grid as in a Zinc file, or any other value."""
    text = block.text
    try:
        if text.startswith("ver"):
            return zinc_reader.read_grid(text)
        return zinc_reader.read_value(text)
    except ParseError as err:
        where = f" at {err.position} of the block"
        raise ParseError(err.message + where, f"line {block.number}") from None


def _list_block(block: Block) -> Any:
    """A list from the lines after ``[``. Comments must be on separate lines."""
    lines = [line for line in block.lines if not trimmed(line).startswith("//")]
    try:
        return zinc_reader.read_value("[" + " ".join(lines))
    except ParseError as err:
        raise ParseError(f"in a list: {err.message}", f"line {block.number}") from None
