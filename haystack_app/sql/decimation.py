"""Statements that choose samples of a point for a chart, span by span.

A span is numbered by the instants that are not later than its samples. What is chosen
is defined by ``folds.decimation``.

- ``regular``: samples, those that are usual numbers, the least and greatest number, the
  first and last time, and whether all times are multiples of the usual interval
- ``numbers``: the same for all samples
- ``regular_extremes``, ``extremes``: when the least and greatest number come first, and
  the numbers at the first and last time
- ``gaps``: the first of the longest gaps of a span, if that is longer than ``gap``
- ``chosen``: the samples of some times
"""

from __future__ import annotations

from typing import NamedTuple

from ..folds.parts import HUGE
from .folds import (
    POSTGRES_BUCKET,
    POSTGRES_NUMBER,
    POSTGRES_TIME,
    SQLITE_NUMBER,
    SQLITE_TIME,
)
from .tables import HISTORY

__all__ = ["POSTGRES", "SQLITE", "DecimationStatements"]


class DecimationStatements(NamedTuple):
    regular: str
    numbers: str
    regular_extremes: str
    extremes: str
    gaps: str
    chosen: str


_USUAL = f"CASE WHEN obj IS NULL AND abs(val) <= {HUGE!r} THEN val END"

# -- PostgreSQL ---------------------------------------------------------------

_P_WHERE = f"""FROM {HISTORY} WHERE point_id = %(id)s
        AND ts >= %(low)s::timestamptz AND ts < %(high)s::timestamptz"""


def _postgres_spans(number: str) -> str:
    return f"""
SELECT bucket, count(*), count(number), min(number), max(number),
    {POSTGRES_TIME.format("min(ts)")}, {POSTGRES_TIME.format("max(ts)")},
    bool_and(date_bin(%(usual)s::interval, ts, %(origin)s::timestamptz) = ts)
FROM (
    SELECT {POSTGRES_BUCKET} AS bucket, ts, {number} AS number {_P_WHERE} OFFSET 0
) AS samples GROUP BY bucket"""


def _postgres_extremes(number: str, among: str) -> str:
    return f"""
SELECT bucket, {POSTGRES_TIME.format("min(ts) FILTER (WHERE number = low)")},
    {POSTGRES_TIME.format("min(ts) FILTER (WHERE number = high)")},
    min(number) FILTER (WHERE ts = first), min(number) FILTER (WHERE ts = last)
FROM (
    SELECT {POSTGRES_BUCKET} AS bucket, ts, {number} AS number {_P_WHERE}
        AND ({among} = ANY(%(extremes)s::float8[])
            OR ts = ANY(%(ends)s::timestamptz[])) OFFSET 0
) AS samples JOIN unnest(
    %(lows)s::float8[], %(highs)s::float8[],
    %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]
) WITH ORDINALITY AS spans(low, high, first, last, bucket) USING (bucket)
GROUP BY bucket"""


POSTGRES = DecimationStatements(
    regular=_postgres_spans(_USUAL),
    numbers=_postgres_spans(POSTGRES_NUMBER),
    regular_extremes=_postgres_extremes("val", "val"),
    extremes=_postgres_extremes(POSTGRES_NUMBER, f"({POSTGRES_NUMBER})"),
    gaps=f"""
SELECT DISTINCT ON (bucket) bucket, {POSTGRES_TIME.format("before")},
    {POSTGRES_TIME.format("ts")}
FROM (
    SELECT bucket, ts, lag(ts) OVER w AS before, lag(bucket) OVER w AS former
    FROM (SELECT {POSTGRES_BUCKET} AS bucket, ts {_P_WHERE}) AS samples
    WINDOW w AS (ORDER BY ts)
) AS neighbours WHERE former = bucket AND ts - before > %(gap)s::interval
ORDER BY bucket, ts - before DESC, ts""",
    chosen=f"""
SELECT {POSTGRES_TIME.format("ts")}, val, obj::text FROM {HISTORY}
WHERE point_id = %(id)s AND ts = ANY(%(times)s::timestamptz[]) ORDER BY ts""",
)

# -- SQLite -------------------------------------------------------------------

_S_WITH = f"""
WITH b AS MATERIALIZED (
    SELECT key + 1 AS bucket, value ->> 0 AS low, value ->> 1 AS high
    FROM json_each(%(spans)s)
), samples AS (
    SELECT b.bucket, {SQLITE_TIME} AS time, h.ts, {{}} AS number
    FROM b CROSS JOIN {HISTORY} AS h
    ON h.point_id = %(id)s AND h.ts >= b.low AND h.ts < b.high
)"""


def _sqlite_spans(number: str) -> str:
    return f"""{_S_WITH.format(number)}
SELECT bucket, count(*), count(number), min(number), max(number), min(time), max(time),
    0
FROM samples GROUP BY bucket"""


# a number that is passed as text may come back as its neighbour
_SQLITE_EXTREMES = f"""{_S_WITH.format(SQLITE_NUMBER)}, spans AS MATERIALIZED (
    SELECT bucket, min(number) AS low, max(number) AS high, min(time) AS first,
        max(time) AS last
    FROM samples GROUP BY bucket
)
SELECT bucket, min(time) FILTER (WHERE number = low),
    min(time) FILTER (WHERE number = high),
    min(number) FILTER (WHERE time = first), min(number) FILTER (WHERE time = last)
FROM samples JOIN spans USING (bucket) GROUP BY bucket"""
SQLITE = DecimationStatements(
    regular=_sqlite_spans(_USUAL),
    numbers=_sqlite_spans(SQLITE_NUMBER),
    regular_extremes=_SQLITE_EXTREMES,
    extremes=_SQLITE_EXTREMES,
    gaps=f"""{_S_WITH.format("NULL")}
SELECT bucket, before, time FROM (
    SELECT bucket, before, time,
        row_number() OVER (PARTITION BY bucket ORDER BY time - before DESC, time) AS n
    FROM (
        SELECT bucket, time,
            lag(time) OVER (PARTITION BY bucket ORDER BY time) AS before
        FROM samples
    ) WHERE time - before > %(gap)s
) WHERE n = 1""",
    chosen=f"""
SELECT {SQLITE_TIME} AS time, val, obj FROM {HISTORY} AS h
WHERE h.point_id = %(id)s AND h.ts IN (SELECT value FROM json_each(%(times)s))
ORDER BY time""",
)
