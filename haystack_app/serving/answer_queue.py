"""What an application has made of an answer and its client has not taken yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile

from .bodies import IN_MEMORY, Message
from .spool import Budget

__all__ = ["PIECE", "AnswerQueue"]

PIECE = 64 * 1024
AHEAD = 256 * 1024 * 1024
"""Bytes that are kept for one client; then its thread waits after all, or earlier if
the budget of the process is spent."""


class AnswerQueue:
    """A body between who makes it and who takes it, on disk where it is long."""

    def __init__(self, budget: Budget) -> None:
        self._spool = SpooledTemporaryFile[bytes](max_size=IN_MEMORY)
        self._budget = budget
        self._kept = self._taken = 0
        self._whole = self._ended = self._dropped = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, body: bytes, *, more: bool) -> None:
        """Keep a part; wait if too much is kept. Raises OSError if the disk is full."""
        self._spool.seek(self._kept)
        self._spool.write(body)
        self._whole = not more
        self._kept += len(body)
        self._budget.add(len(body))
        if self._kept >= AHEAD or (self._kept > IN_MEMORY and self._budget.is_spent):
            self._room.clear()
        self._news.set()
        await self._room.wait()

    def end(self) -> None:
        """Nothing more comes, be the body whole or not."""
        self._ended = True
        self._news.set()

    def drop(self) -> None:
        """Nothing more is taken."""
        self._dropped = True
        self._news.set()
        self._room.set()

    def close(self) -> None:
        self._forget()
        self._spool.close()

    async def messages(self) -> AsyncIterator[Message]:
        """The body; without its last message if it is not whole."""
        while not self._dropped:
            if body := self._take():
                yield {"type": "http.response.body", "body": body, "more_body": True}
            elif self._whole or self._ended:
                break
            else:
                self._news.clear()
                await self._news.wait()
        if self._whole and not self._dropped:
            yield {"type": "http.response.body", "body": b"", "more_body": False}

    def _take(self) -> bytes:
        self._spool.seek(self._taken)
        body = self._spool.read(PIECE)
        self._taken += len(body)
        if self._kept and self._taken == self._kept:
            self._forget()
            self._taken = 0
            self._spool.seek(0)
            self._spool.truncate()
            self._room.set()
        return body

    def _forget(self) -> None:
        """What is kept no longer counts."""
        self._budget.add(-self._kept)
        self._kept = 0
