"""The change log: a stream of all entries, and lists of their cursors by entity."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator
from itertools import islice

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire.record import Record
from ..changes import Change, ChangePage, check_cursor
from ..errors import CursorExpired
from .client import StreamEntry
from .keys import Keys
from .scripts import PRUNE, SINCE
from .server import Server

__all__ = ["KEPT", "changes_of", "commit_at", "entry_of", "prune", "since"]

KEPT = 100_000
"""Entries that the log keeps."""


def entry_of(change: Change) -> bytes:
    at = microseconds_of(change.at)
    fields = (at, change.who, change.kind, change.before.raw, change.after.raw)
    return orjson.dumps(fields)


def changes_of(server: Server, keys: Keys, id: str, limit: int | None) -> list[Change]:
    """Changes of an entity, the newest first; ``limit`` None for all."""
    first = 0 if limit is None else -limit
    if limit == 0:
        return []
    places = server.lrange(keys.log_of(id), first)
    found = server.xrange_each(keys.log, places[::-1])
    return [_change(id, fields["entry"], at) for at, fields in found]


def commit_at(
    server: Server, keys: Keys, cursor: int, limit: int | None
) -> list[Change]:
    """The first entries of a commit: those of its time and author."""
    if not 0 < cursor < 1 << 63:
        return []
    place = f"{cursor}-0"
    following = _commit_from(server.xrange_from(keys.log, place))
    after = list(islice(following, limit))
    if not after or after[0].cursor != cursor:
        return []
    earlier = _commit_from(server.xrange_from(keys.log, place, backwards=True))
    before = deque(islice(earlier, 1, None), maxlen=limit)  # the oldest of them
    return [*reversed(before), *after][:limit]


def _commit_from(entries: Iterator[StreamEntry]) -> Iterator[Change]:
    """The first entry, and those after it that belong to the same commit."""
    first = None
    for cursor, fields in entries:
        change = _change(fields["id"].decode(), fields["entry"], cursor)
        first = first or change
        if (change.at, change.who) != (first.at, first.who):
            return
        yield change


def since(server: Server, keys: Keys, cursor: int | None, limit: int) -> ChangePage:
    """Entries after a cursor; None is the end. Raises CursorExpired."""
    # other numbers are invalid in a stream and are not cursors of the log
    place = cursor if cursor is not None and 0 <= cursor < 1 << 63 else ""
    names = [keys.log, keys.log_end, keys.log_oldest]
    oldest, end, known, entries = server.run(SINCE, names, place, limit)
    if cursor is None:
        return ChangePage([], end, more=False)
    check_cursor(cursor, oldest, end)
    if not known:  # lost with the server, which has written other entries since
        raise CursorExpired(cursor, oldest, "it is from another log")
    found = [(at, _change(id, entry, at)) for at, id, entry in entries]
    reached = found[-1][0] if found else cursor
    return ChangePage(found, reached, reached < end)


def prune(server: Server, keys: Keys, before: dt.datetime, limit: int) -> int:
    """Delete old entries from the beginning of the log; returns how many."""
    names = [keys.log, keys.log_oldest]
    return server.run(PRUNE, names, keys.logs, microseconds_of(before), limit)


def _change(id: str, entry: bytes, cursor: int) -> Change:
    at, who, kind, before, after = orjson.loads(entry)
    return Change(instant_of(at), who, id, kind, Record(before), Record(after), cursor)
