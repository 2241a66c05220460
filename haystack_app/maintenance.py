"""Maintenance that each server process runs: expiry of writes to points and of
watches, and pruning of the change log.

A server process runs a ``Ticker``; ``haystack_tick`` does the same once, for hosts
where no thread may run. Any number of them may run at a time.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from threading import Event, Thread

from django.db import connections

from .conf import app_settings
from .storage.handler import storages

__all__ = ["BATCH", "Ticker", "kept_days", "prune_all", "prune_some", "start", "tick"]

logger = logging.getLogger(__name__)

BATCH = 1_000
"""Entries removed at once, so that readers and writers hardly wait."""
_PRUNE_SECONDS = 600.0
"""Between looks at the change log; while there is much to prune, each tick does."""


def kept_days() -> float:
    """``HAYSTACK["CHANGES_DAYS"]``; 0 keeps the change log for ever."""
    return float(app_settings.CHANGES_DAYS or 0)


def prune_some(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Take a batch of what is too old from the log of each store.

    How many entries that were of the store with the most, and the errors of stores
    that failed by alias. With ``BATCH`` of them there may be others.
    """
    most = 0
    errors: dict[str, Exception] = {}
    if days := kept_days():
        before = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(days=days)
        for alias in storages:
            try:
                most = max(most, storages[alias].prune_changes(before, BATCH))
            except Exception as error:
                errors[alias] = error
    return most, errors


def prune_all(alias: str, days: float) -> int:
    """Take away whatever is older from one store; how many entries."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    store, total = storages[alias], 0
    while count := store.prune_changes(before, BATCH):
        total += count
    return total


def tick(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Release what is due in every store, end watches, and mend what plain SQL changed.

    How many points that were, and the errors of stores that failed by alias: one
    that is down keeps nothing from the others.
    """
    at = now or dt.datetime.now(dt.UTC)
    released = 0
    errors: dict[str, Exception] = {}
    for alias in storages:
        try:
            released += len(storages[alias].release_due(at))
            storages[alias].watch_expire(at)
            storages[alias].mend_marked()
        except Exception as error:
            errors[alias] = error
    return released, errors


class Ticker(Thread):
    """Ticks until it is stopped; a store that fails is asked again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(name="haystack-ticker", daemon=True)
        self.seconds = seconds
        self.stopped = Event()
        self.failing: set[str] = set()
        self.prune_at = time.monotonic()

    def run(self) -> None:
        while not self.stopped.wait(self.seconds):
            self.tick()

    def tick(self) -> None:
        try:
            _, errors = tick()
            if time.monotonic() >= self.prune_at:
                errors |= self.prune()
        finally:
            connections.close_all()
        for alias in errors.keys() - self.failing:
            # a database that is down for an hour is worth one entry, not 3,600
            logger.error(
                "what expired in storage %r cannot be ended; trying again",
                alias,
                exc_info=errors[alias],
            )
        self.failing = set(errors)

    def prune(self) -> dict[str, Exception]:
        """A batch of each log; the errors of stores that failed by alias."""
        count, errors = prune_some()
        if count < BATCH:
            self.prune_at = time.monotonic() + _PRUNE_SECONDS
        return errors


def start() -> Ticker | None:
    """Start this process's ticker, unless ``TICK_SECONDS`` is 0."""
    if (seconds := app_settings.TICK_SECONDS) <= 0:
        return None
    ticker = Ticker(seconds)
    ticker.start()
    return ticker
