"""Plans of slow statements, in the log and in the status of the process.

EXPLAIN without ANALYZE: the statement is not run again. A statement is explained once
a minute at most, so that a slow server is not made slower.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import deque
from typing import Any, NamedTuple

from django.db import Error as DatabaseError
from django.db import connections

from ..request_facts import RequestFacts
from ..sql.tables import ENTITIES, HISTORY

__all__ = ["SlowStatement", "log_plans", "slow_statements"]

logger = logging.getLogger(__name__)

_SECONDS = 60.0
_HOUR = dt.timedelta(hours=1)
_KEPT = 200
_LONGEST = 2_000
_explained: dict[str, float] = {}
_slow: deque[SlowStatement] = deque(maxlen=_KEPT)


class SlowStatement(NamedTuple):
    """A statement of an op that took long."""

    at: dt.datetime
    seconds: float
    op: str
    query: str
    request_id: str


def slow_statements() -> list[SlowStatement]:
    """Of this process in the last hour, the slowest first."""
    since = dt.datetime.now(dt.UTC) - _HOUR
    found = [one for one in list(_slow) if one.at >= since]
    return sorted(found, key=lambda one: -one.seconds)


def log_plans(facts: RequestFacts) -> None:
    """Log the slow statements of a request with their plans."""
    for alias, sql, params, seconds in facts.slow:
        now = dt.datetime.now(dt.UTC)
        _slow.append(SlowStatement(now, seconds, facts.op, facts.query, facts.id))
        logger.warning(
            "statement of %s took %.1f s",
            facts.op or "a page",
            seconds,
            extra={
                "request_id": facts.id,
                "op": facts.op,
                "query": facts.query,
                "ms": round(seconds * 1_000),
                "sql": sql[:_LONGEST],
                "plan": _plan(alias, sql, params),
            },
        )


def _plan(alias: str, sql: str, params: Any) -> str:
    """The plan of a query of entities or samples; empty for others."""
    is_query = sql.lstrip().upper().startswith(("SELECT", "WITH"))
    if not is_query or (ENTITIES not in sql and HISTORY not in sql) or not _due(sql):
        return ""
    connection = connections[alias]
    prefix = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    if connection.in_atomic_block:
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute(prefix + sql, params)
            return "\n".join(str(row[-1]) for row in cursor.fetchall())[:_LONGEST]
    except DatabaseError:  # the statement may depend on its transaction
        return ""


def _due(sql: str) -> bool:
    now = time.monotonic()
    if now - _explained.get(sql, -_SECONDS) < _SECONDS:
        return False
    if len(_explained) >= _KEPT:
        _explained.clear()
    _explained[sql] = now
    return True
