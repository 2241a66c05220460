"""Kinds of values, against the kinds that defs require."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
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
from .namespace import Namespace

__all__ = ["KINDS", "is_of_kind", "kind_of", "kind_of_def"]

KINDS = {
    "Bool": "bool",
    "Coord": "coord",
    "Date": "date",
    "DateTime": "dateTime",
    "Dict": "dict",
    "Grid": "grid",
    "List": "list",
    "Marker": "marker",
    "NA": "na",
    "Number": "number",
    "Ref": "ref",
    "Remove": "remove",
    "Str": "str",
    "Symbol": "symbol",
    "Time": "time",
    "Uri": "uri",
    "XStr": "xstr",
}
"""The def of each kind, by its name in the tag ``kind``."""

_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (Number, "number"),
    (str, "str"),
    (Ref, "ref"),
    (DateTime, "dateTime"),
    (dt.date, "date"),
    (dt.time, "time"),
    (Coord, "coord"),
    (Symbol, "symbol"),
    (Uri, "uri"),
    (XStr, "xstr"),
    (Grid, "grid"),
    (list, "list"),
    (Mapping, "dict"),
)
_SINGLETONS: dict[Singleton, str] = {MARKER: "marker", NA: "na", REMOVE: "remove"}
_COLLECTIONS = {"list", "dict", "grid"}
_GENERAL: dict[str, Callable[[str], bool]] = {
    "val": lambda kind: kind != "marker",
    "scalar": lambda kind: kind != "marker" and kind not in _COLLECTIONS,
}
_NAMES = frozenset(KINDS.values()) | _GENERAL.keys()


def kind_of(value: Any) -> str:
    """The def of a value's kind."""
    if isinstance(value, Singleton):
        return _SINGLETONS[value]
    return next(name for type_, name in _TYPES if isinstance(value, type_))


def kind_of_def(symbol: str, namespace: Namespace) -> str | None:
    """The kind of a tag's values: the nearest supertype that is a kind, or None."""
    supertypes = namespace.supertypes(symbol)
    return next((name for name in (symbol, *supertypes) if name in _NAMES), None)


def is_of_kind(value: Any, kind: str) -> bool:
    """Whether a value has that kind.

    NA is accepted for every kind but Marker; refs and symbols may be in a list.
    """
    actual = kind_of(value)
    if kind in _GENERAL:
        return _GENERAL[kind](actual)
    if actual == "list" and kind in ("ref", "symbol"):
        return all(kind_of(item) == kind for item in value)
    return actual == kind or (actual == "na" and kind != "marker")
