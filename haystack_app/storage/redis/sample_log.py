"""Samples that are due later, in a sorted set, and edits of samples, in a stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ...kinds.series import microseconds_of
from .keys import Keys
from .server import Command, Server

__all__ = ["postponed", "postponing"]


def postponing(keys: Keys, due: Mapping[str, dt.datetime | None]) -> Iterator[Command]:
    """The commands that set when points are due; None forgets a point."""
    for id, at in due.items():
        if at is None:
            yield "ZREM", keys.postponed, id
        else:
            yield "ZADD", keys.postponed, str(microseconds_of(at)), id


def postponed(server: Server, keys: Keys, now: dt.datetime, limit: int) -> list[str]:
    """Ids of points that are due, the first ones first."""
    return server.zrange_upto(keys.postponed, microseconds_of(now), limit)
