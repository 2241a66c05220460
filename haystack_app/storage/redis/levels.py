"""Priority arrays: a hash per point, one sorted set of expiries, a stream of writes."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire import hayson_reader, hayson_writer
from ..errors import InvalidWrite
from ..priority_array import Level
from ..write_log import LevelWrite, WritePage
from .keys import Keys
from .server import Command, Server

__all__ = [
    "commands",
    "due",
    "logged",
    "older",
    "prune",
    "read",
    "since",
    "with_levels",
    "writes",
]

_KEPT = 1_000_000
"""Entries that the log of writes keeps."""
_PAGE = 1_000
_CURSOR = re.compile(r"\d{1,19}-\d{1,19}", re.ASCII)

Array = Mapping[int, Level]


def read(server: Server, keys: Keys, id: str) -> dict[int, Level]:
    """The levels of a point that are set."""
    found = server.hgetall(keys.levels(id))
    return {int(number): _level(text) for number, text in found.items()}


def with_levels(server: Server, keys: Keys, ids: Sequence[str]) -> set[str]:
    """Those of the points that have a level."""
    found = server.together(*(("EXISTS", keys.levels(id)) for id in ids))
    return {id for id, count in zip(ids, found, strict=True) if count}


def due(server: Server, keys: Keys, now: dt.datetime) -> set[str]:
    """Ids of points with a level that expires at ``now`` or before."""
    found = server.zrange_upto(keys.due, microseconds_of(now))
    return {member.partition(":")[2] for member in found}


def commands(keys: Keys, id: str, before: Array, after: Array) -> Iterator[Command]:
    """The commands that change one array into another."""
    key = keys.levels(id)
    for number in before.keys() - after.keys():
        yield "HDEL", key, str(number)
    for number, level in after.items():
        if before.get(number) != level:
            yield "HSET", key, str(number), _text(level)
    for number in before.keys() | after.keys():
        member = f"{number}:{id}"
        was, becomes = _expiry(before.get(number)), _expiry(after.get(number))
        if becomes is not None:
            yield "ZADD", keys.due, str(becomes), member
        elif was is not None:
            yield "ZREM", keys.due, member


def _expiry(level: Level | None) -> int | None:
    if level is None or level.expires is None:
        return None
    return microseconds_of(level.expires)


def _text(level: Level) -> bytes:
    val = hayson_writer.encode(level.val)
    return orjson.dumps([val, level.who, _expiry(level), level.user])


def _level(text: bytes) -> Level:
    val, who, expiry, *user = orjson.loads(text)  # without user: of a release before
    return Level(hayson_reader.decode(val), who, _instant(expiry), *user)


def _instant(microseconds: int | None) -> dt.datetime | None:
    return None if microseconds is None else instant_of(microseconds)


# -- the log of writes ---------------------------------------------------------


def logged(keys: Keys, write: LevelWrite) -> Command:
    """The command that adds an entry."""
    expires = None if write.expires is None else microseconds_of(write.expires)
    fields = [
        microseconds_of(write.at),
        *(write.id, write.number, write.kind, hayson_writer.encode(write.val)),
        *(write.who, write.user, expires),
    ]
    entry = orjson.dumps(fields)
    return "XADD", keys.writes, "MAXLEN", "~", str(_KEPT), "*", "entry", entry


def writes(server: Server, keys: Keys, id: str, limit: int) -> list[LevelWrite]:
    """The newest entries of a point, the newest first."""
    every = (_write(entry) for entry in server.xrevrange(keys.writes, "entry", _PAGE))
    return list(islice((write for write in every if write.id == id), limit))


def since(server: Server, keys: Keys, cursor: str | None, limit: int) -> WritePage:
    """Entries after a cursor, the id of an entry; None is the end."""
    if cursor is None or not _CURSOR.fullmatch(cursor):
        return WritePage([], server.last_of(keys.writes) or "0-0")
    page = server.xrange_after(keys.writes, cursor, limit)
    entries = [(id, _write(fields["entry"])) for id, fields in page]
    return WritePage(entries, entries[-1][0] if entries else cursor)


def older(server: Server, keys: Keys, cursor: str | None, limit: int) -> WritePage:
    """Entries before a cursor, the id of an entry, the newest first."""
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidWrite(f"invalid cursor {cursor[:40]!r}")
    page = server.xrevrange_before(keys.writes, cursor, limit + 1)
    entries = [(id, _write(fields["entry"])) for id, fields in page[:limit]]
    return WritePage(entries, entries[-1][0] if len(page) > limit else "")


def prune(server: Server, keys: Keys, before: dt.datetime) -> int:
    """Delete entries older than ``before``; returns how many."""
    return server.xtrim_before(keys.writes, microseconds_of(before) // 1_000)


def _write(entry: bytes) -> LevelWrite:
    at, id, number, kind, val, who, user, expires = orjson.loads(entry)
    decoded = hayson_reader.decode(val)
    return LevelWrite(
        instant_of(at), id, number, kind, decoded, who, user, _instant(expires)
    )
