"""Collection of samples at aligned times, one process at a time.

Each process knows which points collect, and reads them again when the change log has
grown. At an aligned time the process that gets the task collects; if it dies, another
one goes on where it was, for a point's history says whether it has the sample.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from .filters import without_trash
from .filters.ast import And, Has, Or
from .kinds.series import microseconds_of
from .storage.base import StorageAdapter
from .storage.collection import COV, INTERVAL, Collection, CollectionError, status_of

__all__ = ["Collector"]

_TASK = "collect"
_LEASE = dt.timedelta(seconds=15)
_RENEWAL, _RETRY = dt.timedelta(seconds=5), dt.timedelta(seconds=2)
_BATCH = 500
_POINTS_PER_TICK = 5_000
_REST = 20
"""Reading the points takes at most this part of the time."""
_RESCAN_SECONDS = 600.0
"""Plain SQL is not in the change log."""
_POINTS = without_trash(And((Has(("point",)), Or((Has((INTERVAL,)), Has((COV,)))))))


class Collector:
    """Collects for one store, in one thread."""

    def __init__(self, store: StorageAdapter, check_seconds: float = 5.0) -> None:
        self.store = store
        self.check_seconds = check_seconds
        """How often the change log is asked whether tags of points have changed."""
        self.holder = secrets.token_hex(8)
        self._groups: dict[tuple[str, int], tuple[Collection, list[str]]] = {}
        self._handled: dict[tuple[str, int], int] = {}
        self._queue: deque[tuple[Collection, int, list[str]]] = deque()
        self._cursor: int | None = None
        self._asked_at: dt.datetime | None = None
        self._is_owner = False
        self._check_at = self._scan_at = 0.0

    def tick(self, now: dt.datetime) -> None:
        """Log what is due; a long list is continued at the next tick."""
        self.store.collect_postponed(now, _POINTS_PER_TICK)
        self._refresh()
        self._enqueue(now)
        self._drop_missed(now)
        # the owner keeps the task between aligned times: another one would ask again
        # for each point whether it has the sample
        if self._queue or self._is_owner:
            self._ask(now)
        if self._queue and self._is_owner:
            self._collect()

    def _ask(self, now: dt.datetime) -> None:
        if self._asked_at is not None:
            waits = _RENEWAL if self._is_owner else _RETRY
            if abs(now - self._asked_at) < waits:
                return
        self._asked_at = now
        with self.store.locked([]):
            self._is_owner = bool(self._groups) and self.store.take_task(
                _TASK, self.holder, now, now + _LEASE
            )

    def _enqueue(self, now: dt.datetime) -> None:
        """Queue the points whose aligned time has passed since the tick before."""
        moment = microseconds_of(now)
        for key, (collection, ids) in self._groups.items():
            due = collection.due(moment)
            if due is None or self._handled.get(key, due - 1) >= due:
                continue
            self._handled[key] = due
            for at in range(0, len(ids), _BATCH):
                self._queue.append((collection, due, ids[at : at + _BATCH]))

    def _drop_missed(self, now: dt.datetime) -> None:
        """Samples are not made up later."""
        moment = microseconds_of(now)
        while self._queue and self._queue[0][0].due(moment) != self._queue[0][1]:
            self._queue.popleft()

    def _collect(self) -> None:
        done = 0
        while self._queue and done < _POINTS_PER_TICK:
            _, due, ids = self._queue[0]
            self.store.collect_aligned(ids, due)
            done += len(ids)
            self._queue.popleft()

    # -- which points collect ---------------------------------------------------

    def _refresh(self) -> None:
        began = time.monotonic()
        if began < self._check_at:
            return
        cursor = self.store.changes_since(None, 1).cursor
        if cursor != self._cursor or began >= self._scan_at:
            self._scan()
            self._cursor = cursor
            self._scan_at = time.monotonic() + _RESCAN_SECONDS
        took = time.monotonic() - began
        self._check_at = began + max(self.check_seconds, _REST * took)

    def _scan(self) -> None:
        """Read the points that collect, and say of the others why they do not."""
        groups: dict[tuple[str, int], tuple[Collection, list[str]]] = {}
        wrong: dict[str, Mapping[str, Any]] = {}
        for record in self.store.read(_POINTS):
            id = record["id"].id
            try:
                collection = Collection.of(record)
            except CollectionError:
                if record.get("hisErr") != status_of(record)["hisErr"]:
                    wrong[id] = status_of(record)
                continue
            if collection and collection.interval and not collection.is_synced:
                key = collection.tz, collection.interval.size
                groups.setdefault(key, (collection, []))[1].append(id)
        if wrong:
            with self.store.locked(list(wrong)):
                self.store.set_transient(wrong)
        for _, ids in groups.values():
            ids.sort()
        self._groups = groups
