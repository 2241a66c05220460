"""The order of entities by the values of tags, as all stores have it.

Entities without the tag are the last ones, in descending order too. Values of one kind
compare as in filters, except that Numbers of different units are in the order of
their units; kinds follow each other as in ``_KINDS``. Lists, Dicts, Coords, markers and
others have no order among themselves. Entities that are equal are in order of ids.

Values are JSON of the stored form, so that no record is decoded for its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import total_ordering
from heapq import nsmallest
from typing import Any, NamedTuple, TypeVar

from ..kinds.datetimes import parse_instant

__all__ = ["KIND_PLACES", "OTHERS", "TEXT_KINDS", "By", "first_in_order"]

_KINDS = (
    *("bool", "number", "str", "uri", "ref", "symbol"),
    *("date", "time", "dateTime"),
)
KIND_PLACES = {kind: place for place, kind in enumerate(_KINDS, 1)}
OTHERS = len(_KINDS) + 1
"""The place of all other kinds."""
TEXT_KINDS = ("uri", "ref", "symbol", "date", "time")
"""Kinds whose ``val`` compares as text, besides Str."""
_INFINITE = {"INF": float("inf"), "-INF": float("-inf"), "NaN": float("inf")}
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_T = TypeVar("_T")


class By(NamedTuple):
    """A tag whose values decide the order."""

    name: str
    descending: bool = False


class _Place(NamedTuple):
    """What compares of a value; fields that its kind does not use are equal."""

    kind: int
    unit: str = ""
    number: float = 0
    text: str = ""
    time: datetime = _NO_TIME


@total_ordering
class _Descending:
    __slots__ = ("place",)

    def __init__(self, place: _Place) -> None:
        self.place = place

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.place == other.place

    def __lt__(self, other: _Descending) -> bool:
        return other.place < self.place

    __hash__ = None  # type: ignore[assignment]


def _place(value: Any) -> _Place:
    if isinstance(value, bool):
        return _Place(KIND_PLACES["bool"], number=value)
    if isinstance(value, int | float):
        return _Place(KIND_PLACES["number"], number=value)
    if isinstance(value, str):
        return _Place(KIND_PLACES["str"], text=value)
    kind = value.get("_kind") if isinstance(value, dict) else None
    if kind == "number":
        val = value["val"]
        number = _INFINITE[val] if isinstance(val, str) else val
        return _Place(KIND_PLACES[kind], value.get("unit", ""), number)
    if kind in TEXT_KINDS:
        return _Place(KIND_PLACES[kind], text=value["val"])
    if kind == "dateTime":
        return _Place(KIND_PLACES[kind], time=parse_instant(value["val"]))
    return _Place(OTHERS)


def first_in_order(
    rows: Iterable[_T],
    order: Sequence[By],
    limit: int | None,
    tags: Callable[[_T], dict[str, Any]],
) -> list[_T]:
    """The first rows, of which ``tags`` gives the JSON with an ``id``.

    With a limit no more than these are in memory.
    """

    def key(row: _T) -> tuple[Any, ...]:
        held = tags(row)
        found: list[Any] = []
        for name, descending in order:
            value = held.get(name)
            found.append(value is None)
            if value is not None:
                place = _place(value)
                found.append(_Descending(place) if descending else place)
        return (*found, held["id"]["val"])

    return sorted(rows, key=key) if limit is None else nsmallest(limit, rows, key)
