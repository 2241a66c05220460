"""Holders of tasks: a hash by the name of the task."""

from __future__ import annotations

import datetime as dt

import orjson

from ...kinds.series import microseconds_of
from .transaction import Transaction

__all__ = ["take"]


def take(
    work: Transaction, name: str, holder: str, now: dt.datetime, until: dt.datetime
) -> bool:
    """Take a free task, or keep it; False while another holder has it.

    It is locked until the transaction is applied.
    """
    # also locks an entity with this id, which does no harm
    work.lease.acquire([f"task:{name}"])
    tasks = work.pending.tasks
    text = tasks.get(name) or work.server.hget(work.keys.tasks, name)
    if text is not None:
        other, ends = orjson.loads(text)
        if other != holder and ends > microseconds_of(now):
            return False
    tasks[name] = orjson.dumps([holder, microseconds_of(until)])
    return True
