"""Time limits of the statements of an op.

PostgreSQL limits each statement itself; for SQLite a progress handler does, and an
execute wrapper restarts its clock for each statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ...conf import limit
from ...sql.sessions import is_pooled, limit_statements
from ...sql.sqlite_waiting import waiting
from ..errors import StatementTimeout

__all__ = ["time_limit"]

_QUERY_CANCELED = "57014"
_ATTRIBUTE = "_haystack_statement_seconds"
_LIMIT = "_haystack_limit"
_STEPS = 50_000
"""Instructions of SQLite's virtual machine between two checks: about 5 ms."""


@contextmanager
def time_limit(connection: BaseDatabaseWrapper, seconds: int) -> Iterator[None]:
    """Statements inside raise StatementTimeout.

    One that waits for a lock longer than ``LOCK_SECONDS`` raises an outage.

    A connection is not opened for it: an op that asks nothing needs none. On PostgreSQL
    the limit may remain on the connection and cancel other statements of the server;
    management commands are never limited.
    """
    limits: _Limit = _limit_of(connection, seconds)
    before = getattr(connection, _LIMIT, None)
    setattr(connection, _LIMIT, limits)
    try:
        with limits:
            yield
    except Exception as err:
        if _was_stopped(err) or _was_stopped(err.__cause__):
            raise StatementTimeout(seconds) from err
        raise
    finally:
        setattr(connection, _LIMIT, before)


class _Limit(ExitStack):
    """The limit of a block, applied to the connection, now or when it is opened."""

    def __init__(self, connection: BaseDatabaseWrapper, seconds: int) -> None:
        super().__init__()
        self.connection, self.seconds = connection, seconds

    def __enter__(self) -> Self:
        if self.connection.connection is not None:
            self.apply()
        return self

    def apply(self) -> None:
        raise NotImplementedError


class _Postgres(_Limit):
    """Set once per connection; a pool reuses the connection.

    Inside a transaction a rollback may undo the setting, so it is not remembered.
    Through a pooler each statement sets it for itself.
    """

    def apply(self) -> None:
        connection, raw = self.connection, self.connection.connection
        limits = self.seconds, limit("LOCK_SECONDS")
        if is_pooled(connection):
            limit_statements(connection, *limits)
        elif getattr(raw, _ATTRIBUTE, None) != limits:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, false),"
                    " set_config('lock_timeout', %s, false)",
                    [f"{seconds}s" for seconds in limits],
                )
            if not connection.in_atomic_block:
                setattr(raw, _ATTRIBUTE, limits)


class _Sqlite(_Limit):
    end = 0.0

    def __enter__(self) -> Self:
        self.end = time.monotonic() + self.seconds
        self.enter_context(self.connection.execute_wrapper(self._restart_clock))
        return super().__enter__()

    def apply(self) -> None:
        raw: Any = self.connection.connection
        raw.set_progress_handler(lambda: time.monotonic() > self.end, _STEPS)
        self.callback(self._remove, raw)
        self.enter_context(waiting(raw, limit("LOCK_SECONDS")))

    def _restart_clock(self, execute: Callable[..., Any], *call: Any) -> Any:
        self.end = time.monotonic() + self.seconds
        return execute(*call)

    def _remove(self, raw: Any) -> None:
        # a failed rollback closes the connection and its handler
        with suppress(raw.ProgrammingError):
            raw.set_progress_handler(None, 0)


def _limit_of(connection: BaseDatabaseWrapper, seconds: int) -> _Limit:
    kind = _Postgres if connection.vendor == "postgresql" else _Sqlite
    return kind(connection, seconds)


def _opened(connection: BaseDatabaseWrapper, **_: Any) -> None:
    limits: _Limit | None = getattr(connection, _LIMIT, None)
    if limits is not None:
        limits.apply()


connection_created.connect(_opened, dispatch_uid="haystack_app.storage.orm.time_limit")


def _was_stopped(error: BaseException | None) -> bool:
    if getattr(error, "sqlstate", None) == _QUERY_CANCELED:
        return True
    return getattr(error, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
