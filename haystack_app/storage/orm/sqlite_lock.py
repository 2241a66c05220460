"""Waiting for SQLite's lock, which one writer has at a time.

A server's writers wait ``LOCK_SECONDS``. If the lock is held for long, they would soon
wait in all threads, and reads, which need no lock, find none: so only half of the
threads wait for long, and half of the requests that one user may run, so that reads of
the same user find a turn. Further writers wait a second, and if others already have
waited for longer they are refused at once.

The lock has no queue: those that wait look at it from time to time, and a thread that
commits one transaction after the other takes it again before they do. So it pauses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock, local
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ...conf import app_settings, limit
from ...outages import LOCKED, outage_of
from ...sql.sqlite_waiting import waiting
from ...turns import current_turn

__all__ = ["let_others_write"]

LONG_SECONDS = 1.0
"""A wait that is no longer the turn of a few other writers."""
PAUSE_SECONDS = 0.11
"""SQLite looks at the lock every 100 ms."""
_STEP_SECONDS = 0.01
_BEGIN = "BEGIN IMMEDIATE"


class _Waiting:
    """The writers of this process that wait for the lock of a database."""

    def __init__(self) -> None:
        self._since: dict[object, float] = {}
        self._users: dict[object, str] = {}
        self._lock = Lock()

    def enter(self, key: object, user: str) -> float | None:
        """How many seconds a writer may wait; None for as long as it does."""
        now = time.monotonic()
        with self._lock:
            if len(self._since) < _half(app_settings.THREADS) and (
                not user or self._of(user) < _half(limit("RUNNING"))
            ):
                self._since[key], self._users[key] = now, user
                return None
            longest = now - min(self._since.values())
            return 0 if longest > LONG_SECONDS else LONG_SECONDS

    def leave(self, key: object) -> None:
        with self._lock:
            self._since.pop(key, None)
            self._users.pop(key, None)

    def _of(self, user: str) -> int:
        return sum(one == user for one in self._users.values())

    def now(self) -> set[object]:
        with self._lock:
            return set(self._since)


def _half(count: int) -> int:
    return max(1, count // 2)


_waiting = _Waiting()


class _Pauses(local):
    last = 0.0
    """When this thread had its last one."""


_pauses = _Pauses()


def let_others_write() -> None:
    """Wait, between two transactions of many, until waiting writers have had the lock.

    Those of other processes are not known, so there is a pause every second.
    """
    waiting = _waiting.now()
    if not waiting and time.monotonic() - _pauses.last < LONG_SECONDS:
        return
    end = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < end and not (
        waiting and waiting.isdisjoint(_waiting.now())
    ):
        time.sleep(_STEP_SECONDS)
    _pauses.last = time.monotonic()


def _execute(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """An execute wrapper of connections to SQLite.

    It closes the cursor of a statement that has waited in vain. Otherwise the collector
    of garbage may reset that statement in another thread, which then waits for as long
    as the connection's next statement waits for the lock.
    """
    try:
        return _begin(execute, sql, params, many, context)
    except OperationalError as error:
        if outage_of(error) is LOCKED:
            context["cursor"].close()
        raise


def _begin(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    if sql != _BEGIN:
        return execute(sql, params, many, context)
    key = object()
    seconds = _waiting.enter(key, current_turn.get())
    if seconds is not None:
        with waiting(context["connection"].connection, seconds):
            return execute(sql, params, many, context)
    try:
        return execute(sql, params, many, context)
    finally:
        _waiting.leave(key)


def _install(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite" and _execute not in connection.execute_wrappers:
        # first: Django removes the last one when a context of a wrapper ends
        connection.execute_wrappers.insert(0, _execute)


connection_created.connect(_install, dispatch_uid="haystack_app.storage.sqlite_lock")
