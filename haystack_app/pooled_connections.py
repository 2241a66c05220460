"""Connections of a pool that are checked without a round trip to the server.

Only ``databases`` imports this, where psycopg is installed.
"""

from __future__ import annotations

import select
import time
from typing import Any

from psycopg import Connection, OperationalError

from .breaker import Breaker

__all__ = ["CHECK_SECONDS", "PooledConnection"]

CHECK_SECONDS = 5.0
"""Between two checks that ask the server."""


class PooledConnection(Connection[Any]):
    """The pool checks each connection by an empty statement before it lends it.

    A server that ended a connection has closed its socket, which can be seen without
    asking. A server that is gone without a word is found by the check every
    ``CHECK_SECONDS``, or by the next statement.
    """

    _checked = 0.0

    breaker: Breaker | None = None
    """That of the database, set by its engine."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if query != "":
            return super().execute(query, *args, **kwargs)
        now = time.monotonic()
        if now - self._checked < CHECK_SECONDS and not self._has_news():
            return self.cursor()
        result = self._ask(query)
        self._checked = now
        return result

    def _ask(self, query: Any) -> Any:
        if self.breaker is None:
            return super().execute(query)
        key = id(self)
        self.breaker.lend(key, self)  # a server that hangs does not answer
        try:
            return super().execute(query)
        except OperationalError:
            self.breaker.suspect()
            raise
        finally:
            self.breaker.end(key)

    def _has_news(self) -> bool:
        """Whether the server has sent something, or closed the socket."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
