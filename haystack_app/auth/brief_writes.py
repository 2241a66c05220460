"""Small writes of logins that never wait for the lock of SQLite.

SQLite has one writer at a time, and a load or another program may be that for long.
What a login writes is done at once where the lock is free, and else by a thread when it
is free again; so are notes such as when a token was used. Other databases lock rows,
and nothing changes there, unless no standby confirms commits: then notes wait, too.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import Lock, Thread
from time import sleep

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..outages import LOCKED, Unstored, outage_of
from ..sql.sqlite_waiting import waiting

__all__ = ["LATER", "is_locked", "now_or_later", "unless_locked"]

logger = logging.getLogger("haystack_app.auth")

_WAIT_SECONDS = 0.2
_RETRY_SECONDS = 0.2
_MOST = 10_000
"""Writes that wait in a process; further ones are dropped."""

Write = Callable[[], object]


def unless_locked(write: Write, wait_seconds: float = _WAIT_SECONDS) -> bool:
    """Do a write of the default database; False if the lock is not free."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "sqlite":
        write()
        return True
    try:
        with _waiting(connection, wait_seconds):
            write()
    except OperationalError as error:
        if not is_locked(error):
            raise
        return False
    return True


def now_or_later(write: Write) -> bool:
    """Do a write now, or have it done when the lock is free; whether it is done."""
    if _is_done(write):
        return True
    LATER.add(write)
    return False


def _is_done(write: Write) -> bool:
    """A note is no reason to refuse a read, for which no standby is needed."""
    try:
        return unless_locked(write)
    except Unstored:
        return False


def is_locked(error: BaseException) -> bool:
    return outage_of(error) is LOCKED


def _waiting(
    connection: BaseDatabaseWrapper, seconds: float
) -> AbstractContextManager[None]:
    if connection.in_atomic_block:  # which has the lock
        return nullcontext()
    connection.ensure_connection()
    return waiting(connection.connection, seconds)


class Later:
    """Writes in their order, done by a thread that ends after the last one."""

    def __init__(self) -> None:
        self._writes: deque[Write] = deque()
        self._lock = Lock()
        self._runs = False

    def add(self, write: Write) -> None:
        with self._lock:
            if len(self._writes) >= _MOST:
                logger.error("the database is locked for long: a write was dropped")
                return
            self._writes.append(write)
            if not self._runs:
                self._runs = True
                Thread(target=self._run, name="haystack-later", daemon=True).start()

    def _run(self) -> None:
        try:
            while write := self._next():
                while not self._done(write):
                    sleep(_RETRY_SECONDS)
        finally:
            connections.close_all()

    def _next(self) -> Write | None:
        with self._lock:
            self._runs = bool(self._writes)
            return self._writes.popleft() if self._writes else None

    def _done(self, write: Write) -> bool:
        try:
            return _is_done(write)
        except Exception:  # the others must still be done
            logger.exception("a write of a login failed")
            return True


LATER = Later()
