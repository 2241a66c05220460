"""CSV writer, for spreadsheets.

The output cannot be read back without loss: kinds and the grid's meta are missing,
and null looks like the empty Str. Callers that write a file must add the byte order
mark.
Source: docHaystack Csv; quoting as in RFC 4180.
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

_ROWS_PER_CHUNK = 500
# leading and trailing blanks too: some readers trim text that is not quoted
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
    """The text of a cell before quoting. Raises EncodeError."""
    return _WRITERS.get(type(value), zinc_writer.value_text)(value)


def _cell(value: Any) -> str:
    text = value_text(value)
    if _NEEDS_QUOTES.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _title(col: Col) -> str:
    """The column's display name: its ``dis``, else its point's, else its name."""
    dis = col.meta.get("dis")
    if isinstance(dis, str):
        return dis
    point = col.meta.get("id")
    return (isinstance(point, Ref) and point.dis) or col.name


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The grid's text in chunks of 500 rows, the header first."""
    yield _line([_cell(_title(col)) for col in grid.cols])
    if isinstance(grid.rows, Series):
        yield from _series_chunks(grid.rows)
    else:
        yield from _row_chunks(grid)


def _line(cells: list[str]) -> str:
    # readers skip an empty line, so a row of one empty cell is quoted
    return (",".join(cells) or '""') + "\n"


def _row_chunks(grid: Grid) -> Iterator[str]:
    index_of = {name: index for index, name in enumerate(grid.names)}
    empty = [""] * len(index_of)
    lines: list[str] = []
    for row in grid.rows:
        cells = empty.copy()
        for name, value in row.items():
            cells[index_of[name]] = _cell(value)
        lines.append(_line(cells))
        if len(lines) == _ROWS_PER_CHUNK:
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
        for index, value in chunk.others.items():
            vals[index] = _cell(value)
        times = texts.of(chunk.times)
        yield "".join(
            [f"{ts}{zone},{val}\n" for ts, val in zip(times, vals, strict=True)]
        )
