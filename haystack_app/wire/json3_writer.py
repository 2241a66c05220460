"""Writer for the JSON of Haystack 3, in which a string begins with a code of its kind.

Source: docHaystack Json. A DateTime always names its zone, including UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..kinds.datetimes import DateTime, time_text
from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, NA, REMOVE, Coord, Number, Ref, Symbol, Uri, XStr
from ..kinds.series import Series
from .errors import EncodeError
from .json_text import grid_pieces, joined_rows, json_text
from .samples import TimeTexts, coord_text, float_texts
from .zinc_writer import number_text

__all__ = ["dump", "encode", "grid_chunks", "grid_text"]

_PARTS = ("meta", "cols", "rows")


def _string(val: str) -> str:
    return f"s:{val}" if ":" in val else val


def _number(number: Number) -> str:
    if number.unit is None or not number.is_finite:
        return f"n:{number_text(number)}"
    return f"n:{float_texts([number.val])[0]} {number.unit}"


def _ref(ref: Ref) -> str:
    return f"r:{ref.id} {ref.dis}" if ref.dis else f"r:{ref.id}"


def _coord(value: Coord) -> str:
    return f"c:{coord_text(value)}"


def _xstr(value: XStr) -> str:
    if value.type == "Bin":
        return f"b:{value.val}"
    return f"x:{value.type}:{value.val}"


def _list(values: list[Any]) -> list[Any]:
    return [encode(value) for value in values]


def _tags(tags: Mapping[str, Any]) -> dict[str, Any]:
    return {name: encode(value) for name, value in tags.items() if value is not None}


def _dict(tags: Mapping[str, Any]) -> dict[str, Any]:
    if all(tags.get(part) is not None for part in _PARTS):
        raise EncodeError(
            "JSON 3 cannot represent a dict with tags meta, cols and rows:"
            " it would be read as a grid"
        )
    return _tags(tags)


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "meta": _meta(grid),
        "cols": [_column(col) for col in grid.cols],
        "rows": [_tags(row) for row in grid.rows],
    }


def _meta(grid: Grid) -> dict[str, Any]:
    return {"ver": "3.0", **_without("ver", grid.meta)}


def _column(col: Col) -> dict[str, Any]:
    return {"name": col.name, **_without("name", col.meta)}


def _without(name: str, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Meta tags for an object in which the format reserves the member ``name``."""
    if meta.get(name) is not None:
        raise EncodeError(f"JSON 3 cannot represent meta with a tag named {name}")
    return _tags(meta)


_SINGLETONS = {MARKER: "m:", NA: "z:", REMOVE: "-:"}
_WRITERS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    str: _string,
    int: lambda value: _number(Number(value)),
    float: lambda value: _number(Number(value)),
    type(MARKER): _SINGLETONS.__getitem__,
    Number: _number,
    Ref: _ref,
    Symbol: lambda value: f"y:{value.name}",
    Uri: lambda value: f"u:{value.val}",
    dt.date: lambda value: f"d:{value.isoformat()}",
    dt.time: lambda value: f"h:{time_text(value)}",
    DateTime: lambda value: f"t:{value}",
    Coord: _coord,
    XStr: _xstr,
    list: _list,
    tuple: _list,
    dict: _dict,
    Grid: _grid,
}


def encode(value: Any) -> Any:
    """A form that ``orjson`` can dump.

    Raises EncodeError if ``value`` is not a Haystack value.
    """
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer(value)
    if isinstance(value, Mapping):
        return _dict(value)
    raise EncodeError(f"JSON 3 cannot represent a value of type {type(value).__name__}")


def dump(value: Any) -> str:
    """One value as JSON text."""
    return json_text(encode(value))


def grid_text(grid: Grid) -> str:
    return "".join(grid_chunks(grid))


def grid_chunks(grid: Grid) -> Iterator[str]:
    """The grid's text in pieces of 500 rows."""
    if isinstance(grid.rows, Series):
        rows = _series_chunks(grid.rows)
    else:
        rows = joined_rows(json_text(_tags(row)) for row in grid.rows)
    meta = f'"meta":{json_text(_meta(grid))}'
    return grid_pieces(meta, json_text([_column(col) for col in grid.cols]), rows)


def _series_chunks(series: Series) -> Iterator[str]:
    texts = TimeTexts(series.tz)
    zone = f" {series.tz}"
    # unit symbols have no characters that JSON escapes
    unit = f" {series.unit}" if series.unit else ""
    for chunk in series.read():
        vals = [f'"n:{val}{unit}"' for val in float_texts(chunk.vals)]
        for index, value in chunk.others.items():
            vals[index] = dump(value)
        times = texts.of(chunk.times)
        rows = [
            f'{{"ts":"t:{ts}{zone}","val":{val}}}'
            for ts, val in zip(times, vals, strict=True)
        ]
        if rows:
            yield ",\n".join(rows)
