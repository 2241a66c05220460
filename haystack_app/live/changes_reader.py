"""Reads of a change log that those who wait at the same place share."""

from __future__ import annotations

import asyncio

from ..conf import app_settings
from ..ops import Context
from ..ops.changes import Page, changes_after
from ..storage.handler import storages
from .hub import hub
from .threads import in_thread

__all__ = ["page_after", "poll_interval", "wait_for_growth"]

_Place = tuple[asyncio.Event, str, int, int]
_reads: dict[_Place, asyncio.Task[Page]] = {}


async def page_after(
    growth: asyncio.Event, alias: str, cursor: int, limit: int
) -> Page:
    """What follows a cursor; whoever asks may see it.

    ``growth`` is the hub's, as of now: a read that began before it existed may have
    missed what it does not tell of, and is not shared. Raises CursorExpired.
    """
    place = (growth, alias, cursor, limit)
    if place not in _reads:
        task = asyncio.create_task(_read(alias, cursor, limit))
        _reads[place] = task
        task.add_done_callback(lambda done: _forget(place, done))
    return await asyncio.shield(_reads[place])


async def _read(alias: str, cursor: int, limit: int) -> Page:
    everything = Context(storages[alias])
    return await in_thread(changes_after, everything, cursor, limit)


def _forget(place: _Place, done: asyncio.Task[Page]) -> None:
    del _reads[place]
    if not done.cancelled():
        done.exception()  # seen, also where all who asked have left


async def wait_for_growth(growth: asyncio.Event, seconds: float) -> None:
    """A log may have grown, a little while ago so that changes come together; or
    time is up."""
    try:
        async with asyncio.timeout(seconds):
            await growth.wait()
    except TimeoutError:
        return
    await asyncio.sleep(app_settings.COALESCE_MS / 1000)


def poll_interval() -> float:
    """Seconds between two looks at a log of which nothing is heard."""
    return hub().check_seconds
