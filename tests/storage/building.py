"""Small records and samples, for tests of every store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.kinds.transient import HIS_FACTS
from haystack_app.storage.base import StorageAdapter

HOUR = dt.timedelta(hours=1)

__all__ = [
    "HOUR",
    "at",
    "entity",
    "given",
    "history",
    "ids",
    "numbers",
    "point",
    "tags_of",
]


def entity(id: str, **tags: Any) -> dict[str, Any]:
    return {"id": Ref(id), **tags}


def point(id: str = "p", **tags: Any) -> dict[str, Any]:
    """A Number point in New_York without a unit, unless the tags say otherwise."""
    base = {"point": MARKER, "his": MARKER, "tz": "New_York", "kind": "Number"}
    return entity(id, **(base | tags))


def at(text: str, tz: str = "New_York") -> DateTime:
    """A local time such as ``2024-03-01 12:00``; its first if it is there twice."""
    from haystack_app.kinds.timezones import zone_of

    local = dt.datetime.fromisoformat(text).replace(tzinfo=zone_of(tz))
    return DateTime(local.astimezone(dt.UTC), tz)


def numbers(
    count: int, start: DateTime, step: dt.timedelta = HOUR
) -> list[tuple[DateTime, Number]]:
    """Samples 0, 1, 2 .. at equal distances."""
    return [
        (DateTime(start.utc + index * step, start.tz), Number(index))
        for index in range(count)
    ]


def history(
    store: StorageAdapter,
    id: str = "p",
    start: DateTime | None = None,
    end: DateTime | None = None,
) -> list[tuple[str, Any]]:
    """(local time, value) of what ``his_read`` gives."""
    bounds = (None if bound is None else bound.utc for bound in (start, end))
    rows = store.his_read(id, *bounds)
    return [(row["ts"].iso, row["val"]) for row in rows]


def ids(records: Iterable[Any]) -> list[str]:
    """Ids in order, None for a null row."""
    return [record["id"].id if record else None for record in records]


def tags_of(store: StorageAdapter, id: str) -> dict[str, Any]:
    return given(store.existing(id))


def given(record: Any) -> dict[str, Any]:
    """The tags without those that the server adds: ``mod``, facts about history."""
    return {
        name: value for name, value in record.items() if name not in {"mod", *HIS_FACTS}
    }
