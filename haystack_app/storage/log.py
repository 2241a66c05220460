"""What a change of an entity looks like in the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson

from ..wire.record import Record
from .errors import LostPlace
from .records import ADD, REMOVE, UPDATE, Change

__all__ = ["check_place", "logged"]

_OPTION = orjson.OPT_SORT_KEYS


def logged(
    at: dt.datetime,
    who: str,
    id: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> Change:
    """The entry for persistent tags, as JSON, before and after; None: not there."""
    if before is None:
        return Change(at, who, id, ADD, Record("{}"), Record("{}"))
    if after is None:
        return Change(at, who, id, REMOVE, _record(before), Record("{}"))
    moved = {
        name
        for name in {*before, *after} - {"mod"}
        if _text(before.get(name)) != _text(after.get(name))
    }
    was, became = (
        {name: tags[name] for name in sorted(moved & tags.keys())}
        for tags in (before, after)
    )
    return Change(at, who, id, UPDATE, _record(was), _record(became))


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=_OPTION)


def _record(tags: Mapping[str, Any]) -> Record:
    return Record(orjson.dumps(tags).decode())


def check_place(place: int, oldest: int, end: int) -> None:
    """Whether all that is behind a place is still there. Raises LostPlace."""
    if place < oldest:
        raise LostPlace(place, oldest, "is too old, what follows it was pruned")
    if place > end:
        raise LostPlace(place, oldest, "is of another log, for this one ends before it")
