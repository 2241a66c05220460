"""Statements that find the sample nearest to an instant, of each of many points.

A row has the place ``n`` of a point, from 1, and the time, ``val`` and ``obj`` of the
sample; points without one have no row. One statement for all points: a hypertable with
many chunks is planned for longer than it is read.

- ``before``: the newest one before the instant ``at`` that is not NaN
- ``number``: the newest number at it or before it
- ``after``: the first one from it on that is not NaN
"""

from __future__ import annotations

from typing import NamedTuple

from .folds import (
    POSTGRES_NAN,
    POSTGRES_NUMBER,
    POSTGRES_TIME,
    SQLITE_NAN,
    SQLITE_NUMBER,
    SQLITE_TIME,
)
from .tables import HISTORY

__all__ = ["POSTGRES", "SQLITE", "NearestStatements"]


class NearestStatements(NamedTuple):
    """Parameters by name: ``ids`` and ``at``."""

    before: str
    number: str
    after: str


def _postgres(which: str, columns: str = "val, obj::text") -> str:
    return f"""
SELECT p.n, {POSTGRES_TIME.format("h.ts")}, h.val, h.obj
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS p(id, n) CROSS JOIN LATERAL (
    SELECT ts, {columns} FROM {HISTORY} WHERE point_id = p.id AND {which} LIMIT 1
) AS h(ts, val, obj)"""


POSTGRES = NearestStatements(
    before=_postgres(
        f"ts < %(at)s::timestamptz AND NOT {POSTGRES_NAN} ORDER BY ts DESC"
    ),
    number=_postgres(
        f"ts <= %(at)s::timestamptz AND {POSTGRES_NUMBER} IS NOT NULL ORDER BY ts DESC",
        f"{POSTGRES_NUMBER}, NULL::text",
    ),
    after=_postgres(f"ts >= %(at)s::timestamptz AND NOT {POSTGRES_NAN} ORDER BY ts"),
)


def _sqlite(which: str, columns: str = "h.val, h.obj") -> str:
    return f"""
SELECT p.key + 1, {SQLITE_TIME}, {columns}
FROM json_each(%(ids)s) AS p CROSS JOIN {HISTORY} AS h ON h.point_id = p.value
    AND h.ts = (
        SELECT ts FROM {HISTORY} WHERE point_id = p.value AND {which} LIMIT 1
    )"""


SQLITE = NearestStatements(
    before=_sqlite(f"ts < %(at)s AND NOT {SQLITE_NAN} ORDER BY ts DESC"),
    number=_sqlite(
        f"ts <= %(at)s AND {SQLITE_NUMBER} IS NOT NULL ORDER BY ts DESC",
        f"{SQLITE_NUMBER}, NULL",
    ),
    after=_sqlite(f"ts >= %(at)s AND NOT {SQLITE_NAN} ORDER BY ts"),
)
