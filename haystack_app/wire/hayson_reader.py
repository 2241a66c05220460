"""Reader for Hayson, the JSON of Haystack 4.

Source: docHaystack Json. An unknown unit is an error, as in Zinc: dropping it, as
some readers do, changes the value.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any

import orjson

from ..kinds.datetimes import DateTime, parse_date, parse_time
from ..kinds.display import quoted
from ..kinds.grid import Col, Grid
from ..kinds.scalars import (
    MARKER,
    NA,
    REMOVE,
    Coord,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
    is_tag_name,
)
from . import limits
from .errors import ParseError

__all__ = ["decode", "grid_head", "parse_json", "read_dict", "read_grid", "read_value"]

_SPECIAL = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}
_FULL_TIME = 8
_JSON_TYPES: dict[type, str] = {dict: "object", list: "array"}


def parse_json(text: str | bytes) -> Any:
    """Parse JSON of any shape, without its byte order mark.

    Raises ParseError with line and column.
    """
    mark = "\ufeff" if isinstance(text, str) else BOM_UTF8
    try:
        return orjson.loads(text.removeprefix(mark))  # type: ignore[arg-type]
    except orjson.JSONDecodeError as err:
        position = f"line {err.lineno}, column {err.colno}"
        raise ParseError(f"invalid JSON: {err.msg}", position) from None
    except UnicodeEncodeError:
        raise ParseError("invalid JSON: lone surrogate") from None


def read_value(text: str | bytes) -> Any:
    try:
        return decode(parse_json(text))
    except ParseError as err:
        raise err if err.position else ParseError(err.message, "the root") from None


def read_dict(text: str | bytes) -> dict[str, Any]:
    value = read_value(text)
    if not isinstance(value, dict):
        raise ParseError("expected a dict of tags", "the root")
    return value


def read_grid(text: str | bytes) -> Grid:
    value = read_value(text)
    if not isinstance(value, Grid):
        raise ParseError('expected a grid: an object with "_kind":"grid"', "the root")
    return value


def decode(value: Any, depth: int = 0) -> Any:
    """The Haystack value of parsed JSON. Raises ParseError with its path."""
    kind = type(value)
    if kind is dict:
        return _object(value, depth)
    if kind is list:
        return _list(value, depth)
    if kind is float or kind is int:
        return Number(value)
    return value


def _list(values: list[Any], depth: int) -> list[Any]:
    _check_depth(depth)
    found = []
    for index, value in enumerate(values):
        try:
            found.append(decode(value, depth + 1))
        except ParseError as err:
            raise err.inside(f"[{index}]") from None
    return found


def _object(value: dict[str, Any], depth: int) -> Any:
    kind = value.get("_kind")
    if kind == "marker":  # most tags are
        return MARKER
    if isinstance(kind, str):  # other software writes "Ref" and "DateTime"
        kind = kind[:1].lower() + kind[1:]
    if kind is None or kind == "dict":
        return _dict(value, depth)
    if kind == "grid":
        return _grid(value, depth)
    reader = _SCALARS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise ParseError(f"unknown _kind {_json(kind)}")
    try:
        return reader(value)
    except KeyError as err:
        raise ParseError(f"{kind} must have {err.args[0]}") from None
    except ParseError:
        raise
    except (ValueError, TypeError, OverflowError) as err:
        raise ParseError(str(err)) from None


def _check_depth(depth: int) -> None:
    if depth >= limits.MAX_DEPTH:
        raise ParseError(f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)")


def _dict(value: dict[str, Any], depth: int) -> dict[str, Any]:
    _check_depth(depth)
    found = {}
    for name, item in value.items():
        if item is None or name == "_kind":
            continue
        if not is_tag_name(name):
            raise ParseError(f"invalid tag name {quoted(name)}")
        try:
            found[name] = decode(item, depth + 1)
        except ParseError as err:
            raise err.inside(name) from None
    return found


def grid_head(
    value: dict[str, Any], depth: int = 0
) -> tuple[list[Col], dict[str, Any]]:
    """Columns and meta of a grid's parsed JSON. Raises ParseError with its path."""
    _check_depth(depth)
    meta = _member(value, "meta", dict, depth)
    meta.pop("ver", None)
    cols = {}
    for index, item in enumerate(_typed(value, "cols", list)):
        col = _column(item, f"cols[{index}]", depth)
        if col.name in cols:
            raise ParseError(f"duplicate column {col.name!r}", f"cols[{index}]")
        cols[col.name] = col
    return list(cols.values()), meta


