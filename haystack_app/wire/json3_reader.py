"""Reader for the JSON of Haystack 3, in which a string begins with a code of its kind.

Source: docHaystack Json, and Haxall's reader where the chapter is silent. An unknown
unit or code is an error: dropping either would change the value.
"""

from __future__ import annotations

import re
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
from . import lexer, limits
from .errors import ParseError
from .hayson_reader import parse_json

__all__ = ["decode", "decoder", "read_dict", "read_grid", "read_value"]

_PARTS = ("meta", "cols", "rows")
_VERSIONS = ("2.0", "3.0")
_DECIMAL = r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
_COORD = re.compile(rf"{_DECIMAL},{_DECIMAL}", re.ASCII)
_SPECIAL = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("nan")}
_CACHE_SIZE = 20_000
_JSON_TYPES: dict[type, str] = {dict: "object", list: "array"}


def read_value(text: str) -> Any:
    """The value of a whole document. Raises ParseError."""
    try:
        return _Reader().value(parse_json(text), 0)
    except ParseError as err:
        raise err if err.position else ParseError(err.message, "the root") from None


def read_dict(text: str) -> dict[str, Any]:
    value = read_value(text)
    if not isinstance(value, dict):
        raise ParseError("expected a dict of tags", "the root")
    return value


def read_grid(text: str) -> Grid:
    value = read_value(text)
    if not isinstance(value, Grid):
        raise ParseError("expected a grid: meta, cols and rows", "the root")
    return value


def decode(value: Any) -> Any:
    """The Haystack value of parsed JSON. Raises ParseError with its path."""
    return _Reader().value(value, 0)


def decoder() -> Callable[[Any], Any]:
    """``decode`` for the rows of a file: texts are remembered, limits are of a row."""
    reader = _Reader()

    def decoded(value: Any) -> Any:
        reader.cells = 0
        return reader.value(value, 0)

    return decoded


