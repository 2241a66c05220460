"""Maintenance by each server process: what is due at a time, and what can wait.

A ``Ticker`` ends writes to points and watches, and collects samples; nothing delays it.
An ``Upkeep`` repairs, folds, sweeps and prunes beside it. ``haystack_tick`` does the
same once, for hosts without background threads. Any number of them may run at the same
time.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from weakref import WeakKeyDictionary

from django.db import connections

from .collector import Collector
from .conf import app_settings
from .instruments import TICKS
from .kinds.series import microseconds_of
from .stale_sweep import StaleSweep
from .storage.base import StorageAdapter
from .storage.handler import storages

__all__ = [
    "BATCH",
    "Ticker",
    "Upkeep",
    "on_time",
    "prepare_histories",
    "prune_all",
    "prune_all_edits",
    "prune_all_writes",
    "prune_batch",
    "retention_days",
    "start",
    "tick",
    "trash_days",
    "undo_days",
    "upkeep",
    "writes_retention_days",
]

logger = logging.getLogger(__name__)

BATCH = 1_000
"""Entries deleted at once: small, so that readers and writers do not wait long."""
_PRUNE_SECONDS = 600.0
"""Interval of pruning. After a full batch the next tick prunes again."""
FACTS = 500
"""Entities whose histories are looked at in one step."""
_FACTS_SECONDS = 5.0
"""Interval of these steps: 80,000 entities take a quarter of an hour."""
_FACTS_TASK = "facts"
_HELD = dt.timedelta(seconds=90)
_TAKEN_SECONDS = 30.0
"""How often a process asks for the task of these steps, which one process has."""
_NAMES_SECONDS = 5.0
_workers: WeakKeyDictionary[StorageAdapter, tuple[Collector, StaleSweep]]
_workers = WeakKeyDictionary()


def retention_days() -> float:
    """``HAYSTACK["CHANGES_DAYS"]``; 0 keeps the change log forever."""
    return float(app_settings.CHANGES_DAYS or 0)


def writes_retention_days() -> float:
    """``HAYSTACK["WRITES_DAYS"]``; 0 keeps the log of writes forever."""
    return float(app_settings.WRITES_DAYS or 0)


def undo_days() -> float:
    """``HAYSTACK["SAMPLE_UNDO_DAYS"]``; 0 keeps no samples."""
    return float(app_settings.SAMPLE_UNDO_DAYS or 0)


def trash_days() -> float:
    """``HAYSTACK["TRASH_DAYS"]``; 0 keeps the trash forever."""
    return float(app_settings.TRASH_DAYS or 0)


def prune_batch(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Delete one batch of old entries from each log and trash of each store.

    Returns the largest number of entries deleted from one log, and the errors of
    failed stores by alias. If the number is ``BATCH``, there may be more old entries.
    """
    largest = 0
    errors: dict[str, Exception] = {}
    at = now or dt.datetime.now(dt.UTC)
    for alias in storages:
        try:
            largest = max(largest, _prune_logs(storages[alias], at))
        except Exception as error:
            errors[alias] = error
    return largest, errors


def _prune_logs(store: StorageAdapter, now: dt.datetime) -> int:
    largest = 0
    if days := retention_days():
        largest = store.prune_changes(now - dt.timedelta(days=days), BATCH)
    if days := writes_retention_days():
        count = store.prune_writes(now - dt.timedelta(days=days), BATCH)
        largest = max(largest, min(count, BATCH))
    if days := undo_days():
        count = store.prune_edits(now - dt.timedelta(days=days), BATCH)
        largest = max(largest, min(count, BATCH))
    if not store.shared and (days := trash_days()):  # else a job does it
        done = store.empty_trash(
            before=now - dt.timedelta(days=days), limit=BATCH, who="trash"
        )
        largest = max(largest, min(len(done.removed), BATCH))
    return largest


def prepare_histories(now: dt.datetime | None = None) -> dict[str, Exception]:
    """Make room for the samples of the coming day. Returns errors by alias."""
    at = now or dt.datetime.now(dt.UTC)
    coming = [microseconds_of(at + dt.timedelta(hours=hours)) for hours in (0, 24)]
    errors: dict[str, Exception] = {}
    for alias in storages:
        try:
            storages[alias].his_prepare(coming)
        except Exception as error:
            errors[alias] = error
    return errors


def prune_all(alias: str, days: float) -> int:
    """Delete all older entries of one store's change log. Returns their number."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    return _until_none_is_left(partial(storages[alias].prune_changes, before, BATCH))


def prune_all_writes(alias: str, days: float) -> int:
    """As ``prune_all``, of the log of writes."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    return _until_none_is_left(partial(storages[alias].prune_writes, before, BATCH))


