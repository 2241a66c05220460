"""Clients that take their answer slowly, not at all, or leave.

A streamed answer is made in one of few threads: ten slow or departed clients would be
all the server has time for. Here the thread runs ahead, on disk where it is far, and
ends soon after the client left.
"""

from __future__ import annotations

import asyncio
import logging

from .answer_queue import PIECE, AnswerQueue
from .bodies import App, Message, Receive, Scope, Send
from .departures import Departure
from .spool import Budget
from .wsgi_threads import GONE

__all__ = ["SlowClientLayer"]

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.05
"""A request that takes longer is watched for the departure of its client."""


class SlowClientLayer:
    """The outermost layer: everything sent passes it, and only it receives."""

    def __init__(self, app: App, *, patience: float, budget: Budget) -> None:
        self.app = app
        self.patience = patience
        self.budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send, self.patience, self.budget)
        request = Request(receive, answer)
        try:
            await self.app({**scope, GONE: answer.gone}, request.receive, answer.put)
        finally:
            await answer.end()
            request.end()
        if answer.error:
            raise answer.error


class Request:
    """Notices that the client left, for which no layer asks after the body."""

    def __init__(self, receive: Receive, answer: Answer) -> None:
        self._receive = receive
        self._answer = answer
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        if self._timer is None and not message.get("more_body", False):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(WATCH_SECONDS, self._begin)
        return message

    def _begin(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._answer.abandon()
        await asyncio.to_thread(self._answer.gone.cancel)

    def end(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._watcher:
            self._watcher.cancel()


class Answer:
    """An answer on its way: at once if it is short and whole, else through a queue.

    ``put`` never raises: it drops what comes for a client that is gone.
    """

    def __init__(self, send: Send, patience: float, budget: Budget) -> None:
        self.gone = Departure()
        self.error: Exception | None = None
        self._send = send
        self._patience = patience
        self._budget = budget
        self._start: Message | None = None
        self._queue: AnswerQueue | None = None
        self._delivery: asyncio.Task[None] | None = None

    async def put(self, message: Message) -> None:
        if self.gone.is_set:
            return
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._queue is None:
            if not more and len(body) <= PIECE:
                await self._deliver(message)
                return
            self._queue = AnswerQueue(self._budget)
            self._delivery = asyncio.create_task(self._deliver(self._queue))
        try:
            await self._queue.put(body, more=more)
        except OSError as error:  # the disk is full
            self.error = error
            self.abandon()

    def abandon(self) -> None:
        """Drop the rest, and let the thread that makes it stop."""
        self.gone.is_set = True
        if self._queue:
            self._queue.drop()

    async def end(self) -> None:
        """Nothing more comes, be the answer whole or not: deliver what is there."""
        if self._queue and self._delivery:
            self._queue.end()
            await self._delivery
            self._queue.close()

    async def _deliver(self, body: Message | AnswerQueue) -> None:
        try:
            async with asyncio.timeout(self._patience):
                if self._start:
                    await self._send(self._start)
                if not isinstance(body, AnswerQueue):
                    await self._send(body)
                    return
            async for message in body.messages():
                async with asyncio.timeout(self._patience):
                    await self._send(message)
        except TimeoutError:
            # without its end the answer passes for what it is: cut off
            logger.warning("a client took nothing for %g s: given up", self._patience)
            self.abandon()
        except Exception as error:
            self.error = error
            self.abandon()
