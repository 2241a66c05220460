"""``/ws/``: websockets that push watches and run ops; messages: docs/live.md."""

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

from ..api.exceptions import BadRequest, BodyTooLarge
from ..instruments import SOCKETS
from ..ops.dispatch import truncate
from ..outages import outage_of
from ..storage.handler import storages
from ..wire import hayson_reader
from ..wire.errors import ParseError
from .arriving import Arriving
from .login import Login, log_in
from .origins import header, is_foreign
from .send_queue import SendQueue
from .sessions import Session
from .threads import CALLS, in_thread, in_thread_of

__all__ = ["live_app"]

logger = logging.getLogger(__name__)

Message = dict[str, Any]
AUTH_SECONDS = 10.0
_AFTER_LOG_OUT = 0.2
_LONG = 16_384
"""Characters of the longest message that is accepted before login."""

NOT_LOGGED_IN, FOREIGN_ORIGIN, NO_PROJECT, NO_AUTH = 4401, 4403, 4404, 4408
TRY_LATER = 1013  # of the registry of RFC 6455


async def live_app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI application for one websocket.

    The hub of the process receives changes for all connections, so connections do
    not need channels of their own.
    """
    await Connection(scope, receive, send).run()


class Connection:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.arriving = Arriving(receive)
        self.login: Login | None = None
        self.session: Session | None = None
        self.is_closing = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.send_queue = SendQueue(self)

    async def run(self) -> None:
        SOCKETS.inc()
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
            SOCKETS.dec()
            self._end()

    async def send(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        """Close the connection; before it is accepted, this is status 403."""
        message = {"type": "websocket.close", "code": code, "reason": reason}
        await self._send(message)

    # -- connecting -----------------------------------------------------------

    async def connect(self) -> None:
        origin = header(self.scope, "origin")
        if origin and is_foreign(self.scope):
            await self.close(FOREIGN_ORIGIN, "the page is from another origin")
            return
        by_header = bool(header(self.scope, "authorization"))
        by_session = bool(origin) and self._has_session
        self.arriving.begin(has_credentials=by_header or by_session)
        await self._send({"type": "websocket.accept"})
        self._run(self.send_queue.deliver())
        if self.project not in (None, *storages, "sys"):
            self.arriving.decided(is_logged_in=False)
            await self._close_with(NO_PROJECT, "unknown project")
            return
        if (by_header or by_session) and not await self._authenticate(by_header):
            return
        if self.login is None:
            self._run(self._wait_for_auth())

    @property
    def project(self) -> str | None:
        found: str | None = self.scope["url_route"]["kwargs"].get("project")
        return found

    @property
    def _has_session(self) -> bool:
        return settings.SESSION_COOKIE_NAME in header(self.scope, "cookie")

    async def _log_in(self, credentials: str) -> None:
        """Set login and session. Raises APIException."""
        self.login = await in_thread(log_in, self.scope, credentials)
        self.session = Session(self.login, self.project, self.send_queue)
        self.session.on_log_out = self._log_out
        self.arriving.decided(is_logged_in=True)

    async def _authenticate(self, by_header: bool) -> bool:
        """Log in with the headers of the upgrade; False if the connection was closed.

        A page with an expired session may still log in with a token.
        """
        try:
            await self._log_in("")
        except APIException:
            self.arriving.decided(is_logged_in=False)
            if by_header:
                await self._close_with(NOT_LOGGED_IN, "login failed")
            return not by_header
        except Exception as error:
            self.arriving.decided(is_logged_in=False)
            if (outage := outage_of(error)) is None:
                raise
            await self._close_with(TRY_LATER, outage.text)
            return False
        return True

    async def _wait_for_auth(self) -> None:
        await asyncio.sleep(AUTH_SECONDS)
        if self.login is None:
            await self._close_with(NO_AUTH, "auth message not received in time")

    def _log_out(self) -> None:
        reason = "the login has ended"
        self._run(self._close_with(NOT_LOGGED_IN, reason, patience=_AFTER_LOG_OUT))

    async def _renew(self) -> Session:
        """The session with current permissions of its caller. Raises APIException."""
        assert self.login is not None and self.session is not None
        session = self.session  # it may end during the await
        self.login = await in_thread(self.login.renewed)
        session.renew(self.login)
        return session

    async def _close_with(self, code: int, reason: str, patience: float = 1.0) -> None:
        """Close after the messages that wait are sent, for at most ``patience`` s."""
        if self.is_closing:
            return
        self.is_closing = True
        if self.session is not None:
            self.session.end()
        await self.send_queue.drain(patience)
        self._end()
        with suppress(Exception):  # of the server, if the client has disconnected
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
            await self._reply_error(message, error.status_code, str(error.detail))
        except PermissionDenied as error:
            await self._reply_error(message, 403, str(error))
        except Exception as error:
            if outage := outage_of(error):
                await self._reply_error(message, outage.status, outage.text)
                return
            logger.exception("message failed")
            await self._reply_error(message, 500, "internal error")

    async def _read(self, text: str | None) -> Message:
        """Parse a message, a long one in a thread. Raises APIException."""
        if text is None:
            raise BadRequest("messages must be JSON in text frames")
        if len(text) <= _LONG:
            return _read(text)
        if self.session is None:
            raise BodyTooLarge("the message is too long before login")
        return await in_thread_of(CALLS, _read, text)

    async def _answer(self, message: Message) -> None:
        op = message["op"]
        if op == "ping":
            await self._reply({"op": "pong"}, message)
        elif op == "auth":
            await self._auth(message)
        elif self.session is None:
            await self._reply_error(
                message, 401, "not authenticated: send auth with a token"
            )
        elif op == "ack":
            self.session.ack(message)
        else:
            await self._call(op, message)

    async def _auth(self, message: Message) -> None:
        token = message.get("token")
        if self.session is not None:
            raise BadRequest("already logged in")
        if not isinstance(token, str) or not token:
            raise BadRequest("missing token")
        try:
            await self._log_in(f"Bearer {token}")
        except APIException as error:
            await self._reply_error(message, error.status_code, str(error.detail))
            await self._close_with(NOT_LOGGED_IN, "login failed")
            return
        assert self.login is not None
        user = self.login.caller.username
        await self._reply({"op": "auth", "user": user}, message)

    async def _call(self, op: str, message: Message) -> None:
        try:
            session = await self._renew()
        except APIException as error:
            await self._reply_error(message, error.status_code, str(error.detail))
            await self._close_with(NOT_LOGGED_IN, "the login has ended")
            return
        special: Mapping[str, Callable[[Message], Awaitable[None]]] = {
            "sub": session.sub,
            "resume": session.resume,
            "refresh": session.refresh,
            "unsub": session.unsub,
        }
        act = special.get(op, session.call)
        await act(message)
        await self.send_queue.wait_for_room()

    async def _reply(self, answer: Message, to: Message) -> None:
        if "ref" in to:
            answer["ref"] = to["ref"]
        self.send_queue.send_soon(orjson.dumps(answer).decode())
        await self.send_queue.wait_for_room()

    async def _reply_error(self, message: Message, status: int, dis: str) -> None:
        error = {"status": status, "dis": truncate(dis)}
        await self._reply({"op": message.get("op"), "error": error}, message)


def _read(text: str) -> Message:
    """Parse a message. Raises BadRequest."""
    try:
        found = hayson_reader.parse_json(text)
    except ParseError as error:
        raise BadRequest(str(error)) from None
    if not isinstance(found, dict) or not isinstance(found.get("op"), str):
        raise BadRequest("a message must be an object with the string op")
    if not isinstance(found.get("ref"), str | int | float | None):
        raise BadRequest("ref must be a number or a string")
    return found
