"""The change log of the memory store: the newest entries and their cursors."""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from ..changes import Change, ChangePage, check_cursor

__all__ = ["MOST", "Log"]

MOST = 100_000
"""Entries that the log keeps."""


class Log:
    """Callers must hold the lock of the store.

    Cursors begin at the microsecond of the start, so that a cursor of an earlier
    process is never valid in this one.
    """

    def __init__(self) -> None:
        self._entries: deque[Change] = deque()
        self._oldest = time.time_ns() // 1_000

    @property
    def end(self) -> int:
        return self._oldest + len(self._entries)

    def __reversed__(self) -> Iterator[Change]:
        return reversed(self._entries)

    def append(self, change: Change) -> None:
        self._entries.append(change)
        if len(self._entries) > MOST:
            self._forget()

    def cut(self, end: int) -> None:
        """Delete the entries after a cursor, before other threads can read them."""
        while self.end > end and self._entries:
            self._entries.pop()

    def since(self, cursor: int | None, limit: int) -> ChangePage:
        if cursor is None:
            return ChangePage([], self.end, more=False)
        check_cursor(cursor, self._oldest, self.end)
        following = islice(self._entries, cursor - self._oldest, None)
        found = list(enumerate(islice(following, limit), cursor + 1))
        reached = cursor + len(found)
        return ChangePage(found, reached, reached < self.end)

    def prune(self, before: dt.datetime, limit: int) -> int:
        count = 0
        while count < limit and self._entries and self._entries[0].at < before:
            self._forget()
            count += 1
        return count

    def _forget(self) -> None:
        self._entries.popleft()
        self._oldest += 1
