"""The queue of names that are still to be written into the refs to their entities.

A hash by id, of the last entity whose refs have been written. The empty id stands for
all entities, of a store that an earlier version has written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator

from .entities import page
from .entity_commands import referring
from .keys import Keys
from .server import Command, Server

__all__ = ["first", "queued", "reached", "referrers", "start"]

_STARTED = "names"


def start(server: Server, keys: Keys) -> None:
    """Queue all entities once."""
    if server.hget(keys.meta, _STARTED) is None:
        server.together(
            ("HSET", keys.name_changes, "", ""), ("HSET", keys.meta, _STARTED, "1")
        )


def queued(keys: Keys, ids: Collection[str]) -> Iterator[Command]:
    for id in sorted(ids):
        yield "HSET", keys.name_changes, id, ""


def first(server: Server, keys: Keys) -> tuple[str, str] | None:
    """An id, and the last entity whose refs have been written."""
    found = server.hgetall(keys.name_changes)
    if not found:
        return None
    id = min(found)
    return id, found[id].decode()


def referrers(server: Server, keys: Keys, id: str, after: str, limit: int) -> list[str]:
    if not id:
        return list(page(server, keys, after, limit))
    every = sorted(referring(server, keys, [id]))
    at = bisect_right(every, after)
    return every[at : at + limit]


def reached(keys: Keys, id: str, after: str | None) -> Command:
    """None: all refs have been written."""
    if after is None:
        return "HDEL", keys.name_changes, id
    return "HSET", keys.name_changes, id, after
