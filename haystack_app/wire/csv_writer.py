"""CSV writer: exact for machines, and safe for spreadsheets in downloads.

The grid's meta is lost, except that the column of a history has the id of its point as
its title. Kinds are not lost: a Str that would look like another kind is in quotes, as
where RFC 4180 requires them. A download has a byte order mark, and an apostrophe before
what spreadsheets would run as a formula.
Source: docHaystack Csv; quoting as in RFC 4180; OWASP, CSV injection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, Number, Ref, Uri
from ..kinds.series import Series
from . import zinc_writer
from .csv_cells import needs_quotes
from .samples import TimeTexts, float_texts

__all__ = [
    "BYTE_ORDER_MARK",
    "MARKER_TEXT",
    "cell_text",
    "download_chunks",
    "grid_chunks",
    "grid_text",
    "original_text",
    "safe_cell_text",
    "title_cell",
    "value_text",
]

MARKER_TEXT = "✓"
_ROWS_PER_CHUNK = 500
BYTE_ORDER_MARK = "\ufeff"
_OTHER_KIND = re.compile(
    rf"\Z|(?:{MARKER_TEXT}|true|false|NA|R|NaN|INF)\Z|[0-9@^\[{{<-]"
    r"|[A-Z][A-Za-z0-9_]*\(|[A-Za-z][A-Za-z0-9+.-]*://"
)
"""Strs that a reader may take for a value of another kind."""
_UNSAFE = re.compile(r"'*[=+\-@\t\r]")
"""What spreadsheets run, also after apostrophes, which are then doubled."""


def _ref(ref: Ref) -> str:
    return f"@{ref.id} {ref.dis}" if ref.dis else f"@{ref.id}"


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "",
    type(MARKER): lambda value: (
        MARKER_TEXT if value is MARKER else zinc_writer.value_text(value)
    ),
    bool: lambda value: "true" if value else "false",
    str: str,
    Uri: str,
    Ref: _ref,
}


def value_text(value: Any) -> str:
    """The text of a cell before quoting. Raises EncodeError."""
    return _WRITERS.get(type(value), zinc_writer.value_text)(value)


def cell_text(value: Any) -> str:
    """The text of a cell with its quotes. Raises EncodeError."""
    text = value_text(value)
    if type(value) is str and _OTHER_KIND.match(text):
        return _in_quotes(text)
    return _in_quotes(text) if needs_quotes(text) else text


def safe_cell_text(value: Any) -> str:
    """A cell that no spreadsheet runs; a negative Number stays a number.

    ``original_text`` is its inverse.
    """
    text = value_text(value)
    looks_other = type(value) is str and _OTHER_KIND.match(text) is not None
    if type(value) is not Number and _UNSAFE.match(text):
        text = f"'{text}"
    return _in_quotes(text) if looks_other or needs_quotes(text) else text


def original_text(text: str) -> str:
    """The text of a cell without the apostrophe of ``safe_cell_text``."""
    return text[1:] if text[:1] == "'" and _UNSAFE.match(text, 1) else text


def _in_quotes(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _titles(grid: Grid) -> list[str]:
    """The titles of columns; the values of a single history belong to its point."""
    point = grid.meta.get("id")
    if isinstance(point, Ref) and grid.names == ["ts", "val"]:
        return [_title(grid.cols[0]), f"@{point.id}"]
    return [_title(col) for col in grid.cols]


def _title(col: Col) -> str:
    """The display name of the column or of its point, else its id, else its name.

    Of a point's roll-up also the fold, for there may be a column for each.
    """
    dis, point, fold = (col.meta.get(name) for name in ("dis", "id", "rollup"))
    if isinstance(dis, str):
        return dis
    if not isinstance(point, Ref):
        return col.name
    title = point.dis or f"@{point.id}"
    return f"{title} {fold}" if isinstance(fold, str) else title


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The grid's text in chunks of 500 rows, the header first."""
    yield _line([title_cell(title) for title in _titles(grid)])
    if isinstance(grid.rows, Series):
        yield from _series_chunks(grid.rows, cell_text)
    else:
        yield from _row_chunks(grid, cell_text)


def download_chunks(grid: Grid) -> Iterator[str]:
    """As ``grid_chunks``, for a file that a person opens in a spreadsheet."""
    yield BYTE_ORDER_MARK + _line([safe_cell_text(title) for title in _titles(grid)])
    if isinstance(grid.rows, Series):
        yield from _series_chunks(grid.rows, safe_cell_text)
    else:
        yield from _row_chunks(grid, safe_cell_text)


def title_cell(title: str) -> str:
    """The text of a title with its quotes."""
    return _in_quotes(title) if needs_quotes(title) else title


def _line(cells: list[str]) -> str:
    # readers skip an empty line, so a row of one empty cell is quoted
    return (",".join(cells) or '""') + "\n"


def _row_chunks(grid: Grid, cell: Callable[[Any], str]) -> Iterator[str]:
    index_of = {name: index for index, name in enumerate(grid.names)}
    empty = [""] * len(index_of)
    lines: list[str] = []
    for row in grid.rows:
        cells = empty.copy()
        for name, value in row.items():
            cells[index_of[name]] = cell(value)
        lines.append(_line(cells))
        if len(lines) == _ROWS_PER_CHUNK:
            yield "".join(lines)
            lines.clear()
    if lines:
        yield "".join(lines)


def _series_chunks(series: Series, cell: Callable[[Any], str]) -> Iterator[str]:
    texts = TimeTexts(series.tz)
    zone = "" if series.tz == "UTC" else f" {series.tz}"
    unit = series.unit or ""
    for chunk in series.read():
        vals = [val + unit for val in float_texts(chunk.vals)]
        for index, value in chunk.others.items():
            vals[index] = cell(value)
        times = texts.of(chunk.times)
        yield "".join(
            [f"{ts}{zone},{val}\n" for ts, val in zip(times, vals, strict=True)]
        )
