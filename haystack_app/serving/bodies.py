"""Whole request bodies for the WSGI application.

Under WSGI a chunked upload arrives as an empty body and a truncated one passes
as complete. This layer reads the body first, refuses what is too large or cut
short, and hands the rest on with its true length.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from tempfile import SpooledTemporaryFile
from typing import Any

__all__ = ["BodyLayer", "header_text"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

IN_MEMORY = 1024 * 1024
CHUNK = 256 * 1024
LINGER_SECONDS = 5.0


class Refused(Exception):
    """An answer given without asking the application."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Gone(Exception):
    """The client left before its body was complete."""


class BodyLayer:
    def __init__(self, app: App, *, max_body: int) -> None:
        self.app = app
        self.max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            try:
                declared = declared_length(scope["headers"])
                length = await self.read(receive, spool, declared)
            except Refused as refusal:
                await refuse(refusal, scope, receive, send)
                return
            except Gone:
                return
            headers = headers_for(scope["headers"], length)
            spool.seek(0)
            await self.app(
                {**scope, "headers": headers},
                replay(spool, length, receive),
                send,
            )

    async def read(
        self, receive: Receive, spool: SpooledTemporaryFile[bytes], declared: int | None
    ) -> int:
        """Fill ``spool``; return the number of bytes."""
        length = 0
        more = True
        self.check_size(declared or 0)
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body = message.get("body", b"")
            length += len(body)
            self.check_size(length)
            spool.write(body)
            more = message.get("more_body", False)
        if declared is not None and length != declared:
            raise Refused(400, f"Body of {length} bytes, {declared} declared")
        return length

    def check_size(self, length: int) -> None:
        if length > self.max_body:
            raise Refused(
                413, f"the body is larger than {self.max_body} bytes (cap BODY)"
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


async def refuse(refusal: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    body = json.dumps({"status": refusal.status, "dis": refusal.text}).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"cache-control", b"no-cache, no-store"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
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
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
