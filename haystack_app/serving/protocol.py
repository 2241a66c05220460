"""Connections that ask for nothing: closed after a time, or when there are many.

uvicorn keeps a connection that sends nothing, or half of a header, for ever, and counts
it for ``--limit-concurrency``: a thousand of them, and all others are answered 503. So
do requests whose bodies do not arrive, until their time is up (``bodies``).

    uvicorn --http haystack_app.serving.protocol:HttpProtocol project.asgi:application
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HttpProtocol"]

HEAD_SECONDS = 30.0
"""Until the header of a request must have arrived."""
MOST_IDLE = 500
"""Connections of a server without a request; beyond it, the oldest are closed."""

MOST_UPLOADS = 400
"""Requests of a server whose bodies have not arrived; beyond it, the oldest are closed.
"""

_Queue = OrderedDict["HttpProtocol", None]
"""Connections, the one that waits longest first."""
_idle: WeakKeyDictionary[Any, _Queue] = WeakKeyDictionary()
"""By server: its connections without a request."""
_uploads: WeakKeyDictionary[Any, _Queue] = WeakKeyDictionary()
"""By server: those with a request whose body has not arrived."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a time limit for headers, and few silent connections."""

    _timer: asyncio.TimerHandle | None = None

    @property
    def _others(self) -> _Queue:
        return _idle.setdefault(self.server_state, OrderedDict())

    @property
    def _other_uploads(self) -> _Queue:
        return _uploads.setdefault(self.server_state, OrderedDict())

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        self._other_uploads.pop(self, None)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._end_waiting()
        super().on_headers_complete()
        uploads = self._other_uploads
        uploads[self] = None  # until on_message_complete, which may follow at once
        while len(uploads) > MOST_UPLOADS:
            oldest, _ = uploads.popitem(last=False)
            oldest.transport.close()

    def on_message_complete(self) -> None:
        self._other_uploads.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._other_uploads.pop(self, None)
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:  # no other request has arrived
            self._begin_waiting()

    def _begin_waiting(self) -> None:
        self._end_waiting()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._close)
        others = self._others
        others[self] = None
        while len(others) > MOST_IDLE:
            oldest, _ = others.popitem(last=False)
            oldest._close()

    def _end_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._others.pop(self, None)

    def _close(self) -> None:
        self._end_waiting()
        self.transport.close()
