"""Times of SQL statements: of requests, for the log, and of the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .conf import app_settings
from .instruments import STATEMENT_SECONDS, STATEMENTS
from .request_facts import current_facts

__all__ = ["measure"]

_MOST_SLOW = 10


def measure(connection: BaseDatabaseWrapper) -> None:
    """Measure the statements of a connection, each at the cost of a microsecond."""
    alias = connection.alias
    count, seconds = STATEMENTS.labels(alias), STATEMENT_SECONDS.labels(alias)

    def timed(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            taken = time.perf_counter() - began
            count.inc()
            seconds.inc(taken)
            facts = current_facts.get()
            if facts is not None:
                facts.statements += 1
                facts.statement_seconds += taken
                is_slow = 0 < app_settings.SLOW_SECONDS <= taken
                if is_slow and not many and len(facts.slow) < _MOST_SLOW:
                    facts.slow.append((alias, sql, params, taken))

    connection.execute_wrappers.append(timed)


def _on_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if not any(one.__module__ == __name__ for one in connection.execute_wrappers):
        measure(connection)


connection_created.connect(_on_connection)
