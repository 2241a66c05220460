"""Writer for Hayson, the JSON of Haystack 4.

Stores keep the same form: plain numbers if there is no unit, preferred unit symbols,
no nulls, times without trailing zeros. Equal values therefore have equal JSON, and SQL
compares the JSON.
Source: docHaystack Json.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..kinds.datetimes import DateTime, time_text
from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, Coord, Number, Ref, Symbol, Uri, XStr
from ..kinds.series import Series
from .errors import EncodeError
from .json_text import grid_pieces, joined_rows, json_text
from .record import Record
from .samples import TimeTexts, float_texts

__all__ = ["dump", "encode", "grid_chunks", "grid_text"]

_WHOLE = 2**53


def _float(val: float) -> float | int:
    return int(val) if val.is_integer() and abs(val) <= _WHOLE else val


def _number(number: Number) -> Any:
    val = number.val
    if not math.isfinite(val):
        text = "NaN" if math.isnan(val) else ("INF" if val > 0 else "-INF")
        return {"_kind": "number", "val": text}
    if number.unit is None:
        return _float(val)
    return {"_kind": "number", "val": _float(val), "unit": number.unit}


def _ref(ref: Ref) -> dict[str, str]:
    found = {"_kind": "ref", "val": ref.id}
    if ref.dis:
        found["dis"] = ref.dis
    return found


def _date_time(value: DateTime) -> dict[str, str]:
    return {"_kind": "dateTime", "val": value.iso, "tz": value.tz}


def _coord(value: Coord) -> dict[str, Any]:
    return {"_kind": "coord", "lat": _float(value.lat), "lng": _float(value.lng)}


def _list(values: list[Any]) -> list[Any]:
    return [encode(value) for value in values]


def _dict(tags: Mapping[str, Any]) -> dict[str, Any]:
    if "_kind" in tags:
        raise EncodeError("Hayson cannot represent a dict with a tag named _kind")
    return {
        # most values are markers and texts
        name: {"_kind": "marker"}
        if value is MARKER
        else value
        if type(value) is str
        else encode(value)
        for name, value in tags.items()
        if value is not None
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "_kind": "grid",
        "meta": _meta(grid),
        "cols": [_column(col) for col in grid.cols],
        "rows": [_dict(row) for row in grid.rows],
    }


def _meta(grid: Grid) -> dict[str, Any]:
    return {"ver": "3.0", **_dict(grid.meta)}


def _column(col: Col) -> dict[str, Any]:
    return (
        {"name": col.name, "meta": _dict(col.meta)} if col.meta else {"name": col.name}
    )


def _kind(kind: str) -> Callable[[Any], dict[str, str]]:
    return lambda value: {"_kind": kind, "val": str(value)}


_WRITERS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda value: value,
    bool: lambda value: value,
    str: lambda value: value,
    int: lambda value: _number(Number(value)),
    float: lambda value: _number(Number(value)),
    type(MARKER): lambda value: {"_kind": value._value_},  # a property else
    Number: _number,
    Ref: _ref,
    Symbol: lambda value: {"_kind": "symbol", "val": value.name},
    Uri: lambda value: {"_kind": "uri", "val": value.val},
    dt.date: _kind("date"),
    dt.time: lambda value: {"_kind": "time", "val": time_text(value)},
    DateTime: _date_time,
    Coord: _coord,
    XStr: lambda value: {"_kind": "xstr", "type": value.type, "val": value.val},
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
    raise EncodeError(f"Hayson cannot represent a value of type {type(value).__name__}")


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
        rows = joined_rows(map(_row, grid.rows))
    meta = f'"_kind":"grid","meta":{json_text(_meta(grid))}'
    return grid_pieces(meta, json_text([_column(col) for col in grid.cols]), rows)


def _row(row: Mapping[str, Any]) -> str:
    return row.raw if isinstance(row, Record) else json_text(_dict(row))


def _series_chunks(series: Series) -> Iterator[str]:
    texts = TimeTexts(series.tz)
    before = '{"ts":{"_kind":"dateTime","val":"'
    between = f'","tz":"{series.tz}"}},"val":'
    after = "}"
    if series.unit:
        between += '{"_kind":"number","val":'
        after = f',"unit":{json_text(series.unit)}}}}}'
    for chunk in series.read():
        rows = [
            f"{before}{ts}{between}{val}{after}"
            for ts, val in zip(
                texts.of(chunk.times), float_texts(chunk.vals), strict=True
            )
        ]
        for index, value in chunk.others.items():
            ts = texts.of([chunk.times[index]])[0]
            rows[index] = (
                f'{before}{ts}","tz":"{series.tz}"}},"val":{json_text(encode(value))}}}'
            )
        if rows:
            yield ",\n".join(rows)
