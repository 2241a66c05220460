"""Logs of the memory store: the newest entries and their cursors."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar

from ..changes import Change, ChangePage, check_cursor
from ..errors import InvalidWrite
from ..write_log import LevelWrite, WritePage

__all__ = ["MOST", "ChangeLog", "WriteLog"]

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
MOST = 100_000
"""Entries that a log keeps."""


class _Entry(Protocol):
    @property
    def at(self) -> dt.datetime: ...


_E = TypeVar("_E", bound=_Entry)


class _Log(Generic[_E]):
    """Callers must hold the lock of the store.

    Cursors begin at the microsecond of the start, so that a cursor of an earlier
    process is never valid in this one.
    """

    def __init__(self) -> None:
        self._entries: deque[_E] = deque()
        self._oldest = time.time_ns() // 1_000

    @property
    def end(self) -> int:
        return self._oldest + len(self._entries)

    def __reversed__(self) -> Iterator[_E]:
        return reversed(self._entries)

    def append(self, entry: _E) -> None:
        self._entries.append(entry)
        if len(self._entries) > MOST:
            self._forget()

    def cut(self, end: int) -> None:
        """Delete the entries after a cursor, before other threads can read them."""
        while self.end > end and self._entries:
            self._entries.pop()

    def after(self, cursor: int, limit: int) -> list[tuple[int, _E]]:
        """Entries after a valid cursor, each with its own."""
        following = islice(self._entries, cursor - self._oldest, None)
        return list(enumerate(islice(following, limit), cursor + 1))

    def prune(self, before: dt.datetime, limit: int) -> int:
        count = 0
        while count < limit and self._entries and self._entries[0].at < before:
            self._forget()
            count += 1
        return count

    def _forget(self) -> None:
        self._entries.popleft()
        self._oldest += 1


class ChangeLog(_Log[Change]):
    def append(self, entry: Change) -> None:
        super().append(entry._replace(cursor=self.end + 1))

    def commit_at(self, cursor: int, limit: int | None) -> list[Change]:
        """The first entries of a commit: those of its time and author."""
        place = cursor - self._oldest - 1
        if not 0 <= place < len(self._entries):
            return []
        at, who = self._entries[place].at, self._entries[place].who
        found = (one for one in self._entries if (one.at, one.who) == (at, who))
        return list(islice(found, limit))

    def since(self, cursor: int | None, limit: int) -> ChangePage:
        if cursor is None:
            return ChangePage([], self.end, more=False)
        check_cursor(cursor, self._oldest, self.end)
        found = self.after(cursor, limit)
        reached = cursor + len(found)
        return ChangePage(found, reached, reached < self.end)


class WriteLog(_Log[LevelWrite]):
    def since(self, cursor: str | None, limit: int) -> WritePage:
        place = int(cursor) if cursor and cursor.isdecimal() else self.end
        if place > self.end:
            place = self.end
        found = self.after(max(place, self._oldest), limit)
        reached = found[-1][0] if found else place
        return WritePage([(str(at), write) for at, write in found], str(reached))

    def older(self, cursor: str | None, limit: int) -> WritePage:
        if cursor is not None and not _NUMBER.fullmatch(cursor):
            raise InvalidWrite(f"invalid cursor {cursor[:40]!r}")
        place = self.end + 1 if cursor is None else int(cursor)
        end = min(max(place - 1, self._oldest), self.end)
        first = max(end - limit, self._oldest)
        found = self.after(first, end - first)[::-1]
        more = str(first + 1) if first > self._oldest else ""
        return WritePage([(str(at), write) for at, write in found], more)
