"""Priority arrays: a hash per point, and one sorted set of expiries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import orjson

from ...kinds.series import instant_of, microseconds_of
from ...wire import hayson_reader, hayson_writer
from ..priority_array import Level
from .keys import Keys
from .server import Command, Server

__all__ = ["commands", "due", "read", "with_levels"]

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
    return orjson.dumps([hayson_writer.encode(level.val), level.who, _expiry(level)])


def _level(text: bytes) -> Level:
    val, who, expiry = orjson.loads(text)
    expires = None if expiry is None else instant_of(expiry)
    return Level(hayson_reader.decode(val), who, expires)
