"""``/ws/``: watches that are pushed, and ops; docs/live.md has the messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import PermissionDenied
from rest_framework.exceptions import APIException

from ..api.exceptions import BodyTooLarge, UnreadableRequest
from ..ops.dispatch import brief
from ..outages import TEXT, is_outage
from ..storage.handler import storages
from ..wire import hayson_reader
from ..wire.errors import ParseError
from .login import Login, log_in
from .origins import header, is_foreign
from .send_queue import SendQueue
from .sessions import Session
from .threads import CALLS, in_thread, in_thread_of

__all__ = ["live_app"]

logger = logging.getLogger(__name__)

Message = dict[str, Any]
AUTH_SECONDS = 10.0
_LONG = 16_384
"""Characters of a message; who has not logged in sends none that is longer."""

NO_LOG_IN, FOREIGN_ORIGIN, NO_PROJECT, NO_AUTH = 4401, 4403, 4404, 4408
TRY_LATER = 1013  # of the registry of RFC 6455


async def live_app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application: one websocket.

    The hub of the process listens for changes on behalf of all connections, so
    that none needs a channel of its own.
    """
    await Connection(scope, receive, send).run()


class Connection:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.login: Login | None = None
        self.session: Session | None = None
        self.is_leaving = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.send_queue = SendQueue(self)

    async def run(self) -> None:
        try:
            while True:
                message = await self._receive()
                if message["type"] == "websocket.connect":
                    await self.connect()
                elif message["type"] == "websocket.receive":
                    await self.receive(message.get("text"))
                else:
                    return
        finally:
            self._end()

    async def send(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        """Before the connection is accepted this is an answer with status 403."""
        message = {"type": "websocket.close", "code": code, "reason": reason}
        await self._send(message)

    # -- coming and going -----------------------------------------------------

    async def connect(self) -> None:
        origin = header(self.scope, "origin")
        if origin and is_foreign(self.scope):
            await self.close(FOREIGN_ORIGIN, "the page is from another origin")
            return
        await self._send({"type": "websocket.accept"})
        self._run(self.send_queue.deliver())
        if self.project not in (None, *storages, "sys"):
            await self._leave(NO_PROJECT, "unknown project")
            return
        by_header = bool(header(self.scope, "authorization"))
        by_session = bool(origin) and self._has_session
        if (by_header or by_session) and not await self._stays(by_header):
            return
        if self.login is None:
            self._run(self._expect_auth())

    @property
    def project(self) -> str | None:
        found: str | None = self.scope["url_route"]["kwargs"].get("project")
        return found

    @property
    def _has_session(self) -> bool:
        return settings.SESSION_COOKIE_NAME in header(self.scope, "cookie")

    async def _log_in(self, credentials: str) -> None:
        """Raises APIException."""
        self.login = await in_thread(log_in, self.scope, credentials)
        self.session = Session(self.login, self.project, self.send_queue)
        self.session.on_log_out = self._log_out

    async def _stays(self, by_header: bool) -> bool:
        """Log in by what the upgrade came with; whether the connection stays open.

        A page with an ended session may still log in by a token.
        """
        try:
            await self._log_in("")
        except APIException:
            if by_header:
                await self._leave(NO_LOG_IN, "login failed")
            return not by_header
        except Exception as error:
            if not is_outage(error):
                raise
            await self._leave(TRY_LATER, TEXT)
            return False
        return True

    async def _expect_auth(self) -> None:
        await asyncio.sleep(AUTH_SECONDS)
        if self.login is None:
            await self._leave(NO_AUTH, "no auth in time")

    def _log_out(self) -> None:
        self._run(self._leave(NO_LOG_IN, "the login has ended"))

    async def _renew(self) -> Session:
        """The session, with what its caller may do as of now. Raises APIException."""
        assert self.login is not None and self.session is not None
        session = self.session  # it may end meanwhile
        self.login = await in_thread(self.login.renewed)
        session.renew(self.login)
        return session

    async def _leave(self, code: int, reason: str) -> None:
        if self.is_leaving:
            return
        self.is_leaving = True
        if self.session is not None:
            self.session.end()
        await self.send_queue.empty(1.0)
        self._end()
        with suppress(Exception):  # each server raises its own if the client left
            await self.close(code, reason)

    def _end(self) -> None:
        if self.session is not None:
            self.session.end()
            self.session = None
        current = asyncio.current_task()
        for task in self.tasks - {current}:
            task.cancel()

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- messages -------------------------------------------------------------

    async def receive(self, text: str | None) -> None:
        message: Message = {}
        try:
            message = await self._read(text)
            await self._answer(message)
        except APIException as error:
            await self._refuse(message, error.status_code, str(error.detail))
        except PermissionDenied as error:
            await self._refuse(message, 403, str(error))
        except Exception as error:
            if is_outage(error):
                await self._refuse(message, 503, TEXT)
                return
            logger.exception("a message could not be answered")
            await self._refuse(message, 500, "internal error")

    async def _read(self, text: str | None) -> Message:
        """A message; a long one is read in a thread. Raises APIException."""
        if text is None:
            raise UnreadableRequest("messages are JSON in text frames")
        if len(text) <= _LONG:
            return _read(text)
        if self.session is None:
            raise BodyTooLarge("log in first: the message is too long")
        return await in_thread_of(CALLS, _read, text)

    async def _answer(self, message: Message) -> None:
        op = message["op"]
        if op == "ping":
            await self._say({"op": "pong"}, message)
        elif op == "auth":
            await self._auth(message)
        elif self.session is None:
            await self._refuse(message, 401, "log in first: auth with a token")
        elif op == "ack":
            self.session.ack(message)
        else:
            await self._call(op, message)

    async def _auth(self, message: Message) -> None:
        token = message.get("token")
        if self.session is not None:
            raise UnreadableRequest("already logged in")
        if not isinstance(token, str) or not token:
            raise UnreadableRequest("auth needs a token")
        try:
            await self._log_in(f"Bearer {token}")
        except APIException as error:
            await self._refuse(message, error.status_code, str(error.detail))
            await self._leave(NO_LOG_IN, "login failed")
            return
        assert self.login is not None
        user = self.login.caller.username
        await self._say({"op": "auth", "user": user}, message)

    async def _call(self, op: str, message: Message) -> None:
        try:
            session = await self._renew()
        except APIException as error:
            await self._refuse(message, error.status_code, str(error.detail))
            await self._leave(NO_LOG_IN, "the login has ended")
            return
        special: Mapping[str, Callable[[Message], Awaitable[None]]] = {
            "sub": session.sub,
            "resume": session.resume,
            "refresh": session.refresh,
            "unsub": session.unsub,
        }
        act = special.get(op, session.call)
        await act(message)
        await self.send_queue.room()

    async def _say(self, words: Message, to: Message) -> None:
        if "ref" in to:
            words["ref"] = to["ref"]
        self.send_queue.send_soon(orjson.dumps(words).decode())
        await self.send_queue.room()

    async def _refuse(self, message: Message, status: int, dis: str) -> None:
        error = {"status": status, "dis": brief(dis)}
        await self._say({"op": message.get("op"), "error": error}, message)


def _read(text: str) -> Message:
    """A message. Raises UnreadableRequest."""
    try:
        found = hayson_reader.parse_json(text)
    except ParseError as error:
        raise UnreadableRequest(str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("op"), str):
        raise UnreadableRequest("a message is an object with an op")
    if not isinstance(found.get("ref"), str | int | float | None):
        raise UnreadableRequest("ref is a number or a text")
    return found
