"""What is on its way to one connection, in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

__all__ = ["SendQueue"]

logger = logging.getLogger(__name__)

_MOST = 16
_MOST_CHARACTERS = 1_000_000
"""Beyond either of them the connection is sent no news, and reads no requests."""


class Socket(Protocol):
    async def send(self, text: str) -> None: ...


class SendQueue:
    """``is_closed``: nothing leaves any more, nobody waits, and nothing is kept."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._texts: deque[str] = deque()
        self._size = 0
        self.is_closed = False
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self.on_room: Callable[[], None] = lambda: None

    @property
    def has_room(self) -> bool:
        is_full = len(self._texts) >= _MOST or self._size >= _MOST_CHARACTERS
        return not (is_full or self.is_closed)

    def send_soon(self, text: str) -> None:
        if self.is_closed:
            return
        self._texts.append(text)
        self._size += len(text)
        self._filled.set()

    async def room(self) -> None:
        while not (self.has_room or self.is_closed):
            self._emptied.clear()
            await self._emptied.wait()

    async def empty(self, seconds: float) -> None:
        """All has left, or time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._texts:
                    self._emptied.clear()
                    await self._emptied.wait()

    async def deliver(self) -> None:
        """Until the socket is gone, of which the server tells the consumer, too."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._texts:
                    await self._deliver_one()
        except Exception as error:  # each server has its own for who has left
            logger.debug("a connection has ended: %r", error)
        finally:
            self._close()

    async def _deliver_one(self) -> None:
        """The socket takes a text when the one before has left."""
        had_room, text = self.has_room, self._texts[0]
        await self._socket.send(text)
        self._texts.popleft()
        self._size -= len(text)
        if self.has_room:
            self._emptied.set()
            if not had_room:
                self.on_room()

    def _close(self) -> None:
        self.is_closed = True
        self._texts.clear()
        self._emptied.set()
