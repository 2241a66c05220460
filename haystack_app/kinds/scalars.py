"""The scalar kinds of Haystack 4 that Python has no type for.

Bool, Str, List, Dict, Date and Time are Python's own ``bool``, ``str``,
``list``, ``dict``, ``datetime.date`` and ``datetime.time``. The classes here are
immutable and raise ValueError for values that Haystack documents cannot contain.
Source: docHaystack Kinds.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from enum import Enum

from .display import quoted
from .units import preferred_symbol

__all__ = [
    "MARKER",
    "NA",
    "REMOVE",
    "Coord",
    "Number",
    "Ref",
    "Singleton",
    "Symbol",
    "Uri",
    "XStr",
    "is_ref_id",
    "is_tag_name",
]

_TAG_NAME = re.compile(r"_*[a-z][A-Za-z0-9_]*|_+[A-Za-z0-9][A-Za-z0-9_]*", re.ASCII)
_REF_ID = re.compile(r"[A-Za-z0-9_:\-.~]+", re.ASCII)
_SYMBOL = re.compile(r"[a-z][A-Za-z0-9_:\-.~]*", re.ASCII)
_XSTR_TYPE = re.compile(r"[A-Z][A-Za-z0-9_]*", re.ASCII)


_MANY = 4_096
_LONG = 64
_known_names: set[str] = set()
"""Valid names, for the same few occur in every row; bounded in number and length."""


def is_tag_name(name: str) -> bool:
    """Whether ``name`` is valid as the name of a tag or a column."""
    if name in _known_names:
        return True
    if _TAG_NAME.fullmatch(name) is None:
        return False
    if len(_known_names) < _MANY and len(name) <= _LONG:
        _known_names.add(name)
    return True


def is_ref_id(id: str) -> bool:
    """Whether ``id`` is valid as the id of a Ref."""
    return _REF_ID.fullmatch(id) is not None


class Singleton(Enum):
    """The kinds with a single value: Marker, NA and Remove."""

    MARKER = "marker"
    NA = "na"
    REMOVE = "remove"

    def __repr__(self) -> str:
        return self.name


MARKER = Singleton.MARKER
NA = Singleton.NA
REMOVE = Singleton.REMOVE


@dataclass(frozen=True, slots=True)
class Number:
    """A float64 with an optional unit.

    ``unit`` accepts any alias and is stored as the preferred symbol; an unknown
    unit raises ``UnknownUnit``. Names that begin with ``_`` are custom units.
    """

    val: float
    unit: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "val", float(self.val))
        if self.unit is not None:
            object.__setattr__(self, "unit", preferred_symbol(self.unit))

    @property
    def is_finite(self) -> bool:
        return math.isfinite(self.val)

    def __str__(self) -> str:
        return f"{self.val:.15g}{self.unit or ''}"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to an entity. Two Refs are equal if their ids are equal."""

    id: str
    dis: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not is_ref_id(self.id):
            raise ValueError(f"invalid ref id {quoted(self.id)}")

    def __str__(self) -> str:
        return f"@{self.id}"


@dataclass(frozen=True, slots=True)
class Symbol:
    """The name of a def, such as ``^hot-water``."""

    name: str

    def __post_init__(self) -> None:
        if _SYMBOL.fullmatch(self.name) is None:
            raise ValueError(f"invalid symbol {quoted(self.name)}")

    def __str__(self) -> str:
        return f"^{self.name}"


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, stored verbatim."""

    val: str

    def __str__(self) -> str:
        return self.val


@dataclass(frozen=True, slots=True)
class Coord:
    """Coordinates in decimal degrees: latitude -90..90, longitude -180..180."""

    lat: float
    lng: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lng <= 180):
            raise ValueError(f"coordinate out of range: C({self.lat},{self.lng})")
        object.__setattr__(self, "lat", float(self.lat))
        object.__setattr__(self, "lng", float(self.lng))

    def __str__(self) -> str:
        return f"C({self.lat},{self.lng})"


@dataclass(frozen=True, slots=True)
class XStr:
    """A typed string such as ``Color("red")``; the type starts with a capital."""

    type: str
    val: str

    def __post_init__(self) -> None:
        if _XSTR_TYPE.fullmatch(self.type) is None:
            raise ValueError(f"invalid XStr type {quoted(self.type)}")

    def __str__(self) -> str:
        return f"{self.type}({json.dumps(self.val, ensure_ascii=False)})"
