"""Time limits of the statements of an op.

PostgreSQL limits each statement itself; for SQLite a progress handler does, and an
execute wrapper restarts its clock for each statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.sessions import is_pooled, limit_statements
from ..errors import StatementTimeout

__all__ = ["time_limit"]

_QUERY_CANCELED = "57014"
_ATTRIBUTE = "_haystack_statement_seconds"
_STEPS = 50_000
"""Instructions of SQLite's virtual machine between two checks: about 5 ms."""


@contextmanager
def time_limit(connection: BaseDatabaseWrapper, seconds: int) -> Iterator[None]:
    """Statements inside raise StatementTimeout.

    The limit may remain on the connection and cancel other statements of the server;
    management commands are never limited.
    """
    connection.ensure_connection()
    limited = _postgres if connection.vendor == "postgresql" else _sqlite
    try:
        with limited(connection, seconds):
            yield
    except Exception as err:
        if _was_stopped(err) or _was_stopped(err.__cause__):
            raise StatementTimeout(seconds) from err
        raise


@contextmanager
def _postgres(connection: BaseDatabaseWrapper, seconds: int) -> Iterator[None]:
    """Set the timeout once per connection; a pool reuses the connection.

    Inside a transaction a rollback may undo the setting, so it is not remembered.
    Through a pooler each statement sets it for itself.
    """
    raw: Any = connection.connection
    if is_pooled(connection):
        limit_statements(connection, seconds)
    elif getattr(raw, _ATTRIBUTE, None) != seconds:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [seconds * 1000])
        if not connection.in_atomic_block:
            setattr(raw, _ATTRIBUTE, seconds)
    yield


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper, seconds: int) -> Iterator[None]:
    end = time.monotonic() + seconds

    def restart_clock(execute: Callable[..., Any], *call: Any) -> Any:
        nonlocal end
        end = time.monotonic() + seconds
        return execute(*call)

    raw: Any = connection.connection
    raw.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        with connection.execute_wrapper(restart_clock):
            yield
    finally:
        # a failed rollback closes the connection and its handler
        with suppress(raw.ProgrammingError):
            raw.set_progress_handler(None, 0)


def _was_stopped(error: BaseException | None) -> bool:
    if getattr(error, "sqlstate", None) == _QUERY_CANCELED:
        return True
    return getattr(error, "sqlite_errorname", None) == "SQLITE_INTERRUPT"
