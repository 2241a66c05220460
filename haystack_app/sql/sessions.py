"""Settings of PostgreSQL sessions, also where a pooler lends them out.

Connections to the server get them once. A pooler in transaction mode refuses unknown
start-up parameters, and a ``SET`` would reach the next client of the server
connection. There each statement begins with ``SET LOCAL``, in the same message, which
needs no round trip. A pooler is recognised by the process id that it made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

__all__ = ["ANSWERS_ITSELF", "is_pooled", "limit_statements"]

_FORMATS = {"datestyle": "ISO", "intervalstyle": "postgres"}
"""What psycopg reads. Poolers follow a change of DateStyle, which the server reports;
intervals are not read anywhere."""
_LOCAL = {
    # other values round the numbers that are read
    "extra_float_digits": "1",
    # samples are sent as arrays with NULL
    "array_nulls": "on",
    # others return some of the rows that a GIN index finds
    "gin_fuzzy_search_limit": "0",
    # one filter took 158 ms with JIT and 0.2 ms without
    "jit": "off",
    # ids of paths are hashed there
    "work_mem": "32MB",
}
_ISOLATION = {"default_transaction_isolation": "read committed"}
_ATTRIBUTE = "_haystack_session"
ANSWERS_ITSELF = "SELECT pg_backend_pid() = %s"
"""Whether the server of the process id that the connection was given answers."""
# ROLLBACK must work in a failed transaction, and CREATE INDEX CONCURRENTLY alone
_PREFIXED = re.compile(
    r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH|VALUES|MERGE|SET TRANSACTION)\b",
    re.IGNORECASE,
)


class PooledSession:
    """An execute wrapper: the settings of each statement of a pooled connection."""

    def __init__(self, connection: BaseDatabaseWrapper, local: dict[str, str]) -> None:
        self.connection = connection
        self.local = local

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        cursor = context["cursor"].cursor
        is_named = getattr(cursor, "name", None)  # part of a DECLARE
        if many or is_named or not isinstance(sql, str) or not _PREFIXED.match(sql):
            return execute(sql, params, many, context)
        result = execute(self.prefix + sql, params, many, context)
        while cursor.nextset():  # the last result is that of the statement
            continue
        return result

    @property
    def prefix(self) -> str:
        words = [f"SET LOCAL {name}='{value}';" for name, value in self.local.items()]
        if self.connection.get_autocommit():
            words.insert(0, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;")
        return "".join(words)


def is_pooled(connection: BaseDatabaseWrapper) -> bool:
    """Whether a pooler stands between an open connection and its server."""
    return getattr(connection.connection, _ATTRIBUTE, None) == "pooled"


def limit_statements(
    connection: BaseDatabaseWrapper, seconds: int, lock_seconds: int
) -> None:
    """Limit the statements of an open connection, and their waiting for locks."""
    for wrapper in connection.execute_wrappers:
        if isinstance(wrapper, PooledSession):
            wrapper.local["statement_timeout"] = f"{seconds}s"
            wrapper.local["lock_timeout"] = f"{lock_seconds}s"


def set_up(sender: Any, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receiver: the settings of a connection that was opened or taken from a pool."""
    if connection.vendor != "postgresql":
        return
    raw: Any = connection.connection
    if not hasattr(raw, _ATTRIBUTE):
        setattr(raw, _ATTRIBUTE, _begin(connection, raw))
    others = [
        wrapper
        for wrapper in connection.execute_wrappers
        if not isinstance(wrapper, PooledSession)
    ]
    if is_pooled(connection):
        # first: Django removes the last one when a context ends
        others.insert(0, PooledSession(connection, _wanted(connection, _LOCAL)))
        # cursors of the server do not survive the transaction
        connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    connection.execute_wrappers[:] = others


def _begin(connection: BaseDatabaseWrapper, raw: Any) -> str:
    """Set up a new connection; whether it is ``direct`` or ``pooled``."""
    wanted = _wanted(connection, _FORMATS | _LOCAL | _ISOLATION)
    pid = raw.info.backend_pid
    settings = [
        f", CASE WHEN direct THEN set_config('{name}', '{value}', false) END"
        for name, value in wanted.items()
    ]
    with raw.cursor() as cursor:
        cursor.execute(
            f"SELECT direct{''.join(settings)}"
            f" FROM (SELECT pg_backend_pid() = {int(pid)} AS direct) AS here"
        )
        if cursor.fetchone()[0]:
            return "direct"
        # the server reports this one, and poolers keep it for each client
        if not raw.info.parameter_status("DateStyle").startswith("ISO"):
            cursor.execute("SET datestyle = 'ISO'")
    if "isolation_level" not in connection.settings_dict["OPTIONS"]:
        from psycopg import IsolationLevel

        raw.isolation_level = IsolationLevel.READ_COMMITTED
    return "pooled"


def _wanted(connection: BaseDatabaseWrapper, values: dict[str, str]) -> dict[str, str]:
    """Without those that the options of the DSN set."""
    given = connection.settings_dict["OPTIONS"].get("options", "").lower()
    return {name: value for name, value in values.items() if f"{name}=" not in given}


connection_created.connect(set_up, dispatch_uid="haystack.sessions")
