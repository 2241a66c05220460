"""Answers for HTTP/1.0 clients, which know no chunks.

An answer without a length goes out in chunks, and uvicorn sends them to these
clients too, who take the framing for a part of the body. This layer holds such
an answer back, on disk where it is long, and sends it with its length.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile

from haystack_app.serving.bodies import (
    CHUNK,
    IN_MEMORY,
    App,
    Message,
    Receive,
    Scope,
    Send,
)

__all__ = ["OldClientLayer"]


class OldClientLayer:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["http_version"] != "1.0":
            await self.app(scope, receive, send)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY) as spool:
            await self.app(scope, receive, holding(spool, send))


def holding(spool: SpooledTemporaryFile[bytes], send: Send) -> Send:
    """A ``send`` that keeps what has no length until its end is known.

    Of an answer that fails nothing is sent, and the server says so.
    """
    start: Message | None = None

    async def hold(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and not has_length(message):
            start = message
        elif start is None:
            await send(message)
        else:
            spool.write(message.get("body", b""))
            if not message.get("more_body", False):
                await release(start, spool, send)

    return hold


def has_length(start: Message) -> bool:
    return any(name.lower() == b"content-length" for name, _ in start["headers"])


async def release(
    start: Message, spool: SpooledTemporaryFile[bytes], send: Send
) -> None:
    length = (b"content-length", str(spool.tell()).encode())
    await send({**start, "headers": [*start["headers"], length]})
    spool.seek(0)
    while body := spool.read(CHUNK):
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
