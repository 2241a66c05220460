"""What a change of an entity looks like in the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import orjson

from ..wire.record import Record
from .records import ADD, REMOVE, UPDATE, Change

__all__ = ["logged"]

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
