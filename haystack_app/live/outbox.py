"""What is on its way to one connection, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

__all__ = ["Outbox"]

_MOST = 16
_MOST_CHARACTERS = 1_000_000
"""Beyond either of them the connection is sent no news, and reads no requests."""


class Socket(Protocol):
    async def send(self, text_data: str) -> None: ...


class Outbox:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._texts: deque[str] = deque()
        self._size = 0
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()
        self.on_room: Callable[[], None] = lambda: None

    @property
    def has_room(self) -> bool:
        return len(self._texts) < _MOST and self._size < _MOST_CHARACTERS

    def send_soon(self, text: str) -> None:
        self._texts.append(text)
        self._size += len(text)
        self._filled.set()

    async def room(self) -> None:
        while not self.has_room:
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
        """For ever; the socket takes a text when the one before has left."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._texts:
                had_room = self.has_room
                text = self._texts[0]
                await self._socket.send(text_data=text)
                self._texts.popleft()
                self._size -= len(text)
                if self.has_room:
                    self._emptied.set()
                    if not had_room:
                        self.on_room()
