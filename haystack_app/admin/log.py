"""What was written to an entity and what was changed of it, for its page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..models import PriorityLevel
from ..storage.base import StorageAdapter
from ..storage.records import UPDATE, Change
from ..wire import hayson_reader, zinc_writer

__all__ = ["changes_of", "levels_of"]

_CHANGES = 20


@dataclass(frozen=True, slots=True)
class ShownLevel:
    number: int
    val: str
    who: str
    expires: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ShownChange:
    """``tags`` are (name, before, after) of an update, as Zinc."""

    at: dt.datetime
    who: str
    kind: str
    tags: list[tuple[str, str, str]]


def levels_of(id: str) -> list[ShownLevel]:
    """The levels of a point that are set, the first that counts first."""
    rows = PriorityLevel.objects.filter(point_id=id).order_by("number")
    return [
        ShownLevel(
            row.number,
            zinc_writer.value_text(hayson_reader.read_value(row.val)),
            row.who,
            row.expires,
        )
        for row in rows
    ]


def changes_of(store: StorageAdapter, id: str) -> list[ShownChange]:
    """The last changes of an entity, the newest first."""
    rows = store.changes_of(id, _CHANGES)
    return [ShownChange(row.at, row.who, row.kind, _tags(row)) for row in rows]


def _tags(row: Change) -> list[tuple[str, str, str]]:
    if row.kind != UPDATE:
        return []
    names = sorted(row.before.keys() | row.after.keys())
    return [(name, _text(row.before, name), _text(row.after, name)) for name in names]


def _text(tags: Mapping[str, Any], name: str) -> str:
    return zinc_writer.value_text(tags[name]) if name in tags else ""
