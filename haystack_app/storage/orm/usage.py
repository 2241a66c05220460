"""How many samples points have, and how much space they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import instant_of
from ...sql.arrays import text_array
from ...sql.tables import HISTORY
from .sqlite_history import sqlite_text

__all__ = ["bytes_per_sample", "counts"]

_POINTS = 500


def counts(
    connection: BaseDatabaseWrapper, ranges: Sequence[tuple[str, int, int]]
) -> list[int]:
    """The samples of points with start <= time < end, in microseconds since 1970."""
    found: list[int] = []
    for at in range(0, len(ranges), _POINTS):
        found += _counts(connection, ranges[at : at + _POINTS])
    return found


def _counts(
    connection: BaseDatabaseWrapper, ranges: Sequence[tuple[str, int, int]]
) -> Iterator[int]:
    ids, starts, ends = zip(*ranges, strict=True)
    if connection.vendor == "postgresql":
        times = [
            text_array(instant_of(time).isoformat() for time in column)
            for column in (starts, ends)
        ]
        sql = (
            "SELECT found.number"
            " FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[])"
            " WITH ORDINALITY AS p(id, low, high, n) CROSS JOIN LATERAL ("
            f"SELECT count(*) FROM {HISTORY} WHERE point_id = p.id"
            " AND ts >= p.low AND ts < p.high) AS found(number) ORDER BY p.n"
        )
        params = [text_array(ids), *times]
    else:
        rows = [(id, sqlite_text(low), sqlite_text(high)) for id, low, high in ranges]
        sql = (
            f"SELECT (SELECT count(*) FROM {HISTORY} WHERE point_id ="
            " json_extract(p.value, '$[0]') AND ts >= json_extract(p.value, '$[1]')"
            " AND ts < json_extract(p.value, '$[2]'))"
            " FROM json_each(%s) AS p ORDER BY p.key"
        )
        params = [orjson.dumps(rows).decode()]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return iter([int(count) for [count] in cursor.fetchall()])


def bytes_per_sample(connection: BaseDatabaseWrapper) -> float:
    """The space of the table and its index, by the database's own estimate of rows.

    On SQLite, where it would read the whole file, what a sample takes on average.
    """
    if connection.vendor != "postgresql":
        return 96.0
    with connection.cursor() as cursor:
        # a hypertable has its rows in other tables, which inherit
        cursor.execute(
            "WITH RECURSIVE parts(oid) AS (SELECT %s::regclass::oid UNION ALL"
            " SELECT inhrelid FROM pg_inherits JOIN parts ON inhparent = parts.oid)"
            " SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0),"
            " coalesce(sum(greatest(c.reltuples, 0)), 0)"
            " FROM parts JOIN pg_class AS c ON c.oid = parts.oid",
            [HISTORY],
        )
        size, rows = cursor.fetchone()
    return float(size) / float(rows) if rows else 100.0
