"""Reads of a change log, shared by the clients that wait at the same cursor."""

from __future__ import annotations

import asyncio

from ..conf import app_settings
from ..ops import Context
from ..ops.changes import Page, changes_after
from ..storage.handler import storages
from .hub import hub
from .threads import in_thread

__all__ = ["page_after", "poll_interval", "wait_for_growth"]

_Key = tuple[asyncio.Event, str, int, int]
_reads: dict[_Key, asyncio.Task[Page]] = {}


async def page_after(
    growth: asyncio.Event, alias: str, cursor: int, limit: int
) -> Page:
    """The entries after a cursor, for a caller that may follow the log.

    ``growth`` is the current event of the hub: a read that started before the event
    was created may have missed changes that it does not announce, so it is not
    shared. Raises CursorExpired.
    """
    key = (growth, alias, cursor, limit)
    if key not in _reads:
        task = asyncio.create_task(_read(alias, cursor, limit))
        _reads[key] = task
        task.add_done_callback(lambda done: _forget(key, done))
    return await asyncio.shield(_reads[key])


async def _read(alias: str, cursor: int, limit: int) -> Page:
    everything = Context(storages[alias])
    return await in_thread(changes_after, everything, cursor, limit)


def _forget(key: _Key, done: asyncio.Task[Page]) -> None:
    del _reads[key]
    if not done.cancelled():
        done.exception()  # retrieved, even if all waiting clients have disconnected


async def wait_for_growth(growth: asyncio.Event, seconds: float) -> None:
    """Return when the log may have grown or after ``seconds``.

    Growth is followed by a short delay, so that changes are read together.
    """
    try:
        async with asyncio.timeout(seconds):
            await growth.wait()
    except TimeoutError:
        return
    await asyncio.sleep(app_settings.COALESCE_MS / 1000)


def poll_interval() -> float:
    """Seconds between two reads of a log that announces no changes."""
    return hub().check_seconds
