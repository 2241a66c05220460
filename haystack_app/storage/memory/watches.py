"""Watches of the memory store: they end with the process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from ..base import StorageAdapter
from ..watch_types import Watch, WatchItem
from .journal import Journal

__all__ = ["MemoryWatches"]


class MemoryWatches(StorageAdapter):
    def __init__(self, alias: str = "default") -> None:
        super().__init__(alias)
        self._journal = Journal()
        self._lock = self._journal.lock
        self._watches: dict[str, Watch] = {}
        self._watched: dict[str, dict[str, WatchItem]] = {}

    def watch_insert(self, watch: Watch) -> None:
        with self._lock:
            self._watches[watch.id] = watch
            self._watched[watch.id] = {}

    def watch_update(self, watch: Watch) -> None:
        self._watches[watch.id] = watch

    @contextmanager
    def locked_watches(self, ids: Collection[str]) -> Iterator[dict[str, Watch]]:
        with self._lock:
            held = {id: self._watches[id] for id in ids if id in self._watches}
            items = {id: dict(self._watched[id]) for id in held}
            try:
                yield held
            except BaseException:
                self._watches.update(held)
                self._watched.update(items)
                raise

    def watch_drop(self, ids: Collection[str]) -> None:
        with self._lock:
            for id in ids:
                self._watches.pop(id, None)
                self._watched.pop(id, None)

    def watch_count(self, owner: str, now: dt.datetime) -> int:
        with self._lock:
            return sum(
                one.owner == owner and one.expires > now
                for one in self._watches.values()
            )

    def watches_due(self, now: dt.datetime) -> list[str]:
        with self._lock:
            return [one.id for one in self._watches.values() if one.expires <= now]

    def watch_items(self, id: str) -> dict[str, WatchItem]:
        return self._watched[id]

    def watch_put_items(self, id: str, items: Mapping[str, WatchItem | None]) -> None:
        held = self._watched[id]
        for one, item in items.items():
            if item is None:
                held.pop(one, None)
            else:
                held[one] = item
