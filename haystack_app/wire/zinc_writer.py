"""Writer for Zinc 3.0.

Grids are written in chunks, so that responses of any length can be streamed.
Source: docHaystack Zinc; characters are escaped for the strictest reader.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..kinds.datetimes import DateTime, time_text
from ..kinds.grid import Col, Grid
from ..kinds.scalars import (
    MARKER,
    NA,
    REMOVE,
    Coord,
    Number,
    Ref,
    Singleton,
    Symbol,
    Uri,
    XStr,
)
from ..kinds.series import Series
from .errors import EncodeError
from .samples import TimeTexts, coord_text, float_texts

__all__ = [
    "described",
    "display_text",
    "grid_chunks",
    "grid_text",
    "header",
    "number_text",
    "value_text",
]

_ROWS_PER_CHUNK = 500
_DISPLAY_LENGTH = 80
_ESCAPES = {code: f"\\u{code:04x}" for code in [*range(32), 127]} | {
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("$"): "\\$",
}
_NEEDS_ESCAPE = re.compile(r'[\x00-\x1f\x7f"\\$]')
_URI_ESCAPE = re.compile(r"\\[:/?#\[\]@&=;\\]|[\x00-\x1f\x7f`\\]")


def _string(val: str) -> str:
    return f'"{val.translate(_ESCAPES)}"' if _NEEDS_ESCAPE.search(val) else f'"{val}"'


def _uri(val: Uri) -> str:
    def escape(match: re.Match[str]) -> str:
        found = match[0]
        if len(found) == 2:  # the reader keeps a backslash before a delimiter
            return found
        return "\\`" if found == "`" else f"\\u{ord(found):04x}"

    return f"`{_URI_ESCAPE.sub(escape, val.val)}`"


def number_text(number: Number) -> str:
    """The shortest exact decimal; INF and NaN lose their unit."""
    val = number.val
    if math.isnan(val):
        return "NaN"
    if math.isinf(val):
        return "INF" if val > 0 else "-INF"
    return float_texts([val])[0] + (number.unit or "")


def _ref(ref: Ref) -> str:
    return f"@{ref.id} {_string(ref.dis)}" if ref.dis else f"@{ref.id}"


def _date_time(value: DateTime) -> str:
    return value.iso if value.tz == "UTC" else f"{value.iso} {value.tz}"


def _coord(value: Coord) -> str:
    return f"C({coord_text(value)})"


def _list(values: list[Any]) -> str:
    return f"[{','.join(map(value_text, values))}]"


def _dict(tags: Mapping[str, Any]) -> str:
    return f"{{{' '.join(_tags(tags))}}}"


def _tags(tags: Mapping[str, Any]) -> Iterator[str]:
    for name, value in tags.items():
        if value is MARKER:
            yield name
        elif value is not None:
            yield f"{name}:{value_text(value)}"


def _nested_grid(grid: Grid) -> str:
    return f"<<\n{grid_text(grid)}>>"


_SINGLETONS = {MARKER: "M", NA: "NA", REMOVE: "R"}
_SINGLETON_NAMES = {MARKER: "a Marker", NA: "NA", REMOVE: "Remove"}
_KIND_NAMES = {
    "bool": "Bool",
    "date": "Date",
    "dict": "Dict",
    "float": "Number",
    "int": "Number",
    "list": "List",
    "str": "Str",
    "time": "Time",
    "tuple": "List",
}
"""Names of kinds by Python types of other names."""
_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "N",
    bool: lambda value: "T" if value else "F",
    type(MARKER): _SINGLETONS.__getitem__,
    Number: number_text,
    int: lambda value: number_text(Number(value)),
    float: lambda value: number_text(Number(value)),
    str: _string,
    Ref: _ref,
    Symbol: str,
    Uri: _uri,
    dt.date: dt.date.isoformat,
    dt.time: time_text,
    DateTime: _date_time,
    Coord: _coord,
    XStr: lambda value: f"{value.type}({_string(value.val)})",
    list: _list,
    tuple: _list,
    dict: _dict,
    Grid: _nested_grid,
}


def value_text(value: Any) -> str:
    """One value as Zinc. Raises EncodeError if it is not a Haystack value."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, Mapping):
        return _dict(value)
    raise EncodeError(f"Zinc cannot represent a value of type {type(value).__name__}")


def display_text(value: Any) -> str:
    """Any value for an error message: Zinc, or null, at most 80 characters."""
    if value is None:
        return "null"
    try:
        text = value_text(value)
    except EncodeError:
        text = type(value).__name__
    text = text[: 2 * _DISPLAY_LENGTH].replace("\n", " ")  # of a nested grid
    return text if len(text) <= _DISPLAY_LENGTH else f"{text[: _DISPLAY_LENGTH - 2]}.."


def described(value: Any) -> str:
    """The kind and the text of any value, for an error message: ``Date 2023-03-08``."""
    if value is None:
        return "missing"
    if isinstance(value, Singleton):
        return _SINGLETON_NAMES[value]
    name = type(value).__name__
    return f"{_KIND_NAMES.get(name, name)} {display_text(value)}"


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The grid's text in chunks of 500 rows; it ends with a blank line."""
    yield header(grid)
    if isinstance(grid.rows, Series):
        yield from _series_chunks(grid.rows)
    else:
        yield from _row_chunks(grid)
    yield "\n"


def header(grid: Grid) -> str:
    """The lines before the rows."""
    head = " ".join(['ver:"3.0"', *_tags(grid.meta)])
    return f"{head}\n{','.join(map(_column, grid.cols))}\n"


def _column(col: Col) -> str:
    return " ".join([col.name, *_tags(col.meta)])


def _row_chunks(grid: Grid) -> Iterator[str]:
    index_of = {name: index for index, name in enumerate(grid.names)}
    empty = [""] * len(index_of)
    lines: list[str] = []
    for row in grid.rows:
        cells = empty.copy()
        for name, value in row.items():
            if value is not None:
                cells[index_of[name]] = value_text(value)
        # an empty line would end the grid
        lines.append(",".join(cells) or "N")
        if len(lines) == _ROWS_PER_CHUNK:
            yield "\n".join(lines) + "\n"
            lines.clear()
    if lines:
        yield "\n".join(lines) + "\n"


def _series_chunks(series: Series) -> Iterator[str]:
    texts = TimeTexts(series.tz)
    zone = "" if series.tz == "UTC" else f" {series.tz}"
    unit = series.unit or ""
    for chunk in series.read():
        vals = float_texts(chunk.vals)
        if unit:
            vals = [val + unit for val in vals]
        for index, value in chunk.others.items():
            vals[index] = value_text(value)
        times = texts.of(chunk.times)
        yield "".join(
            [f"{ts}{zone},{val}\n" for ts, val in zip(times, vals, strict=True)]
        )
