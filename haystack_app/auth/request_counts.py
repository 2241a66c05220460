"""Counts of requests in a minute, shared with other processes at intervals.

A round trip to a shared cache for each request would take longer than many requests.
A process counts by itself, and adds to the shared count once a second, or after a
200th of the limit: by so much each process may exceed it. Limits below 200 are exact.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

__all__ = ["RequestCounts"]

SECONDS = 1.0
_MOST = 50_000


class _Count:
    __slots__ = ("own", "shared", "shared_at", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.shared = 0
        """The count of all processes when it was last asked for."""
        self.shared_at = -SECONDS
        self.own = 0
        """Requests that others do not know yet."""


class RequestCounts:
    """``add(key, n)`` adds to the shared count of a key and returns it."""

    def __init__(self, add: Callable[[str, int], int]) -> None:
        self._add = add
        self._counts: dict[str, _Count] = {}
        self._lock = Lock()

    def count(self, name: str, window: int, key: Callable[[], str], limit: int) -> int:
        """Count a request of this window of time; returns how many there were.

        ``key`` is that of the shared count. Raises what ``add`` raises.
        """
        now = time.monotonic()
        with self._lock:
            count = self._counts.get(name)
            if count is None or count.window != window:
                count = self._new(name, window)
            count.own += 1
            if count.own <= limit // 200 and now - count.shared_at < SECONDS:
                return count.shared + count.own
            added, count.own, count.shared_at = count.own, 0, now
            count.shared += added  # for others until the answer is there
        total = self._add(key(), added)
        with self._lock:
            count.shared = max(count.shared, total)
            return count.shared + count.own

    def _new(self, name: str, window: int) -> _Count:
        if len(self._counts) >= _MOST:
            self._counts.clear()
        found = self._counts[name] = _Count(window)
        return found
