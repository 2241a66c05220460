"""What happens by itself as time goes by: writes to points and watches expire, and
the change log is pruned.

Each server process runs a ``Ticker``; ``haystack_tick`` does the same once, for
hosts where no thread may run. Several of them do not disturb each other.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from threading import Event, Thread

from django.db import connections

from .conf import seconds_between
from .maintenance import BATCH, prune_some
from .storage.handler import storages

__all__ = ["Ticker", "start", "tick"]

logger = logging.getLogger(__name__)
_PRUNE_SECONDS = 600.0
"""Between looks at the change log; while there is much to prune, each tick does."""


def tick(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Release what is due in every store, and end watches that are.

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
    if (seconds := seconds_between("TICK_SECONDS")) <= 0:
        return None
    ticker = Ticker(seconds)
    ticker.start()
    return ticker
