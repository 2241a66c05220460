"""The queue of messages to one connection."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

__all__ = ["SendQueue"]

logger = logging.getLogger(__name__)

_MAX_MESSAGES = 16
_MAX_CHARACTERS = 1_000_000
"""Above either limit, no updates are queued and no requests are read."""


class Socket(Protocol):
    async def send(self, text: str) -> None: ...


class SendQueue:
    """``is_closed``: messages are discarded and waiting callers have returned."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._texts: deque[str] = deque()
        self._size = 0
        self.is_closed = False
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self.on_room: Callable[[], None] = lambda: None

    @property
    def has_room(self) -> bool:
        is_full = len(self._texts) >= _MAX_MESSAGES or self._size >= _MAX_CHARACTERS
        return not (is_full or self.is_closed)

    def send_soon(self, text: str) -> None:
        if self.is_closed:
            return
        self._texts.append(text)
        self._size += len(text)
        self._filled.set()

    async def wait_for_room(self) -> None:
        while not (self.has_room or self.is_closed):
            self._emptied.clear()
            await self._emptied.wait()

    async def drain(self, seconds: float) -> None:
        """Wait until all messages are sent, at most ``seconds``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._texts:
                    self._emptied.clear()
                    await self._emptied.wait()

    async def deliver(self) -> None:
        """Send messages until the connection closes, which ``receive`` also reports."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._texts:
                    await self._deliver_one()
        except Exception as error:  # of the server, if the client has disconnected
            logger.debug("connection closed: %r", error)
        finally:
            self._close()

    async def _deliver_one(self) -> None:
        """Send the first message and remove it."""
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
