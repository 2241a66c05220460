"""Entries of the change log: a stream of all, and their places by entity."""

from __future__ import annotations

from typing import Any, cast

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire.record import Record
from ..records import Change
from .keys import Keys
from .server import Server

__all__ = ["KEPT", "changes_of", "entry_of"]

KEPT = 100_000
"""Changes that are remembered; older ones go."""


def entry_of(change: Change) -> bytes:
    at = microseconds_of(change.at)
    fields = (at, change.who, change.kind, change.before.raw, change.after.raw)
    return orjson.dumps(fields)


def changes_of(server: Server, keys: Keys, id: str, limit: int | None) -> list[Change]:
    """The newest changes of an entity, these first; None for all."""
    first = 0 if limit is None else -limit
    if limit == 0:
        return []
    places = cast("list[bytes]", server.redis.lrange(keys.log_of(id), first, -1))
    pipeline = server.redis.pipeline(transaction=False)
    for place in reversed(places):
        pipeline.xrange(keys.log, place, place)
    found = [rows[0][1] for rows in pipeline.execute() if rows] if places else []
    return [_change(id, fields[b"entry"]) for fields in found]


def _change(id: str, entry: bytes) -> Change:
    at, who, kind, before, after = cast("list[Any]", orjson.loads(entry))
    return Change(instant_of(at), who, id, kind, Record(before), Record(after))
