"""Samples that are due later, in a sorted set, and edits of samples, in a stream."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import orjson

from ...kinds.series import instant_of, microseconds_of
from ..sample_edits import Origin, SampleEdit, samples_from, samples_text
from .keys import Keys
from .server import Command, Server

__all__ = ["edits", "logged", "postponed", "postponing", "prune"]

_KEPT = 100_000
"""Edits that the log keeps."""
_PAGE = 100


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


def logged(keys: Keys, edit: SampleEdit) -> Command:
    """The command that keeps an edit."""
    origin = edit.origin
    fields = [microseconds_of(edit.at), origin.user, origin.kind, origin.change]
    entry = orjson.dumps([*fields, edit.id, samples_text(edit.samples), origin.reason])
    return "XADD", keys.sample_edits, "MAXLEN", "~", str(_KEPT), "*", "entry", entry


def edits(server: Server, keys: Keys) -> Iterator[SampleEdit]:
    """All edits, the newest first."""
    for entry in server.xrevrange(keys.sample_edits, "entry", _PAGE):
        # entries of earlier versions have no reason
        at, user, kind, change, id, samples, *reason = orjson.loads(entry)
        origin = Origin(user, kind, change, *reason)
        yield SampleEdit(instant_of(at), origin, id, samples_from(samples))


def prune(server: Server, keys: Keys, before: dt.datetime) -> int:
    """Delete edits that were kept before a time; returns how many."""
    return server.xtrim_before(keys.sample_edits, microseconds_of(before) // 1_000)