class _Reader:
    """Reads one document: counts its values and caches decoded strings."""

    def __init__(self) -> None:
        self.cells = 0
        self.cache: dict[str, Any] = {}

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return self.string(value) if value[1:2] == ":" else value
        if kind is dict:
            return self.object(value, depth)
        if kind is list:
            return self.list_of(value, depth)
        if kind is float or kind is int:
            return Number(value)
        return value

    def string(self, text: str) -> Any:
        """Decode a string with a code; entities of a building repeat many of them."""
        value = self.cache.get(text)
        if value is None:
            value = _coded(text)
            if len(self.cache) < _CACHE_SIZE:
                self.cache[text] = value
        return value

    def enter(self, depth: int, values: int) -> None:
        """Check the limits for a list, dict or row with that many values."""
        if depth >= limits.MAX_DEPTH:
            raise ParseError(f"nested deeper than {limits.MAX_DEPTH} (cap DEPTH)")
        self.cells += values + 1
        if self.cells > limits.MAX_CELLS:
            raise ParseError(f"more than {limits.MAX_CELLS} values (cap CELLS)")

    def list_of(self, values: list[Any], depth: int) -> list[Any]:
        self.enter(depth, len(values))
        found = []
        for index, value in enumerate(values):
            try:
                found.append(self.value(value, depth + 1))
            except ParseError as err:
                raise err.inside(f"[{index}]") from None
        return found

    def object(self, value: dict[str, Any], depth: int) -> Any:
        """A grid if the object has all three parts of one, else a dict."""
        if all(value.get(part) is not None for part in _PARTS):
            return self.grid(value, depth)
        return self.tags(value, depth)

    def tags(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        self.enter(depth, len(value))
        found = {}
        for name, item in value.items():
            if item is None:
                continue
            if not is_tag_name(name):
                raise ParseError(f"invalid tag name {quoted(name)}")
            try:
                found[name] = self.value(item, depth + 1)
            except ParseError as err:
                raise err.inside(name) from None
        return found

    # -- grids ----------------------------------------------------------------

    def grid(self, value: dict[str, Any], depth: int) -> Grid:
        if len(value) > len(_PARTS):
            unknown = next(name for name in value if name not in _PARTS)
            raise ParseError(f"unknown member {unknown!r} of a grid")
        meta = self.meta(_typed(value, "meta", dict), depth)
        cols: dict[str, Col] = {}
        for index, item in enumerate(_typed(value, "cols", list)):
            try:
                col = self.column(item, depth)
                if col.name in cols:
                    raise ParseError(f"duplicate column {col.name!r}")
            except ParseError as err:
                raise err.inside(f"cols[{index}]") from None
            cols[col.name] = col
        if not cols:
            raise ParseError("a grid must have at least one column", "cols")
        rows = []
        for index, item in enumerate(_typed(value, "rows", list)):
            try:
                rows.append(self.row(item, cols, depth))
            except ParseError as err:
                raise err.inside(f"rows[{index}]") from None
        return Grid(list(cols.values()), rows, meta)

    def meta(self, item: dict[str, Any], depth: int) -> dict[str, Any]:
        try:
            tags = self.tags(item, depth)
        except ParseError as err:
            raise err.inside("meta") from None
        if tags.pop("ver", None) not in _VERSIONS:
            raise ParseError('must be "2.0" or "3.0"', "meta.ver")
        return tags

    def column(self, item: Any, depth: int) -> Col:
        """A column from an object with its name and meta tags."""
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not is_tag_name(name):
            raise ParseError(f"invalid column name {orjson.dumps(name).decode()}")
        tags = self.tags(item, depth)
        del tags["name"]
        return Col(name, tags)

    def row(self, item: Any, cols: dict[str, Col], depth: int) -> dict[str, Any]:
        if type(item) is not dict:
            raise ParseError("a row must be an object")
        row = self.tags(item, depth)
        unknown = next((name for name in row if name not in cols), None)
        if unknown is not None:
            raise ParseError(f"unknown column {unknown!r}")
        return row


def _typed(value: dict[str, Any], name: str, kind: type) -> Any:
    if type(value[name]) is not kind:
        raise ParseError(f"must be a JSON {_JSON_TYPES[kind]}", name)
    return value[name]


def _coded(text: str) -> Any:
    reader = _CODES.get(text[0])
    if reader is None:
        raise ParseError(f"unknown code in {text[:40]!r}")
    try:
        return reader(text[2:])
    except ParseError as err:  # its column counts inside the string
        raise ParseError(err.message) from None
    except (ValueError, OverflowError) as err:
        raise ParseError(str(err)) from None


def _singleton(value: Any) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text:
            raise ParseError(f"unexpected {text[:40]!r} after the code")
        return value

    return read


def _literal(text: str, kind: type) -> Any:
    """Parse the whole text as a Zinc literal of one kind. Raises ParseError."""
    try:
        value, end = lexer.number_or_time(text, 0)
    except ParseError as err:
        why = "" if err.message == "invalid number" else f": {err.message}"
        raise ParseError(f"invalid {kind.__name__} {text[:60]!r}{why}") from None
    if type(value) is not kind or end < len(text):
        raise ParseError(f"invalid {kind.__name__} {text[:60]!r}")
    return value


def _number(text: str) -> Number:
    """Digits, or INF, -INF or NaN; then, after a space, the unit."""
    digits, space, unit = text.partition(" ")
    number = _SPECIAL.get(digits)
    if number is None:
        found = _literal(digits, Number)
        if found.unit is not None:
            raise ParseError(f"missing space before the unit in {text[:60]!r}")
        if not found.is_finite:
            raise ParseError(f"number out of range {text[:60]!r}")
        number = found.val
    return Number(number, unit if space else None)


def _ref(text: str) -> Ref:
    id, _, dis = text.partition(" ")
    return Ref(id, dis or None)


def _coord(text: str) -> Coord:
    match = _COORD.fullmatch(text)
    if match is None:
        raise ParseError(f"invalid coord {text[:60]!r}")
    return Coord(float(match[1]), float(match[2]))


def _xstr(text: str) -> XStr:
    type, colon, val = text.partition(":")
    if not colon:
        raise ParseError(f"invalid XStr {text[:60]!r}: expected type:value")
    return XStr(type, val)


_CODES: dict[str, Callable[[str], Any]] = {
    "m": _singleton(MARKER),
    "z": _singleton(NA),
    "-": _singleton(REMOVE),
    "n": _number,
    "s": str,
    "u": Uri,
    "r": _ref,
    "y": Symbol,
    "d": parse_date,
    "h": parse_time,
    "t": lambda text: _literal(text, DateTime),
    "c": _coord,
    "x": _xstr,
    "b": lambda text: XStr("Bin", text),
}
