"""Server-sent events: the change log for one client, as fast as the client takes it.

Source: WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson
from rest_framework.exceptions import APIException, PermissionDenied

from ..api.changes import Following
from ..api.exceptions import Gone, members_of
from ..auth.caller import READ
from ..auth.roles import VIEW
from ..ops.changes import CursorExpired, Page, check_may_follow
from ..ops.dispatch import context_for
from ..outages import is_outage
from .changes_reader import page_after, poll_interval, wait_for_growth
from .hub import RENEW_SECONDS, hub
from .login import log_in
from .threads import in_thread

__all__ = ["EventStream"]

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

PAGE = 100
HEARTBEAT_SECONDS = 15.0
OLD_SECONDS = 30.0
"""What a client of HTTP/1.0 is kept waiting: it gets an answer as a whole."""
_RETRY_MS = 3_000


class Failing(APIException):
    status_code = 503
    default_detail = "The change log cannot be read at present: connect again."


class Stopping(APIException):
    status_code = 503
    default_detail = "The server stops: connect again."


class EventStream:
    """``start`` is the head of the answer.

    A page of the log is read when the one before has left. Who takes nothing for
    ``patience`` seconds is given up.
    """

    def __init__(
        self,
        scope: Mapping[str, Any],
        following: Following,
        start: Message,
        patience: float,
    ) -> None:
        self.scope = scope
        self.alias = following.alias
        self.cursor = following.cursor
        self.start = start
        self.patience = patience
        self.is_whole = scope["http_version"] == "1.0"
        self.clock = asyncio.get_running_loop().time
        self.said = self.renewed = self.clock()

    async def run(self, send: Send) -> None:
        self.send = send
        try:
            await self._send(self.start)
            # without data it is no event, but where to resume
            await self._say(f"retry: {_RETRY_MS}\nid: {self.cursor}\n\n")
            try:
                await self._follow()
            except APIException as error:
                await self._say(_end(error))
            await self._send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            logger.warning("a follower took nothing for %g s: given up", self.patience)

    async def _follow(self) -> None:
        """Until the end of an answer that has one. Raises APIException."""
        end = self.clock() + OLD_SECONDS if self.is_whole else float("inf")
        while self.clock() < end:
            if hub().is_stopping:
                raise Stopping
            await self._renew_in_time()
            growth = hub().growth(self.alias)
            page = await self._page(growth)
            if page.entries:
                await self._say("".join(_event(*entry) for entry in page.entries))
                self.cursor = page.cursor
                if self.is_whole:
                    return
            if not page.more:
                await self._listen(growth)

    async def _page(self, growth: asyncio.Event) -> Page:
        try:
            return await page_after(growth, self.alias, self.cursor, PAGE)
        except CursorExpired as error:
            raise Gone(error) from None
        except Exception as error:
            if not is_outage(error):  # of these the log is full already
                logger.exception("the change log of %r cannot be read", self.alias)
            raise Failing from None

    async def _listen(self, growth: asyncio.Event) -> None:
        due = min(self.said + HEARTBEAT_SECONDS, self.renewed + RENEW_SECONDS)
        left = max(0.0, due - self.clock())
        await wait_for_growth(growth, min(left, poll_interval()))
        if self.clock() >= self.said + HEARTBEAT_SECONDS:
            await self._say(":\n\n")

    async def _renew_in_time(self) -> None:
        if self.clock() < self.renewed + RENEW_SECONDS:
            return
        self.renewed = self.clock()
        try:
            await in_thread(_check, self.scope, self.alias)
        except (APIException, PermissionDenied):
            raise
        except Exception:  # the database is down: the log says so, too
            logger.info("a log-in could not be looked at again", exc_info=True)

    async def _say(self, text: str) -> None:
        body = text.encode()
        await self._send(
            {"type": "http.response.body", "body": body, "more_body": True}
        )
        self.said = self.clock()

    async def _send(self, message: Message) -> None:
        async with asyncio.timeout(self.patience):
            await self.send(message)


def _check(scope: Mapping[str, Any], alias: str) -> None:
    """Whether the caller may still follow. Raises APIException."""
    caller = log_in(scope).caller
    caller.check(VIEW, READ)
    check_may_follow(context_for(alias, caller))


def _event(place: int, text: str) -> str:
    return f"id: {place}\nevent: change\ndata: {text}\n\n"


def _end(error: APIException) -> str:
    members = members_of(error, error.status_code, str(error.detail))
    return f"event: end\ndata: {orjson.dumps(members).decode()}\n\n"
