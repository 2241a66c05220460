"""Whose turn it is: a hash of holders by the name of their task."""

from __future__ import annotations

import datetime as dt

import orjson

from ...kinds.series import microseconds_of
from .transaction import Transaction

__all__ = ["take"]


def take(
    work: Transaction, name: str, holder: str, now: dt.datetime, until: dt.datetime
) -> bool:
    """Take a task that is free, or keep it; False while somebody else has it.

    Whoever takes it has it locked until the work is applied.
    """
    # an entity of such an id would be locked along, which does no harm
    work.lease.acquire([f"task:{name}"])
    tasks = work.pending.tasks
    text = tasks.get(name) or work.server.hget(work.keys.tasks, name)
    if text is not None:
        other, ends = orjson.loads(text)
        if other != holder and ends > microseconds_of(now):
            return False
    tasks[name] = orjson.dumps([holder, microseconds_of(until)])
    return True
