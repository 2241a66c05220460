"""Trio writer: one line per tag, records separated by ``---``.

The format has records only: the meta of the grid and its columns, the order of the
columns, and rows without a value are lost. Histories begin with their Zinc header in
comments, which other readers skip: it names the points. No Str is lost: those that an
indented block would change are written in quotes.
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

_ROWS_PER_CHUNK = 500
_SEPARATOR = "---\n"
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _-]*[A-Za-z0-9_-])?")
# other readers do not read some of these as a Str
_QUOTED_WORDS = frozenset([*KEYWORDS, "M", "N", "Zinc", "Trio"])
_IN_BLOCK = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]*")
"""Newlines, but no other control characters."""


def value_text(value: Any) -> str:
    """The text after the colon of a tag; a block has more than one line.

    Raises EncodeError, also for null and Marker: a null tag is left out, and a marker
    is a name without a colon.
    """
    if value is None or value is MARKER:
        kind = "null" if value is None else "a Marker"
        raise EncodeError(f"Trio cannot represent {kind} after the colon of a tag")
    if type(value) is str:
        return _string(value)
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, Grid):
        return _zinc_block(zinc_writer.grid_text(value))
    text = zinc_writer.value_text(value)
    return _zinc_block(text) if "\n" in text else text  # it contains a grid


def _string(val: str) -> str:
    if _PLAIN.fullmatch(val) and val not in _QUOTED_WORDS:
        return val
    if "\n" in val and _fits_block(val):
        return _block(val.split("\n"))
    return zinc_writer.value_text(val)


def _fits_block(val: str) -> bool:
    """Whether the text survives a reader that strips indents and blanks."""
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
    """One record, with its tags in column order."""
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
    """The text of the rows in chunks of 500, after the header of a history."""
    if _is_history(grid):
        head = zinc_writer.header(grid)
        yield "".join(f"// {line}\n" for line in head.splitlines())
    yield from _chunks(grid.rows)


def _is_history(grid: Grid) -> bool:
    """Whether the grid is an answer of hisRead: its meta, or its columns', have ids."""
    metas = [grid.meta, *(col.meta for col in grid.cols[1:])]
    return grid.names[:1] == ["ts"] and any("id" in meta for meta in metas)


def _chunks(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    found: list[str] = []
    before = ""
    for record in records:
        found.append(before + dict_text(record))
        before = _SEPARATOR
        if len(found) == _ROWS_PER_CHUNK:
            yield "".join(found)
            found.clear()
    if found:
        yield "".join(found)
