"""Turns of logins: the requests of one do not take all threads of a process.

A login has some requests that run; its others wait here, without a thread, and are
answered 503 when they have waited too long. Requests without a credential pass: what
they may ask for is short.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .bodies import (
    RETRY_SECONDS,
    App,
    Receive,
    Refused,
    Scope,
    Send,
    header_text,
    refuse,
)

__all__ = ["TurnLayer"]

WAIT_SECONDS = 10.0


class TurnLayer:
    """At most ``most`` requests of one login run at a time.

    A login is what the header Authorization says, or the session's cookie ``cookie``.
    """

    def __init__(self, app: App, *, most: int, cookie: str) -> None:
        self.app = app
        self.most = most
        self._cookie = f"{cookie}="
        self._lines: dict[str, Line] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        login = self._login(scope)
        if not login:
            await self.app(scope, receive, send)
            return
        try:
            async with self._turn(login):
                await self.app(scope, receive, send)
        except NoTurn:
            refusal = Refused(
                503,
                f"{self.most} requests of this login are running (cap RUNNING):"
                f" try again in {RETRY_SECONDS} s",
            )
            await refuse(refusal, scope, receive, send)

    def _login(self, scope: Scope) -> str:
        if authorization := header_text(scope["headers"], b"authorization"):
            return authorization
        cookies = header_text(scope["headers"], b"cookie") or ""
        session = (one for one in cookies.split("; ") if one.startswith(self._cookie))
        return next(session, "")

    @asynccontextmanager
    async def _turn(self, login: str) -> AsyncIterator[None]:
        line = self._lines.setdefault(login, Line(self.most))
        line.requests += 1
        try:
            await line.wait()
            try:
                yield
            finally:
                line.turns.release()
        finally:
            line.requests -= 1
            if not line.requests:
                self._lines.pop(login, None)


class NoTurn(Exception):
    """A request has waited for its turn too long."""


class Line:
    """The requests of one login, first come first served."""

    def __init__(self, most: int) -> None:
        self.turns = asyncio.Semaphore(most)
        self.requests = 0

    async def wait(self) -> None:
        if not self.turns.locked():  # mostly, and a timer costs more than that
            await self.turns.acquire()
            return
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self.turns.acquire()
        except TimeoutError:
            raise NoTurn from None
