"""Clients that leave before their answer: what runs for them is stopped.

A streamed answer stops between two chunks, and a statement is cancelled on the server:
no client waits for its rows, but others wait for its thread, its connection and its
locks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

__all__ = ["Departure", "current_departure"]

_CANCEL_SECONDS = 2.0


_ENDINGS = ("ROLLBACK", "RELEASE", "COMMIT")
"""Statements that end what others began."""


class ClientLeft(OperationalError):
    """A statement of a client that has left, which is not run."""

    sqlstate = "57014"  # as of one that was cancelled

    def __init__(self) -> None:
        super().__init__("the client has left")


class Departure:
    """Whether the client of a request has left.

    It is kept with the request until that is collected as garbage, so it refers to
    nothing of the connection.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._cancel: Callable[[], None] | None = None
        self._lock = Lock()

    def cancel(self) -> None:
        """Cancel the statement that runs for the request; this may take seconds."""
        with self._lock:  # so long the statement's connection is not lent to others
            if self._cancel:
                self._cancel()

    def watch(self, cancel: Callable[[], None] | None) -> None:
        """What cancels the statement that begins; None when it has ended."""
        with self._lock:
            self._cancel = cancel


current_departure: ContextVar[Departure | None] = ContextVar(
    "haystack_departure", default=None
)


def _cancellable(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """An execute wrapper of all connections."""
    departure = current_departure.get()
    if departure is None or str(sql).startswith(_ENDINGS):
        return execute(sql, params, many, context)
    if departure.is_set:
        raise ClientLeft
    departure.watch(_canceller(context["connection"]))
    try:
        return execute(sql, params, many, context)
    finally:
        departure.watch(None)


def _canceller(connection: BaseDatabaseWrapper) -> Callable[[], None]:
    raw: Any = connection.connection
    if connection.vendor == "postgresql":
        return lambda: _cancel_on_server(raw)
    interrupt: Callable[[], None] = raw.interrupt
    return interrupt


def _cancel_on_server(raw: Any) -> None:
    from psycopg import Error

    try:
        raw.cancel_safe(timeout=_CANCEL_SECONDS)
    except (Error, OSError):  # the server cannot be reached: the statement has ended
        return


def _install(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _cancellable not in connection.execute_wrappers:
        # first: Django removes the last one when a context of a wrapper ends
        connection.execute_wrappers.insert(0, _cancellable)


connection_created.connect(_install, dispatch_uid="haystack_app.serving.departures")
