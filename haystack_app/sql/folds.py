"""Statements that fold the samples of points between instants to parts.

A row has the place ``n`` of a point, from 1, and the number of a bucket: the number of
instants that are not later than its samples. What the other columns mean is defined by
``folds.parts``. PostgreSQL folds one point after the other, so that ids are not
compared; a binary search in an array finds the bucket of a sample.

- ``regular``: samples, those that are usual numbers, and their sum, least and greatest
- ``numbers``: the same for all samples, with NA, NaN and huge numbers apart
- ``held`` and ``linear``: of samples that are not NaN, the first and last ones, and the
  time between them weighed; a row of the samples that are NaN may follow
- ``counter``: the first and last numbers, and the sum of those before drops; a row of
  the samples without a number may follow
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..folds.parts import HUGE, SCALE
from .tables import HISTORY

__all__ = [
    "POSTGRES",
    "POSTGRES_BUCKET",
    "POSTGRES_NA",
    "POSTGRES_NAN",
    "POSTGRES_NUMBER",
    "POSTGRES_TIME",
    "SQLITE",
    "SQLITE_NA",
    "SQLITE_NAN",
    "SQLITE_NUMBER",
    "SQLITE_TIME",
    "FoldStatements",
]


class FoldStatements(NamedTuple):
    """Parameters by name: ``ids``, ``bounds``, and the first and last of these."""

    regular: str
    numbers: str
    held: str
    linear: str
    counter: str


SMALL = f"abs(number) <= {HUGE!r}"
_LARGE = f"abs(number) > {HUGE!r}"
_SUMS = f"""
    coalesce(sum(number) FILTER (WHERE {SMALL}), 0),
    coalesce(sum(number * {SCALE!r}) FILTER (WHERE {_LARGE}), 0)"""
_NUMBERS = f"""
    count(*), count(*) FILTER (WHERE is_na), count(*) FILTER (WHERE is_nan),
    count(number), {_SUMS}, min(number), max(number)"""
_OTHERS = """
    count(*), count(*) FILTER (WHERE is_na), count(*) FILTER (WHERE is_nan)"""
_NO_WEIGHTS = "NULL, " * 8 + "NULL"
_NO_READINGS = "NULL, NULL, NULL, NULL"

# -- PostgreSQL ---------------------------------------------------------------

POSTGRES_TIME = "(extract(epoch FROM {}) * 1000000)::int8"
"""Microseconds since 1970 of a timestamp."""
_OBJ_NUMBER = """CASE
        WHEN jsonb_typeof(obj) = 'boolean' THEN CASE obj WHEN 'true' THEN 1 ELSE 0 END
        WHEN jsonb_typeof(obj) = 'number' THEN (obj #>> '{}')::float8
        WHEN obj ->> '_kind' = 'number' THEN CASE obj ->> 'val'
            WHEN 'NaN' THEN NULL WHEN 'INF' THEN 'Infinity'
            WHEN '-INF' THEN '-Infinity' ELSE (obj ->> 'val')::float8 END
    END"""
POSTGRES_NUMBER = f"""CASE WHEN obj IS NULL THEN nullif(coalesce(val, 0), 'NaN')
        ELSE {_OBJ_NUMBER} END"""
POSTGRES_NA = "(obj IS NOT NULL AND coalesce(obj ->> '_kind' = 'na', false))"
POSTGRES_NAN = """(CASE WHEN obj IS NULL THEN coalesce(val = 'NaN', false)
        ELSE coalesce(obj ->> '_kind' = 'number' AND obj ->> 'val' = 'NaN', false)
    END)"""
POSTGRES_BUCKET = "width_bucket(ts, %(bounds)s::timestamptz[])"
_P_WHERE = f"""FROM {HISTORY} WHERE point_id = p.id
        AND ts >= %(low)s::timestamptz AND ts < %(high)s::timestamptz"""
_P_SAMPLES = f"""
    SELECT {POSTGRES_BUCKET} AS bucket, ts, val, obj, {POSTGRES_NUMBER} AS number,
        {POSTGRES_NA} AS is_na, {POSTGRES_NAN} AS is_nan {_P_WHERE}"""
_P_OVER = """
SELECT p.n, part.* FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS p(id, n)
CROSS JOIN LATERAL ({}) AS part"""


def _postgres_weighed(weights: str) -> str:
    """``weights``: of the number and the one ``toward`` it, over the time ``dt``."""
    return _P_OVER.format(f"""
    SELECT bucket, count(*), count(*) FILTER (WHERE is_na), 0,
        {POSTGRES_TIME.format("min(ts)")}, min(val) FILTER (WHERE is_first),
        min(obj::text) FILTER (WHERE is_first),
        {POSTGRES_TIME.format("max(ts)")}, min(val) FILTER (WHERE is_last),
        min(obj::text) FILTER (WHERE is_last), {weights}
    FROM (
        SELECT bucket, ts, val, obj, is_na, number, lead(number) OVER w AS toward,
            lag(bucket) OVER w IS DISTINCT FROM bucket AS is_first,
            lead(bucket) OVER w IS DISTINCT FROM bucket AS is_last,
            CASE WHEN lead(bucket) OVER w = bucket
                THEN date_part('epoch', lead(ts) OVER w - ts) * 1e6 END AS dt
        FROM ({_P_SAMPLES}) AS samples WHERE NOT is_nan WINDOW w AS (ORDER BY ts)
        OFFSET 0
    ) AS neighbours GROUP BY bucket
    UNION ALL
    SELECT {POSTGRES_BUCKET} AS bucket, count(*), 0, count(*), {_NO_WEIGHTS}
    {_P_WHERE} AND {POSTGRES_NAN} GROUP BY 1""")


_HELD = f"""
    coalesce(sum(number * dt) FILTER (WHERE {SMALL}), 0),
    coalesce(sum(number * {SCALE!r} * dt) FILTER (WHERE {_LARGE}), 0),
    coalesce(sum(dt) FILTER (WHERE number IS NOT NULL), 0)"""
_LINEAR = f"""
    coalesce(sum(number * dt / 2) FILTER (WHERE toward IS NOT NULL AND {SMALL}), 0)
        + coalesce(sum(toward * dt / 2)
            FILTER (WHERE number IS NOT NULL AND abs(toward) <= {HUGE!r}), 0),
    coalesce(sum(number * {SCALE!r} * dt / 2)
            FILTER (WHERE toward IS NOT NULL AND {_LARGE}), 0)
        + coalesce(sum(toward * {SCALE!r} * dt / 2)
            FILTER (WHERE number IS NOT NULL AND abs(toward) > {HUGE!r}), 0),
    coalesce(sum(dt) FILTER (WHERE number IS NOT NULL AND toward IS NOT NULL), 0)"""
# bits of the float: sign, exponent and fraction, of which numeric is exact
_P_BITS = "('x' || encode(float8send(before), 'hex'))::bit(64)::int8"
_P_UNITS = f"""(CASE WHEN before < 0 THEN -1 ELSE 1 END
        * (({_P_BITS} & 4503599627370495)
            + CASE WHEN ({_P_BITS} >> 52) & 2047 = 0 THEN 0
                ELSE 4503599627370496 END)::numeric
        * power(2::numeric, greatest((({_P_BITS} >> 52) & 2047) - 1, 0)))"""
_P_COUNTER = _P_OVER.format(f"""
    SELECT bucket, count(*), 0 AS na, 0 AS nan,
        min(number) FILTER (WHERE is_first), min(number) FILTER (WHERE is_last),
        bool_or(abs(number) = 'Infinity'),
        trunc(sum({_P_UNITS}) FILTER (WHERE before > number AND NOT is_first
            AND abs(before) < 'Infinity'))::text
    FROM (
        SELECT bucket, number, lag(number) OVER w AS before,
            lag(bucket) OVER w IS DISTINCT FROM bucket AS is_first,
            lead(bucket) OVER w IS DISTINCT FROM bucket AS is_last
        FROM ({_P_SAMPLES}) AS samples WHERE number IS NOT NULL
        WINDOW w AS (ORDER BY ts) OFFSET 0
    ) AS neighbours GROUP BY bucket
    UNION ALL
    SELECT bucket, {_OTHERS}, NULL, NULL, NULL, NULL
    FROM ({_P_SAMPLES}) AS samples WHERE number IS NULL GROUP BY bucket""")
POSTGRES = FoldStatements(
    regular=_P_OVER.format(f"""
    SELECT bucket, count(*), count(number), sum(number), min(number), max(number)
    FROM (
        SELECT {POSTGRES_BUCKET} AS bucket,
            CASE WHEN obj IS NULL AND abs(val) <= {HUGE!r} THEN val END AS number
        {_P_WHERE} OFFSET 0
    ) AS samples GROUP BY bucket"""),
    numbers=_P_OVER.format(f"""
    SELECT bucket, {_NUMBERS} FROM ({_P_SAMPLES} OFFSET 0) AS samples
    GROUP BY bucket"""),
    held=_postgres_weighed(_HELD),
    linear=_postgres_weighed(_LINEAR),
    counter=_P_COUNTER,
)

# -- SQLite -------------------------------------------------------------------

_INFINITE = "9e999"
SQLITE_NUMBER = f"""CASE WHEN obj IS NULL THEN coalesce(val, 0.0)
        WHEN json_type(obj) = 'true' THEN 1.0 WHEN json_type(obj) = 'false' THEN 0.0
        WHEN json_type(obj) IN ('integer', 'real') THEN CAST(obj AS REAL)
        WHEN json_type(obj) <> 'object' THEN NULL
        WHEN json_extract(obj, '$._kind') = 'number' THEN
            CASE json_extract(obj, '$.val') WHEN 'NaN' THEN NULL
            WHEN 'INF' THEN {_INFINITE} WHEN '-INF' THEN -{_INFINITE}
            ELSE CAST(json_extract(obj, '$.val') AS REAL) END
    END"""


def _sqlite_kind(test: str) -> str:
    return f"""(obj IS NOT NULL AND json_type(obj) = 'object'
        AND coalesce({test}, 0))"""


SQLITE_NA = _sqlite_kind("json_extract(obj, '$._kind') = 'na'")
SQLITE_NAN = _sqlite_kind(
    "json_extract(obj, '$._kind') = 'number' AND json_extract(obj, '$.val') = 'NaN'"
)
# whole seconds: strftime rounds to milliseconds
SQLITE_TIME = (
    "(CAST(strftime('%%s', substr(h.ts, 1, 19)) AS INTEGER) * 1000000"
    " + CAST(substr(h.ts || '000000', 21, 6) AS INTEGER))"
)
_S_WITH = f"""
WITH p AS MATERIALIZED (
    SELECT key + 1 AS n, value AS id FROM json_each(%(ids)s)
), b AS MATERIALIZED (
    SELECT key + 1 AS bucket, value ->> 0 AS low, value ->> 1 AS high
    FROM json_each(%(spans)s)
), samples AS (
    SELECT p.n, b.bucket, {SQLITE_TIME} AS time, h.val, h.obj,
        {SQLITE_NUMBER} AS number, {SQLITE_NA} AS is_na, {SQLITE_NAN} AS is_nan
    FROM p CROSS JOIN b CROSS JOIN {HISTORY} AS h
    ON h.point_id = p.id AND h.ts >= b.low AND h.ts < b.high
)"""


def _totals(sums: str) -> str:
    """Without samples 0.0; NULL stands for NaN only."""
    return re.sub(r"coalesce\(sum\((.*?)\), 0\)", r"total(\1)", sums, flags=re.DOTALL)


def _sqlite_weighed(weights: str) -> str:
    return f"""{_S_WITH}
SELECT n, bucket, count(*), count(*) FILTER (WHERE is_na), 0,
    min(time), min(val) FILTER (WHERE is_first), min(obj) FILTER (WHERE is_first),
    max(time), min(val) FILTER (WHERE is_last), min(obj) FILTER (WHERE is_last),
    {weights}
FROM (
    SELECT n, bucket, time, val, obj, is_na, number, lead(number) OVER w AS toward,
        lag(time) OVER w IS NULL AS is_first, lead(time) OVER w IS NULL AS is_last,
        lead(time) OVER w - time AS dt
    FROM samples WHERE NOT is_nan WINDOW w AS (PARTITION BY n, bucket ORDER BY time)
) GROUP BY n, bucket
UNION ALL
SELECT n, bucket, count(*), 0, count(*), {_NO_WEIGHTS}
FROM samples WHERE is_nan GROUP BY n, bucket"""


SQLITE = FoldStatements(
    regular=f"""{_S_WITH}
SELECT n, bucket, count(*), count(usual), total(usual), min(usual), max(usual)
FROM (
    SELECT n, bucket, CASE WHEN obj IS NULL AND {SMALL} THEN number END AS usual
    FROM samples
) GROUP BY n, bucket""",
    numbers=f"""{_S_WITH}
SELECT n, bucket, {_totals(_NUMBERS)} FROM samples GROUP BY n, bucket""",
    held=_sqlite_weighed(_totals(_HELD)),
    linear=_sqlite_weighed(_totals(_LINEAR)),
    counter=f"""{_S_WITH}
SELECT n, bucket, count(*), 0, 0,
    min(number) FILTER (WHERE is_first), min(number) FILTER (WHERE is_last),
    max(abs(number)) >= {_INFINITE},
    haystack_units(before) FILTER (WHERE before > number AND abs(before) < {_INFINITE})
FROM (
    SELECT n, bucket, number, lag(number) OVER w AS before,
        lag(time) OVER w IS NULL AS is_first, lead(time) OVER w IS NULL AS is_last
    FROM samples WHERE number IS NOT NULL
    WINDOW w AS (PARTITION BY n, bucket ORDER BY time)
) GROUP BY n, bucket
UNION ALL
SELECT n, bucket, {_OTHERS}, {_NO_READINGS}
FROM samples WHERE number IS NULL GROUP BY n, bucket""",
)