def _grid(value: dict[str, Any], depth: int) -> Grid:
    cols, meta = grid_head(value, depth)
    names = {col.name for col in cols}
    rows = []
    items = _typed(value, "rows", list)
    values = 0
    for index, item in enumerate(items):
        try:
            if type(item) is not dict:
                raise ParseError("a row must be an object")
            row = _dict(item, depth)
            values += len(row) + 1
            if values > limits.MAX_CELLS:
                raise ParseError(f"more than {limits.MAX_CELLS} values (cap CELLS)")
            unknown = next((name for name in row if name not in names), None)
            if unknown is not None:
                raise ParseError(f"unknown column {unknown!r}")
        except ParseError as err:
            raise err.inside(f"rows[{index}]") from None
        rows.append(row)
    return Grid(cols, rows, meta)


def _typed(value: dict[str, Any], name: str, kind: type) -> Any:
    member = value.get(name)
    if member is None:
        return kind()
    if type(member) is not kind:
        raise ParseError(f"must be a JSON {_JSON_TYPES[kind]}", name)
    return member


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _member(value: dict[str, Any], name: str, kind: type, depth: int) -> dict[str, Any]:
    try:
        return _dict(_typed(value, name, kind), depth)
    except ParseError as err:
        raise err if err.position == name else err.inside(name) from None


def _column(item: Any, where: str, depth: int) -> Col:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not is_tag_name(name):
        raise ParseError(f"invalid column name {_json(name)}", where)
    try:
        return Col(name, _member(item, "meta", dict, depth))
    except ParseError as err:
        raise err.inside(where) from None


def _bool(value: dict[str, Any]) -> bool:
    if not isinstance(value["val"], bool):
        raise ParseError(f"invalid bool {_json(value['val'])}")
    return bool(value["val"])


def _text(value: dict[str, Any], name: str = "val") -> str:
    text = value[name]
    if not isinstance(text, str):
        raise ParseError(f"{name} of {value['_kind']} must be a string")
    return text


def _optional(value: dict[str, Any], name: str) -> str | None:
    return None if value.get(name) is None else _text(value, name)


def _number(value: dict[str, Any]) -> Number:
    val = value["val"]
    if isinstance(val, str) and val in _SPECIAL:
        val = _SPECIAL[val]
    elif isinstance(val, bool) or not isinstance(val, int | float):
        raise ParseError(f"invalid number {_json(val)}")
    return Number(val, _optional(value, "unit"))


def _float(value: dict[str, Any], name: str) -> float:
    val = value[name]
    if isinstance(val, bool) or not isinstance(val, int | float):
        raise ParseError(f"invalid coord {name} {_json(val)}")
    return float(val)


def _time(value: dict[str, Any]) -> Any:
    if len(_text(value)) < _FULL_TIME:
        raise ParseError(f"invalid time {value['val']!r}")
    return parse_time(_text(value))


_SCALARS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "marker": lambda _: MARKER,
    "na": lambda _: NA,
    "remove": lambda _: REMOVE,
    "bool": _bool,
    "str": _text,
    "number": _number,
    "ref": lambda value: Ref(_text(value), _optional(value, "dis")),
    "symbol": lambda value: Symbol(_text(value)),
    "uri": lambda value: Uri(_text(value)),
    "date": lambda value: parse_date(_text(value)),
    "time": _time,
    "dateTime": lambda value: DateTime.parse(
        _text(value), _optional(value, "tz") or "GMT"
    ),
    "coord": lambda value: Coord(_float(value, "lat"), _float(value, "lng")),
    "xstr": lambda value: XStr(_text(value, "type"), _text(value)),
    "xStr": lambda value: XStr(_text(value, "type"), _text(value)),
}
