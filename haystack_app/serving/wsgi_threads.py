"""A WSGI application as an ASGI application, in threads.

What an answer needs of the event loop is the larger part of a small request's cost, so
a body that is there is given to the thread with the request, and an answer that is
whole comes back with the end of the thread's work: one hand-over each way.

Source: PEP 3333, and the ASGI specification of HTTP.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import lru_cache, partial
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from ..instruments import THREADS_BUSY
from .bodies import CHUNK, App, Message, Receive, Scope, Send
from .departures import Departure, current_departure
from .header_names import SPELT
from .memory import LARGE, trimmer

__all__ = ["GONE", "wsgi_in_threads"]

GONE = "haystack.gone"
"""In the scope: the Departure of the client."""


def wsgi_in_threads(app: WSGIApplication, workers: int) -> App:
    """``app`` in at most ``workers`` threads; it stops between two chunks of a streamed
    answer when its client has left.

    A response with ``streaming = False`` and a Content-Length, as Django's are, is
    taken as a whole.
    """
    executor = ThreadPoolExecutor(workers, thread_name_prefix="wsgi")

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        environ = environ_of(scope, await body_of(receive, loop))
        answer = Answer(app, environ, loop, send, scope.get(GONE))
        made: asyncio.Future[Iterable[Message]] = loop.create_future()
        executor.submit(copy_context().run, _make, answer, made)
        for message in await made:
            await send(message)

    return call


def _make(answer: Answer, made: asyncio.Future[Iterable[Message]]) -> None:
    """Set the result of ``made``, at half the cost of ``run_in_executor``."""
    report: Callable[[], None]
    THREADS_BUSY.inc()
    try:
        report = partial(_set, made.set_result, answer.make())
    except BaseException as error:
        report = partial(_set, made.set_exception, error)
    finally:
        THREADS_BUSY.dec()
    with suppress(RuntimeError):  # the event loop was closed
        made.get_loop().call_soon_threadsafe(report)


def _set(method: Callable[[Any], None], value: Any) -> None:
    with suppress(asyncio.InvalidStateError):  # the request was cancelled
        method(value)


class Answer:
    """One answer, made in a thread."""

    def __init__(
        self,
        app: WSGIApplication,
        environ: WSGIEnvironment,
        loop: asyncio.AbstractEventLoop,
        send: Send,
        gone: Departure | None,
    ) -> None:
        self._app = app
        self._environ = environ
        self._loop = loop
        self._send = send
        self._gone = gone
        self._head: Message | None = None
        self._is_sent = False
        self._size = int(environ.get("CONTENT_LENGTH") or 0)  # of body and answer

    def make(self) -> Iterable[Message]:
        """Make the answer and send all but the returned messages."""
        if self._gone and self._gone.is_set:  # while it waited for a thread
            return []
        current_departure.set(self._gone)  # in the context of this request
        response: Any = self._app(self._environ, self._start)
        try:
            if not getattr(response, "streaming", True):
                return self._whole(b"".join(response))
            return self._streamed(response)
        finally:
            # also ends the generators of an answer, and with them the snapshot
            if close := getattr(response, "close", None):
                close()
            if self._size > LARGE:
                trimmer.trim_soon()

    def _whole(self, body: bytes) -> Iterable[Message]:
        self._size += len(body)
        rest = {"type": "http.response.body", "body": body}
        return [rest] if self._is_sent else [self._started(), rest]

    def _streamed(self, chunks: Iterable[bytes]) -> Iterable[Message]:
        for chunk in chunks:
            self._size += len(chunk)
            self._write(chunk)
            if self._gone and self._gone.is_set:
                break
        return self._whole(b"")

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if exc_info and self._is_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        self._head = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": [
                (_name(name), value.encode("latin-1")) for name, value in headers
            ],
        }
        return self._write

    def _write(self, chunk: bytes) -> None:
        if not self._is_sent:
            self._wait_for(self._send(self._started()))
            self._is_sent = True
        message = {"type": "http.response.body", "body": chunk, "more_body": True}
        self._wait_for(self._send(message))

    def _started(self) -> Message:
        if self._head is None:
            raise RuntimeError("the WSGI application did not call start_response")
        return self._head

    def _wait_for(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@lru_cache(1024)
def _name(name: str) -> bytes:
    lower = name.lower().encode("latin-1")
    return SPELT.get(lower, lower)


async def body_of(receive: Receive, loop: asyncio.AbstractEventLoop) -> Any:
    """A file of the body; what is not there yet is waited for by its reader."""
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body", False):
        return BufferedReader(Body(body, receive, loop), CHUNK)
    return BytesIO(body)


class Body(RawIOBase):
    """A body of several messages, read in a thread."""

    def __init__(
        self, first: bytes, receive: Receive, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._left = memoryview(first)
        self._more = True
        self._receive = receive
        self._loop = loop

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and self._more:
            waiting: Coroutine[Any, Any, Message] = self._receive()  # type: ignore[assignment]
            message = asyncio.run_coroutine_threadsafe(waiting, self._loop).result()
            self._left = memoryview(message.get("body", b""))
            self._more = message.get("more_body", False)
        part = self._left[: len(buffer)]
        buffer[: len(part)] = part
        self._left = self._left[len(part) :]
        return len(part)


def environ_of(scope: Scope, body: Any) -> WSGIEnvironment:
    """The request as WSGI has it, of which ``asgi.scope`` is the ASGI form."""
    root = _latin(scope.get("root_path", ""))
    server, port = scope.get("server") or ("localhost", 80)
    environ: WSGIEnvironment = {
        "asgi.scope": scope,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": root,
        "PATH_INFO": _latin(scope["path"]).removeprefix(root),
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if client := scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    for name, value in scope["headers"]:
        key = _key(name)
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


@lru_cache(1024)
def _key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _latin(path: str) -> str:
    """Bytes of UTF-8 in the form of text that WSGI gives them."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")
