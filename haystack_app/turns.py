"""Turns of users: what one of them runs does not take all threads of a process.

A user has some requests and calls of ops that run, over HTTP and websockets together;
further ones wait here, in the event loop and without a thread, and are refused when
they have waited too long. A share of the threads stays for users that run nothing yet.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from .conf import app_settings, limit
from .instruments import REQUESTS_WAITING

__all__ = ["WAIT_SECONDS", "NoTurn", "Turns", "current_turn", "turns_of_this_loop"]

WAIT_SECONDS = 10.0
current_turn: ContextVar[str] = ContextVar("haystack_turn", default="")
"""The user whose turn the request has; empty where there are no turns."""
_Waiting = deque["asyncio.Future[None]"]


class NoTurn(Exception):
    """A request has waited for its turn too long."""


class _Line:
    """The requests of one user, first come first served."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: _Waiting = deque()


class Turns:
    """At most ``most`` turns of a user at a time.

    A user that has one gets another only while fewer than ``shared`` run altogether.
    """

    def __init__(self, most: int, shared: int) -> None:
        self.most, self.shared = most, shared
        self._running = 0
        self._lines: dict[str, _Line] = {}
        self._crowded: dict[_Line, None] = {}
        """Lines in which requests wait, in the order in which they began to."""

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """Wait for a turn. Raises NoTurn after ``WAIT_SECONDS``."""
        line = self._lines.setdefault(user, _Line())
        if not line.waiting and self._may_run(line):  # mostly
            self._begin(line)
        else:
            await self._wait(user, line)
        current_turn.set(user)
        try:
            yield
        finally:
            self._end(user, line)

    def _may_run(self, line: _Line) -> bool:
        if not line.running:
            return True
        return line.running < self.most and self._running < self.shared

    def _begin(self, line: _Line) -> None:
        line.running += 1
        self._running += 1

    async def _wait(self, user: str, line: _Line) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(future)
        self._crowded[line] = None
        REQUESTS_WAITING.inc()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await future
        except BaseException as error:
            if future.done() and not future.cancelled():  # its turn came meanwhile
                self._end(user, line)
            else:
                with suppress(ValueError):  # its turn came after its time was up
                    line.waiting.remove(future)
                self._forget_empty(user, line)
            if isinstance(error, TimeoutError):
                raise NoTurn from None
            raise
        finally:
            REQUESTS_WAITING.dec()

    def _end(self, user: str, line: _Line) -> None:
        line.running -= 1
        self._running -= 1
        self._forget_empty(user, line)
        self._next()

    def _next(self) -> None:
        """Let those run whose turn has come."""
        for line in list(self._crowded):
            while line.waiting and self._may_run(line):
                future = line.waiting.popleft()
                if not future.done():
                    self._begin(line)
                    future.set_result(None)
            if not line.waiting:
                del self._crowded[line]

    def _forget_empty(self, user: str, line: _Line) -> None:
        if not line.waiting:
            self._crowded.pop(line, None)
            if not line.running:
                self._lines.pop(user, None)


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of_this_loop() -> Turns:
    """Those of the process: a server has one event loop."""
    loop = asyncio.get_running_loop()
    turns = _by_loop.get(loop)
    if turns is None:
        most, threads = limit("RUNNING"), app_settings.THREADS
        turns = _by_loop[loop] = Turns(most, max(1, threads - threads // 4))
    return turns
