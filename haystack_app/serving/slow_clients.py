"""Clients that take their answer slowly, not at all, or leave.

A streamed answer is made in one of few threads, and a2wsgi makes it as fast as
the client takes it and to its end: ten slow or departed clients would be all the
server has time for. Here the thread runs ahead, on disk where it is far, and ends
soon after the client left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from tempfile import SpooledTemporaryFile
from threading import Event
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from haystack_app.serving.bodies import IN_MEMORY, App, Message, Receive, Scope, Send
from haystack_app.serving.memory import LARGE, trimmer
from haystack_app.serving.spool import Budget

__all__ = ["SlowClientLayer", "until_gone"]

logger = logging.getLogger(__name__)

PIECE = 64 * 1024
AHEAD = 256 * 1024 * 1024
"""Bytes that are kept for one client; then the thread waits after all, or earlier if
the budget of the process is spent."""
_GONE = "haystack.gone"


class SlowClientLayer:
    """The outermost layer: everything sent passes it, and only it receives."""

    def __init__(
        self, app: App, *, patience: float, budget: Budget | None = None
    ) -> None:
        self.app = app
        self.patience = patience
        self.budget = budget or Budget(16 * AHEAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            answer = Answer(spool, self.budget)
            request = Request(receive)
            watcher = asyncio.create_task(request.watch(answer))
            sender = asyncio.create_task(answer.deliver(send, self.patience))
            try:
                scope = {**scope, _GONE: answer.gone}
                await self.app(scope, request.receive, answer.put)
            finally:
                answer.end()
                await sender
                watcher.cancel()
                answer.forget()
        if answer.error:
            raise answer.error


class Request:
    """Notices that the client left, for which no layer asks after the body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = asyncio.Event()

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self._complete.set()
        return message

    async def watch(self, answer: Answer) -> None:
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        answer.abandon()


class Answer:
    """What the application has made and the client has not taken yet.

    ``put`` never raises: a2wsgi would take nothing more from its thread, which
    would wait for ever. It drops what comes for a client that is gone.
    """

    def __init__(self, spool: SpooledTemporaryFile[bytes], budget: Budget) -> None:
        self.gone = Event()
        self.error: Exception | None = None
        self._spool = spool
        self._budget = budget
        self._kept = self._taken = 0
        self._start: Message | None = None
        self._whole = self._ended = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, message: Message) -> None:
        if self.gone.is_set():
            return
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._keep(message.get("body", b""))
            self._whole = not message.get("more_body", False)
        self._news.set()
        await self._room.wait()

    def _keep(self, body: bytes) -> None:
        try:
            self._spool.seek(self._kept)
            self._spool.write(body)
        except OSError as error:  # the disk is full
            self.error = error
            self.abandon()
        self._kept += len(body)
        self._budget.add(len(body))
        if self._kept >= AHEAD or (self._kept > IN_MEMORY and self._budget.is_spent):
            self._room.clear()

    def abandon(self) -> None:
        """Drop the rest, and let the thread that makes it stop."""
        self.gone.set()
        self._news.set()
        self._room.set()

    def forget(self) -> None:
        """What is kept no longer counts."""
        self._budget.add(-self._kept)
        self._kept = 0

    def end(self) -> None:
        """Nothing more comes, be the answer whole or not."""
        self._ended = True
        self._news.set()

    async def deliver(self, send: Send, patience: float) -> None:
        try:
            async for message in self._messages():
                async with asyncio.timeout(patience):
                    await send(message)
        except TimeoutError:
            # without its end the answer passes for what it is: cut off
            logger.warning("a client took nothing for %g s: given up", patience)
            self.abandon()
        except Exception as error:
            self.error = error
            self.abandon()

    async def _messages(self) -> AsyncIterator[Message]:
        while not (self._start or self._ended):
            await self._wait()
        if self._start:
            yield self._start
        while not self.gone.is_set():
            if body := self._take():
                yield {"type": "http.response.body", "body": body, "more_body": True}
            elif self._whole or self._ended:
                break
            else:
                await self._wait()
        if self._whole and not self.gone.is_set():
            yield {"type": "http.response.body", "body": b"", "more_body": False}

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _take(self) -> bytes:
        self._spool.seek(self._taken)
        body = self._spool.read(PIECE)
        self._taken += len(body)
        if self._kept and self._taken == self._kept:
            self.forget()
            self._taken = 0
            self._spool.seek(0)
            self._spool.truncate()
            self._room.set()
        return body


def until_gone(app: WSGIApplication) -> WSGIApplication:
    """``app``, which stops between two chunks when its client has left."""

    def answer(
        environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        gone: Event = environ["asgi.scope"][_GONE]
        body = int(environ.get("CONTENT_LENGTH") or 0)  # of the layer for bodies
        return _chunks(app(environ, start_response), gone, body)

    return answer


def _chunks(response: Any, gone: Event, size: int) -> Iterator[bytes]:
    """``size``: bytes of the request's body."""
    try:
        # Closing ends the generators of the answer, and with them the snapshot.
        with closing(response):
            for chunk in response:
                size += len(chunk)
                yield chunk
                if gone.is_set():
                    return
    finally:
        if size > LARGE:
            trimmer.trim_soon()
