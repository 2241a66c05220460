"""Server-sent events: the change log for one client, as fast as the client takes it.

Source: WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    PermissionDenied,
)

from ..api.changes import PendingChanges
from ..api.exceptions import Gone, error_members
from ..ops.changes import CursorExpired, Page
from ..outages import is_outage
from .changes_reader import page_after, poll_interval, wait_for_growth
from .hub import hub
from .login import Login
from .origins import header

__all__ = ["EventStream"]

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

PAGE = 100
HEARTBEAT_SECONDS = 15.0
HTTP_1_0_SECONDS = 30.0
"""Longest wait of HTTP/1.0 clients, which get a response that ends."""
_RETRY_MS = 3_000


class LogUnavailable(APIException):
    status_code = 503
    default_detail = "The change log is not available: connect again."


class ServerStopping(APIException):
    status_code = 503
    default_detail = "The server is shutting down: connect again."


class EventStream:
    """A stream of events; ``start`` is the ASGI message that starts the response.

    A page of the log is read when the previous one was sent. A client that reads
    nothing for ``patience`` seconds is disconnected. It is a member of the hub, which
    renews its login.
    """

    def __init__(
        self,
        scope: Mapping[str, Any],
        following: PendingChanges,
        start: Message,
        patience: float,
    ) -> None:
        credentials = header(scope, "authorization")
        self.login = Login(scope, credentials, following.caller, None, True)
        self.alias = following.alias
        self.cursor = following.cursor
        self.start = start
        self.patience = patience
        self.is_http_1_0 = scope["http_version"] == "1.0"
        self.clock = asyncio.get_running_loop().time
        self.sent_at = self.clock()
        self.refusal: APIException | None = None
        self.refused = asyncio.Event()

    async def run(self, send: Send) -> None:
        self.send = send
        try:
            await self._send(self.start)
            # without data this is not an event, but sets the id to resume from
            await self._send_text(f"retry: {_RETRY_MS}\nid: {self.cursor}\n\n")
            try:
                hub().members.add(self)
                await self._follow()
            except APIException as error:
                await self._send_text(_end(error))
            finally:
                hub().members.discard(self)
            await self._send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            logger.warning("event stream closed: nothing read for %g s", self.patience)

    def renew(self, login: Login | None) -> None:
        """Set the current login; the stream ends if it may not follow the log."""
        if login is None:
            self.refusal = NotAuthenticated()
        elif not login.may_watch or login.visible is not None:
            self.refusal = PermissionDenied()
        else:
            self.login = login
        if self.refusal is not None:
            self.refused.set()

    async def _follow(self) -> None:
        """Send events; returns only for HTTP/1.0. Raises APIException."""
        end = self.clock() + HTTP_1_0_SECONDS if self.is_http_1_0 else float("inf")
        while self.clock() < end:
            if hub().is_stopping:
                raise ServerStopping
            if self.refusal is not None:
                raise self.refusal
            growth = hub().growth(self.alias)
            page = await self._page(growth)
            if page.entries:
                await self._send_text("".join(_event(*entry) for entry in page.entries))
                self.cursor = page.cursor
                if self.is_http_1_0:
                    return
            if not page.more:
                await self._wait(growth)

    async def _page(self, growth: asyncio.Event) -> Page:
        try:
            return await page_after(growth, self.alias, self.cursor, PAGE)
        except CursorExpired as error:
            raise Gone(error) from None
        except Exception as error:
            if not is_outage(error):  # outages are logged elsewhere
                logger.exception("cannot read the change log of %r", self.alias)
            raise LogUnavailable from None

    async def _wait(self, growth: asyncio.Event) -> None:
        left = max(0.0, self.sent_at + HEARTBEAT_SECONDS - self.clock())
        seconds = min(left, poll_interval())
        waits = [wait_for_growth(growth, seconds), self.refused.wait()]
        tasks = [asyncio.ensure_future(one) for one in waits]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
        if self.clock() >= self.sent_at + HEARTBEAT_SECONDS:
            await self._send_text(":\n\n")

    async def _send_text(self, text: str) -> None:
        body = text.encode()
        await self._send(
            {"type": "http.response.body", "body": body, "more_body": True}
        )
        self.sent_at = self.clock()

    async def _send(self, message: Message) -> None:
        async with asyncio.timeout(self.patience):
            await self.send(message)


def _event(position: int, text: str) -> str:
    return f"id: {position}\nevent: change\ndata: {text}\n\n"


def _end(error: APIException) -> str:
    members = error_members(error, error.status_code, str(error.detail))
    return f"event: end\ndata: {orjson.dumps(members).decode()}\n\n"
