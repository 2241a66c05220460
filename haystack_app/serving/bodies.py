"""Whole request bodies for the WSGI application.

Under WSGI a chunked upload arrives as an empty body and a truncated one passes
as complete. This layer reads the body first, refuses what is too large, too slow or cut
short, and hands the rest on with its true length. Requests that will be answered 401
are handed on without their body, of which nothing is read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import SpooledTemporaryFile
from typing import Any, Self

from .spool import Budget

__all__ = ["BodyLayer", "header_text"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

IN_MEMORY = 1024 * 1024
"""Bytes of an answer that are not on disk."""
SMALL = 64 * 1024
"""Bytes of a body that are not on disk, and are read also if the budget is spent."""
GRACE_SECONDS = 30.0
RATE = 1024
"""Bytes a second that a body must have at least, after the grace."""
CHUNK = 256 * 1024
LINGER_SECONDS = 5.0
RETRY_SECONDS = 5


class Refused(Exception):
    """An answer given without asking the application."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Gone(Exception):
    """The client left before its body was complete."""


class BodyLayer:
    """``limit_of`` tells of a request's scope how many bytes its body may have where
    they are fewer than usual; 0 if the body will not be used.
    """

    def __init__(
        self,
        app: App,
        *,
        max_body: int,
        budget: Budget | None = None,
        limit_of: Callable[[Scope], int | None] = lambda scope: None,
    ) -> None:
        self.app = app
        self.max_body = max_body
        self.budget = budget or Budget(16 * max_body)
        self.limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_framed = has_body(scope["headers"])
        if not is_framed and scope.get("http_version") in ("1.0", "1.1"):
            # without framing there is no body: RFC 9112, section 6.3
            headers = headers_for(scope["headers"], 0)
            await self.app({**scope, "headers": headers}, receive, send)
            return
        limit = self.limit_of(scope) if is_framed else None
        if limit == 0:
            await self.without_body(scope, receive, send)
        else:
            await self.with_body(scope, receive, send, limit or self.max_body)

    async def without_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing is kept of what arrives; nothing arrives if the client can wait."""
        waits = header_text(scope["headers"], b"expect") is not None
        discarding = None if waits else asyncio.create_task(discard(receive))

        async def send_after(message: Message) -> None:
            # what has arrived is discarded first: uvicorn would keep it with the
            # connection, for seconds after that was closed
            await asyncio.sleep(0)
            await send(message)

        try:
            await self.app(
                {**scope, "headers": headers_for(scope["headers"], 0)},
                nothing,
                send_after,
            )
        finally:
            if discarding:
                discarding.cancel()

    async def with_body(
        self, scope: Scope, receive: Receive, send: Send, most: int
    ) -> None:
        with (
            SpooledTemporaryFile(max_size=SMALL) as spool,
            Body(spool, self.budget, min(most, self.max_body)) as body,
        ):
            try:
                await self.read(receive, body, declared_length(scope["headers"]))
            except Refused as refusal:
                await refuse(refusal, scope, receive, send)
                return
            except Gone:
                return
            headers = headers_for(scope["headers"], body.length)
            spool.seek(0)
            await self.app(
                {**scope, "headers": headers},
                replay(spool, body.length, receive),
                send,
            )

    async def read(self, receive: Receive, body: Body, declared: int | None) -> None:
        more = True
        body.check_size(declared or 0)
        while more:
            message = await self.received(receive, body)
            if message["type"] == "http.disconnect":
                raise Gone
            self.keep(body, message.get("body", b""))
            more = message.get("more_body", False)
        if declared is not None and body.length != declared:
            raise Refused(400, f"Body of {body.length} bytes, {declared} declared")

    async def received(self, receive: Receive, body: Body) -> Message:
        try:
            async with asyncio.timeout_at(body.deadline):
                return await receive()
        except TimeoutError:
            raise Refused(
                408,
                f"the body did not arrive in time: after {GRACE_SECONDS:g} s at least"
                f" {RATE // 1024} KB a second is expected",
            ) from None

    def keep(self, body: Body, part: bytes) -> None:
        body.check_size(body.length + len(part))
        if part and body.length + len(part) > SMALL and self.budget.is_spent:
            raise Refused(
                503,
                f"bodies of other requests hold {self.budget.most} bytes (cap SPOOL):"
                f" try again in {RETRY_SECONDS} s",
            )
        body.write(part)


class Body:
    """A body that arrives; its bytes count while the request runs."""

    def __init__(
        self, spool: SpooledTemporaryFile[bytes], budget: Budget, most: int
    ) -> None:
        self.spool = spool
        self.budget = budget
        self.most = most
        self.length = 0
        self._began = asyncio.get_running_loop().time()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.budget.add(-self.length)

    @property
    def deadline(self) -> float:
        """The time of the event loop when more must have arrived."""
        return self._began + GRACE_SECONDS + self.length / RATE

    def check_size(self, length: int) -> None:
        if length > self.most:
            raise Refused(413, f"the body is larger than {self.most} bytes (cap BODY)")

    def write(self, part: bytes) -> None:
        self.length += len(part)
        self.budget.add(len(part))
        self.spool.write(part)


def has_body(headers: Headers) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in headers
    )


def header_text(headers: Headers, name: bytes) -> str | None:
    """A header of any number of lines; None if it is missing."""
    values = [value.decode("latin-1") for one, value in headers if one == name]
    return ", ".join(values) if values else None


def declared_length(headers: Headers) -> int | None:
    """The Content-Length, unless chunks decide the length."""
    names = {name for name, _ in headers}
    values = {value for name, value in headers if name == b"content-length"}
    if not values or b"transfer-encoding" in names:
        return None
    value = values.pop()
    if values or not value.isdigit() or len(value) > 18:
        raise Refused(400, "Malformed Content-Length")
    return int(value)


def headers_for(headers: Headers, length: int) -> Headers:
    framing = {b"content-length", b"transfer-encoding"}
    # WSGI cannot tell `x_forwarded_proto` from `x-forwarded-proto`, so a client
    # could slip a header past the proxy that sets the real one.
    kept = [
        header
        for header in headers
        if header[0] not in framing and b"_" not in header[0]
    ]
    if length or len({name for name, _ in headers} & framing):
        kept.append((b"content-length", str(length).encode()))
    return kept


def replay(
    spool: SpooledTemporaryFile[bytes], length: int, receive: Receive
) -> Receive:
    """The body in chunks, then the messages of the connection."""
    left = length
    done = False

    async def next_message() -> Message:
        nonlocal left, done
        if done:
            return await receive()
        body = spool.read(CHUNK)
        left -= len(body)
        done = left == 0
        return {"type": "http.request", "body": body, "more_body": not done}

    return next_message


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def discard(receive: Receive) -> None:
    """Read to the end of a body, or until the client has left."""
    while (await receive()).get("more_body", False):
        continue


async def refuse(refusal: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    body = json.dumps({"status": refusal.status, "dis": refusal.text}).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-cache, no-store"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": headers,
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if b"expect" not in {name for name, _ in scope["headers"]}:
        await linger(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def linger(receive: Receive) -> None:
    """Let the client finish sending.

    Closing with unread input resets the connection, and the client would see
    that instead of the answer.
    """
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await discard(receive)
    except TimeoutError:
        return
