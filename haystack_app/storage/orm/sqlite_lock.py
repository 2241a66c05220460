"""Waiting for SQLite's lock, which one writer has at a time.

A server's writers wait ``LOCK_SECONDS``. If the lock is held for long, they would soon
wait in all threads, and reads, which need no lock, find none: so only half of the
threads wait for long. Further writers wait a second, and if others already have waited
for longer they are refused at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ...conf import app_settings
from ...sql.sqlite_waiting import waiting

__all__: list[str] = []

LONG_SECONDS = 1.0
"""A wait that is no longer the turn of a few other writers."""
_BEGIN = "BEGIN IMMEDIATE"


class _Waiting:
    """The writers of this process that wait for the lock of a database."""

    def __init__(self) -> None:
        self._since: dict[object, float] = {}
        self._lock = Lock()

    def enter(self, key: object, most: int) -> float | None:
        """How many seconds a writer may wait; None for as long as it does."""
        now = time.monotonic()
        with self._lock:
            if len(self._since) < most:
                self._since[key] = now
                return None
            longest = now - min(self._since.values())
            return 0 if longest > LONG_SECONDS else LONG_SECONDS

    def leave(self, key: object) -> None:
        with self._lock:
            self._since.pop(key, None)


_waiting = _Waiting()


def _begin(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
) -> Any:
    """An execute wrapper of connections to SQLite."""
    if sql != _BEGIN:
        return execute(sql, params, many, context)
    key = object()
    seconds = _waiting.enter(key, max(1, app_settings.THREADS // 2))
    if seconds is not None:
        with waiting(context["connection"].connection, seconds):
            return execute(sql, params, many, context)
    try:
        return execute(sql, params, many, context)
    finally:
        _waiting.leave(key)


def _install(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite" and _begin not in connection.execute_wrappers:
        # first: Django removes the last one when a context of a wrapper ends
        connection.execute_wrappers.insert(0, _begin)


connection_created.connect(_install, dispatch_uid="haystack_app.storage.sqlite_lock")
