"""Statements on stored parts of samples, in the tables of ``models.fold``.

``numbers`` has the columns of the statement of that name in ``folds``, and whether a
part has infinite numbers, whose sums are not stored. ``parts`` has the parts between
two instants as they are. ``whole`` has the columns of ``numbers`` of each part with its
start, the sample at the start included, and whether it must be read otherwise: that
sample is more than a number, or one is infinite. ``marks`` has the points that have
parts, each with the ranges that changed since, its zone, and the end of its dropped
samples.
"""

from __future__ import annotations

from typing import NamedTuple

from ..folds.parts import HUGE, SCALE
from .folds import (
    POSTGRES_BUCKET,
    POSTGRES_NA,
    POSTGRES_NAN,
    POSTGRES_NUMBER,
    POSTGRES_TIME,
    SQLITE_NA,
    SQLITE_NAN,
    SQLITE_NUMBER,
    SQLITE_TIME,
)
from .tables import FOLD_MARKS, FOLD_PARTS, FOLD_POINTS

__all__ = [
    "POSTGRES",
    "SQLITE",
    "PartStatements",
]


class PartStatements(NamedTuple):
    """Parameters by name: ``ids``, ``bounds``, ``hours``, and ``before``, ``high``."""

    numbers: str
    parts: str
    marks: str


_COLUMNS = """has_head, head_val, head_obj{0}, count, na, nan,
    {1}, first_val, first_obj{0}, {2}, last_val, last_obj{0},
    held_small, held_huge, held_known, line_small, line_huge, line_known,
    start_number, end_number, is_infinite, drops"""
_OPEN = "count, na, nan, numbers, small, huge, low, high, is_infinite"
_HEAD = f"""
    1 AS count, is_na AS na, is_nan AS nan,
    CASE WHEN number IS NULL THEN 0 ELSE 1 END AS numbers,
    CASE WHEN abs(number) <= {HUGE!r} THEN number ELSE 0.0 END AS small,
    CASE WHEN abs(number) > {HUGE!r} THEN number * {SCALE!r} ELSE 0.0 END AS huge,
    number AS low, number AS high"""

# -- PostgreSQL ---------------------------------------------------------------

_P_POINTS = "unnest(%(ids)s::text[]) WITH ORDINALITY AS p(id, n)"
_P_WHERE = f"""FROM {FOLD_PARTS} WHERE point_id = p.id AND hours = %(hours)s
        AND start >= %(before)s::timestamptz AND start <= %(high)s::timestamptz"""
POSTGRES = PartStatements(
    numbers=f"""
SELECT p.n, part.* FROM {_P_POINTS} CROSS JOIN LATERAL (
    SELECT bucket, sum(count)::int8, sum(na)::int8, sum(nan)::int8, sum(numbers)::int8,
        sum(small), sum(huge), min(low), max(high), bool_or(is_infinite)
    FROM (
        SELECT {POSTGRES_BUCKET} AS bucket, {_OPEN} FROM (
            SELECT start + interval '1 microsecond' AS ts, {_OPEN}
            {_P_WHERE} AND count > 0
        ) AS opened
        UNION ALL
        SELECT bucket, {_HEAD}, false FROM (
            SELECT {POSTGRES_BUCKET} AS bucket, {POSTGRES_NUMBER} AS number,
                {POSTGRES_NA}::int AS is_na, {POSTGRES_NAN}::int AS is_nan
            FROM (
                SELECT start AS ts, head_val AS val, head_obj AS obj
                {_P_WHERE} AND has_head
            ) AS heads
        ) AS typed
    ) AS placed WHERE bucket BETWEEN 1 AND %(buckets)s GROUP BY bucket
) AS part""",
    parts=f"""
SELECT p.n, part.* FROM {_P_POINTS} CROSS JOIN LATERAL (
    SELECT {POSTGRES_TIME.format("start")}, {
        _COLUMNS.format(
            "::text", POSTGRES_TIME.format("first_ts"), POSTGRES_TIME.format("last_ts")
        )
    }
    {_P_WHERE} ORDER BY start
) AS part""",
    marks=f"""
SELECT p.n, {POSTGRES_TIME.format("m.first")}, {POSTGRES_TIME.format("m.last")},
    f.zone, {POSTGRES_TIME.format("f.dropped")}
FROM {_P_POINTS} JOIN {FOLD_POINTS} AS f ON f.point_id = p.id
    AND (f.zone = %(zone)s OR f.dropped IS NOT NULL)
    AND (f.hourly OR %(hours)s = 24)
LEFT JOIN {FOLD_MARKS} AS m ON m.point_id = p.id
    AND m.first <= %(high)s::timestamptz AND m.last >= %(before)s::timestamptz
LIMIT %(limit)s""",
)
# -- SQLite -------------------------------------------------------------------

_S_TIME = SQLITE_TIME.replace("h.ts", "{0}")
_S_POINTS = """p AS MATERIALIZED (
    SELECT key + 1 AS n, value AS id FROM json_each(%(ids)s)
)"""
_S_JOIN = f"""FROM p CROSS JOIN {FOLD_PARTS} AS f
    ON f.point_id = p.id AND f.hours = %(hours)s
    AND f.start >= %(before)s AND f.start <= %(high)s"""
SQLITE = PartStatements(
    numbers=f"""
WITH {_S_POINTS}, b AS MATERIALIZED (
    SELECT key + 1 AS bucket, value ->> 0 AS low, value ->> 1 AS high,
        value ->> 2 AS open_low, value ->> 3 AS open_high
    FROM json_each(%(spans)s)
), heads AS (
    SELECT n, bucket, {SQLITE_NUMBER} AS number, {SQLITE_NA} AS is_na,
        {SQLITE_NAN} AS is_nan
    FROM (
        SELECT p.n, b.bucket, f.head_val AS val, f.head_obj AS obj
        FROM p CROSS JOIN b CROSS JOIN {FOLD_PARTS} AS f
        ON f.point_id = p.id AND f.hours = %(hours)s
        AND f.start >= b.low AND f.start < b.high AND f.has_head
    )
), placed AS (
    SELECT p.n, b.bucket, count, na, nan, numbers, small, huge, f.low, f.high,
        is_infinite
    FROM p CROSS JOIN b CROSS JOIN {FOLD_PARTS} AS f
    ON f.point_id = p.id AND f.hours = %(hours)s
    AND f.start >= b.open_low AND f.start < b.open_high AND f.count > 0
    UNION ALL SELECT n, bucket, {_HEAD}, 0 FROM heads
)
SELECT n, bucket, sum(count), sum(na), sum(nan), sum(numbers), total(small),
    total(huge), min(low), max(high), max(is_infinite)
FROM placed GROUP BY n, bucket""",
    parts=f"""
WITH {_S_POINTS}
SELECT p.n, {_S_TIME.format("f.start")}, {
        _COLUMNS.format("", _S_TIME.format("first_ts"), _S_TIME.format("last_ts"))
    }
{_S_JOIN} ORDER BY p.n, f.start""",
    marks=f"""
WITH {_S_POINTS}
SELECT p.n, {_S_TIME.format("m.first")}, {_S_TIME.format("m.last")},
    f.zone, {_S_TIME.format("f.dropped")}
FROM p JOIN {FOLD_POINTS} AS f ON f.point_id = p.id
    AND (f.zone = %(zone)s OR f.dropped IS NOT NULL)
    AND (f.hourly OR %(hours)s = 24)
LEFT JOIN {FOLD_MARKS} AS m ON m.point_id = p.id
    AND m.first <= %(high)s AND m.last >= %(before)s
LIMIT %(limit)s""",
)
