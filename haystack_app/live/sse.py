"""Server-sent events: a stream of them to one client, as fast as the client takes it.

Source: WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeVar

import orjson
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    PermissionDenied,
)

from ..api.exceptions import error_members
from ..auth.caller import Caller
from ..outages import is_outage
from .hub import hub
from .login import Login
from .origins import header

__all__ = ["EventStream", "Message", "Send"]

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
_T = TypeVar("_T")

HEARTBEAT_SECONDS = 15.0
HTTP_1_0_SECONDS = 30.0
"""Longest wait of HTTP/1.0 clients, which get a response that ends."""
_RETRY_MS = 3_000


class ServerStopping(APIException):
    status_code = 503
    default_detail = "The server is shutting down: connect again."


class Unavailable(APIException):
    status_code = 503


class EventStream(ABC):
    """A stream of events; ``start`` is the ASGI message that starts the response.

    A client that reads nothing for ``patience`` seconds is disconnected. The stream is
    a member of the hub, which renews its login.
    """

    def __init__(
        self,
        scope: Mapping[str, Any],
        caller: Caller,
        start: Message,
        patience: float,
    ) -> None:
        credentials = header(scope, "authorization")
        self.login = Login(scope, credentials, caller, None, True)
        self.start = start
        self.patience = patience
        self.is_http_1_0 = scope["http_version"] == "1.0"
        self.clock = asyncio.get_running_loop().time
        self.sent_at = self.clock()
        self.refusal: APIException | None = None
        self.refused = asyncio.Event()

    @property
    @abstractmethod
    def first(self) -> str:
        """The first field of the stream, such as the id to resume from."""

    @abstractmethod
    async def follow(self) -> bool:
        """Send what there is and wait for more. False at the end of the stream."""

    @abstractmethod
    def may_follow(self, login: Login) -> bool:
        """Whether a renewed login may still follow."""

    async def run(self, send: Send) -> None:
        self.send = send
        try:
            await self._send(self.start)
            # without data this is not an event
            await self._send_text(f"retry: {_RETRY_MS}\n{self.first}\n")
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
        """Set the current login; the stream ends if it may not follow any more."""
        if login is None:
            self.refusal = NotAuthenticated()
        elif not self.may_follow(login):
            self.refusal = PermissionDenied()
        else:
            self.login = login
        if self.refusal is not None:
            self.refused.set()

    async def _follow(self) -> None:
        """Send events until the end of the stream. Raises APIException."""
        end = self.clock() + HTTP_1_0_SECONDS if self.is_http_1_0 else float("inf")
        while self.clock() < end:
            if hub().is_stopping:
                raise ServerStopping
            if self.refusal is not None:
                raise self.refusal
            if not await self.follow():
                return

    async def wait_until(self, *waits: Awaitable[Any], seconds: float) -> None:
        """Wait for one of these, a refusal, or the time; says that it is alive."""
        left = max(0.0, self.sent_at + HEARTBEAT_SECONDS - self.clock())
        tasks = [asyncio.ensure_future(one) for one in (*waits, self.refused.wait())]
        try:
            await asyncio.wait(
                tasks, timeout=min(left, seconds), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
        if self.clock() >= self.sent_at + HEARTBEAT_SECONDS:
            await self._send_text(":\n\n")

    async def read(self, answer: Awaitable[_T], what: str, which: object) -> _T:
        """What a database answers. Raises APIException, which ends the stream."""
        try:
            return await answer
        except APIException:
            raise
        except Exception as error:
            if not is_outage(error):  # outages are logged elsewhere
                logger.exception("cannot read the %s %r", what, which)
            raise Unavailable(f"The {what} is not available: connect again.") from None

    async def _send_text(self, text: str) -> None:
        body = text.encode()
        await self._send(
            {"type": "http.response.body", "body": body, "more_body": True}
        )
        self.sent_at = self.clock()

    async def _send(self, message: Message) -> None:
        async with asyncio.timeout(self.patience):
            await self.send(message)


def _end(error: APIException) -> str:
    members = error_members(error, error.status_code, str(error.detail))
    return f"event: end\ndata: {orjson.dumps(members).decode()}\n\n"
