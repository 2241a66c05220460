"""Writing CSV for spreadsheets, which is how most people read a table.

One direction: kinds, meta of the grid and what is null or an empty Str cannot be
told from the text. The byte order mark is left to whoever makes a file of it.
Source: docHaystack Csv, quoting as in RFC 4180.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, Ref, Uri
from ..kinds.series import Series
from . import zinc_writer
from .samples import TimeTexts, float_texts

__all__ = ["grid_chunks", "grid_text", "value_text"]

_ROWS_A_CHUNK = 500
# blanks at an end, because some readers trim what is not in quotes
_NEEDS_QUOTES = re.compile(r'[",\r\n]|\A[\s\ufeff]|\s\Z')


def _ref(ref: Ref) -> str:
    return f"@{ref.id} {ref.dis}" if ref.dis else f"@{ref.id}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    type(MARKER): lambda value: (
        "✓" if value is MARKER else zinc_writer.value_text(value)
    ),
    bool: lambda value: "true" if value else "false",
    str: str,
    Uri: str,
    Ref: _ref,
}


def value_text(value: Any) -> str:
    """The text of a cell, before quoting. Raises EncodeError."""
    return _WRITERS.get(type(value), zinc_writer.value_text)(value)


def _cell(value: Any) -> str:
    text = value_text(value)
    if _NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _title(col: Col) -> str:
    """What a person calls the column: its ``dis``, that of its point, its name."""
    dis = col.meta.get("dis")
    if isinstance(dis, str):
        return dis
    point = col.meta.get("id")
    return (isinstance(point, Ref) and point.dis) or col.name


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The grid's text in pieces of some hundred rows, the header first."""
    yield _line([_cell(_title(col)) for col in grid.cols])
    if isinstance(grid.rows, Series):
        yield from _series_chunks(grid.rows)
    else:
        yield from _row_chunks(grid)


def _line(cells: list[str]) -> str:
    # an empty line would be no row
    return (",".join(cells) or '""') + "\n"


def _row_chunks(grid: Grid) -> Iterator[str]:
    places = {name: place for place, name in enumerate(grid.names)}
    empty = [""] * len(places)
    lines: list[str] = []
    for row in grid.rows:
        cells = empty.copy()
        for name, value in row.items():
            cells[places[name]] = _cell(value)
        lines.append(_line(cells))
        if len(lines) == _ROWS_A_CHUNK:
            yield "".join(lines)
            lines.clear()
    if lines:
        yield "".join(lines)


def _series_chunks(series: Series) -> Iterator[str]:
    texts = TimeTexts(series.tz)
    zone = "" if series.tz == "UTC" else f" {series.tz}"
    unit = series.unit or ""
    for chunk in series.read():
        vals = [val + unit for val in float_texts(chunk.vals)]
        for place, value in chunk.others.items():
            vals[place] = _cell(value)
        times = texts.of(chunk.times)
        yield "".join(
            [f"{ts}{zone},{val}\n" for ts, val in zip(times, vals, strict=True)]
        )