def prune_all_edits(alias: str, days: float) -> int:
    """As ``prune_all``, of samples that were replaced or removed."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    return _until_none_is_left(partial(storages[alias].prune_edits, before, BATCH))


def _until_none_is_left(prune: Callable[[], int]) -> int:
    total = 0
    while count := prune():
        total += count
    return total


def _workers_of(store: StorageAdapter) -> tuple[Collector, StaleSweep]:
    """What works for a store in this process, and remembers what it has read."""
    if store not in _workers:
        _workers[store] = Collector(store), StaleSweep(store)
    return _workers[store]


def tick(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """What a server process does each second.

    Returns the number of released points, and the errors of failed stores by alias. A
    failed store does not affect the others.
    """
    released, errors = on_time(now)
    return released, upkeep(now) | errors


def on_time(now: dt.datetime | None = None) -> tuple[int, dict[str, Exception]]:
    """Release expired writes, end expired watches, and collect samples."""
    at = now or dt.datetime.now(dt.UTC)
    released = 0
    errors: dict[str, Exception] = {}
    for alias in storages:
        try:
            released += len(storages[alias].release_due(at))
            storages[alias].watch_expire(at)
            _workers_of(storages[alias])[0].tick(at)
        except Exception as error:
            errors[alias] = error
    return released, errors


def upkeep(now: dt.datetime | None = None) -> dict[str, Exception]:
    """Repair rows changed by SQL and writes that were cut off, write names into refs,
    fold some samples, and mark values that are stale."""
    at = now or dt.datetime.now(dt.UTC)
    errors: dict[str, Exception] = {}
    for alias in storages:
        try:
            storages[alias].mend_marked()
            _write_names(storages[alias])
            # from here on samples are needed, whose server may be another one
            storages[alias].mend_histories()
            storages[alias].fold_dirty()
            _workers_of(storages[alias])[1].tick(at)
        except Exception as error:
            errors[alias] = error
    return errors


def _write_names(store: StorageAdapter) -> None:
    """Write queued names for some seconds, in short transactions."""
    ends = time.monotonic() + _NAMES_SECONDS
    while time.monotonic() < ends and store.mend_names():
        continue


class Ticker(Thread):
    """Does what is due, until it is stopped, and retries failed stores."""

    def __init__(self, seconds: float, stopped: Event | None = None) -> None:
        super().__init__(name=f"haystack-{type(self).__name__.lower()}", daemon=True)
        self.seconds = seconds
        self.stopped = stopped or Event()
        self.failing: set[str] = set()

    def run(self) -> None:
        while not self.stopped.wait(self.seconds):
            self.tick()

    def tick(self) -> None:
        try:
            errors = self.work()
        finally:
            connections.close_all()
        TICKS.labels("error" if errors else "ok").inc()
        for alias in errors.keys() - self.failing:
            # log an outage once, not at every tick
            logger.error(
                "maintenance of storage %r failed; trying again",
                alias,
                exc_info=errors[alias],
            )
        self.failing = set(errors)

    def work(self) -> dict[str, Exception]:
        """Returns errors by alias."""
        return on_time()[1]


class Upkeep(Ticker):
    """Does what can wait, beside a ticker."""

    def __init__(self, seconds: float, stopped: Event | None = None) -> None:
        super().__init__(seconds, stopped)
        self.prune_at = self.facts_at = time.monotonic()
        self.facts_after: dict[str, str] = {}
        """By storage, the last id whose history was looked at."""
        self.holder = secrets.token_hex(8)
        self.facts_tasks: dict[str, tuple[float, bool]] = {}
        """By storage, when to ask for the task again, and whether it is ours."""

    def work(self) -> dict[str, Exception]:
        errors = upkeep()
        if time.monotonic() >= self.prune_at:
            errors |= self.prune()
        if time.monotonic() >= self.facts_at:
            errors |= self.mend_facts()
        return errors

    def mend_facts(self) -> dict[str, Exception]:
        """One step through the histories of each store. Returns errors by alias."""
        self.facts_at = time.monotonic() + _FACTS_SECONDS
        errors: dict[str, Exception] = {}
        for alias in storages:
            after = self.facts_after.get(alias, "")
            try:
                if self._has_facts_task(alias):
                    self.facts_after[alias] = storages[alias].mend_facts(after, FACTS)
            except Exception as error:
                errors[alias] = error
        return errors

    def _has_facts_task(self, alias: str) -> bool:
        if not storages[alias].changed_by_sql:
            return False
        ask_at, is_ours = self.facts_tasks.get(alias, (0.0, False))
        if time.monotonic() >= ask_at:
            now = dt.datetime.now(dt.UTC)
            task = _FACTS_TASK, self.holder, now, now + _HELD
            is_ours = storages[alias].take_task(*task)
            self.facts_tasks[alias] = time.monotonic() + _TAKEN_SECONDS, is_ours
        return is_ours

    def prune(self) -> dict[str, Exception]:
        """Prune one batch of each change log. Returns errors by alias."""
        count, errors = prune_batch()
        errors |= prepare_histories()
        if count < BATCH:
            self.prune_at = time.monotonic() + _PRUNE_SECONDS
        return errors


def start() -> Ticker | None:
    """Start this process's threads, unless ``TICK_SECONDS`` is 0.

    The event of the ticker stops both.
    """
    if (seconds := app_settings.TICK_SECONDS) <= 0:
        return None
    ticker = Ticker(seconds)
    ticker.start()
    Upkeep(seconds, ticker.stopped).start()
    return ticker
