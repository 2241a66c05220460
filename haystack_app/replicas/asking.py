"""Threads that ask servers how they are, by connections of their own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock, Thread, Timer
from typing import Any

from ..breaker import shut

__all__ = ["ANSWER_SECONDS", "Asker", "Loop", "ask", "connect"]

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0
"""A server that does not answer within this time hangs."""
_CONNECT_SECONDS = 2
"""libpq has no shorter ones."""
_NO_SERVER_CURSORS = ("cursor_factory", "context")


def connect(parameters: Mapping[str, Any]) -> Any:
    """A connection by parameters of psycopg. Raises its OperationalError."""
    import psycopg

    plain = {
        name: value
        for name, value in parameters.items()
        if name not in _NO_SERVER_CURSORS
    }
    words = {**plain, "connect_timeout": _CONNECT_SECONDS, "autocommit": True}
    raw: Any = psycopg.connect(**words)
    return raw


def ask(raw: Any, statement: str, params: Sequence[Any] = ()) -> Any:
    """The first row; the connection is closed under a server that hangs."""
    timer = Timer(ANSWER_SECONDS, shut, [raw])
    timer.daemon = True
    timer.start()
    try:
        return raw.execute(statement, params).fetchone()
    finally:
        timer.cancel()


class Loop:
    """Calls a function again and again, in a thread."""

    def __init__(self, name: str, call: Callable[[], None], seconds: float) -> None:
        self.name = name
        self._call = call
        self._seconds = seconds
        self._thread: Thread | None = None
        self._lock = Lock()
        self._is_ended = False

    def start(self) -> None:
        """Also in a process that forked, where the thread has not."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                name = f"haystack-{self.name}"
                self._thread = Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def end(self) -> None:
        self._is_ended = True

    def _run(self) -> None:
        while not self._is_ended:
            try:
                self._call()
            except Exception:
                logger.exception("%s failed", self.name)
            time.sleep(self._seconds)


class Asker:
    """Calls ``round`` with a connection, which is opened when it is needed.

    ``opened`` may refuse a new connection. Errors are passed to ``failed``, and the
    next round has a new connection.
    """

    def __init__(
        self,
        parameters: Callable[[], Mapping[str, Any]],
        round: Callable[[Any], None],
        failed: Callable[[Exception], None],
        opened: Callable[[Any], None] = lambda raw: None,
    ) -> None:
        self._parameters = parameters
        self._round = round
        self._failed = failed
        self._opened = opened
        self._raw: Any = None

    def cut(self) -> None:
        """End the connection, also of a round that waits."""
        if self._raw is not None:
            shut(self._raw)

    def __call__(self) -> None:
        try:
            if self._raw is None:
                self._raw = connect(self._parameters())
                self._opened(self._raw)
            self._round(self._raw)
        except Exception as error:
            raw, self._raw = self._raw, None
            if raw is not None:
                with suppress(Exception):
                    raw.close()
            self._failed(error)
