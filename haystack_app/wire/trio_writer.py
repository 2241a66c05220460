"""Writing Trio: a line a tag, records apart by ``---``.

The format has records and nothing else: meta of a grid and its columns, their
order, and rows without a value are lost. Str values are not: what an indented block
would change is written in quotes.
Source: docHaystack Trio.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..kinds.grid import Grid, column_order
from ..kinds.scalars import MARKER
from . import zinc_writer
from .errors import EncodeError
from .trio_lines import BLANKS
from .trio_reader import KEYWORDS

__all__ = ["dict_text", "dicts_text", "grid_chunks", "grid_text", "value_text"]

_ROWS_A_CHUNK = 500
_SEPARATOR = "---\n"
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _-]*[A-Za-z0-9_-])?")
# other readers take some of these for more than Str
_QUOTED_WORDS = frozenset([*KEYWORDS, "M", "N", "Zinc", "Trio"])
_IN_BLOCK = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]*")
"""Newlines, but no other control."""


def value_text(value: Any) -> str:
    """What stands behind the colon of a tag; more than one line for a block.

    Nothing there is null or a Marker: those are no tag, and a bare name.
    """
    if value is None or value is MARKER:
        raise EncodeError(f"{value} has no text behind a tag's colon")
    if type(value) is str:
        return _string(value)
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, Grid):
        return _zinc_block(zinc_writer.grid_text(value))
    text = zinc_writer.value_text(value)
    return _zinc_block(text) if "\n" in text else text  # a grid is in it


def _string(val: str) -> str:
    if _PLAIN.fullmatch(val) and val not in _QUOTED_WORDS:
        return val
    if "\n" in val and _fits_block(val):
        return _block(val.split("\n"))
    return zinc_writer.value_text(val)


def _fits_block(val: str) -> bool:
    """Whether a reader that strips indents and blanks gives back the same."""
    lines = val.split("\n")
    return (
        _IN_BLOCK.fullmatch(val) is not None
        and lines[0] != ""
        and all(line == line.rstrip(BLANKS) for line in lines)
        and any(line[:1] not in ("", " ") for line in lines)
    )


def _block(lines: list[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)


def _zinc_block(text: str) -> str:
    return "Zinc:" + _block(text.rstrip("\n").split("\n"))


def dict_text(tags: Mapping[str, Any]) -> str:
    """One record, its tags in the order of columns."""
    lines = []
    for name in column_order(tags):
        value = tags[name]
        if value is MARKER:
            lines.append(f"{name}\n")
        elif value is not None:
            lines.append(f"{name}:{value_text(value)}\n")
    return "".join(lines)


def dicts_text(records: Iterable[Mapping[str, Any]]) -> str:
    return "".join(_chunks(records))


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The rows' text in pieces of some hundred."""
    return _chunks(grid.rows)


def _chunks(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    found: list[str] = []
    before = ""
    for record in records:
        found.append(before + dict_text(record))
        before = _SEPARATOR
        if len(found) == _ROWS_A_CHUNK:
            yield "".join(found)
            found.clear()
    if found:
        yield "".join(found)
