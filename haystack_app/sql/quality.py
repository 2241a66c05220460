"""Statements on the quality of histories, on a table ``p`` of points.

``n`` is the place of a point. What the numbers mean is defined by ``storage.quality``.

PostgreSQL folds one point after the other (LATERAL), so that ids are not compared and
few samples are sorted at a time. Samples are grouped by their distance first: most
histories have few distances, and the rest works on these. The longest run of a number
is looked for among the same samples, where enough neighbours are equal.

Most histories have nothing to report, which one look at their numbers shows, without
neighbours: all are between the limits and on the marks of an interval, as many as there
are marks, and they differ in each half of the time that one number may last.
"""

from __future__ import annotations

from typing import NamedTuple

from .tables import HISTORY

__all__ = ["POSTGRES", "SQLITE", "Statements"]


class Statements(NamedTuple):
    """Parameters by name: ``start``, ``end``, ``now`` and ``gap``, and the points.

    - ``counts``: n, samples, outside, mismatched, NA, usual interval, gaps, the longest
      gap, its start, the longest run of one number if it is too long, its start
    - ``ends``: n, the newest sample up to now, the number of later ones
    """

    counts: str
    ends: str


_SUMS = """
    sum(size) AS size, sum(outside) AS outside, sum(mismatched) AS mismatched,
    sum(na) AS na"""
_FACTS = """
    count(*) AS size,
    count(*) FILTER (WHERE number < low OR number > high) AS outside,
    count(*) FILTER (WHERE CASE WHEN obj IS NULL THEN kind <> 'Number'
        ELSE NOT {is_na} AND kind <> {found} END) AS mismatched,
    count(*) FILTER (WHERE obj IS NOT NULL AND {is_na}) AS na,
    count(*) FILTER (WHERE number = before) AS same,
    min(previous) AS start, max(ts) AS last"""

# -- PostgreSQL ---------------------------------------------------------------

_POSTGRES_FACTS = _FACTS.format(
    is_na="(jsonb_typeof(obj) = 'object' AND coalesce(obj->>'_kind' = 'na', false))",
    found="""CASE jsonb_typeof(obj)
        WHEN 'boolean' THEN 'Bool' WHEN 'string' THEN 'Str' WHEN 'number' THEN 'Number'
        WHEN 'object' THEN CASE obj->>'_kind'
            WHEN 'number' THEN 'Number' WHEN 'coord' THEN 'Coord' ELSE '' END
        ELSE '' END""",
)
_POSTGRES_WINDOWS = """
    unnest(%(ids)s::text[], %(kinds)s::text[], %(lows)s::float8[], %(highs)s::float8[],
        %(flats)s::interval[]) WITH ORDINALITY AS p(id, kind, low, high, flat, n)"""
_POSTGRES_RANGE = f"""{HISTORY} WHERE point_id = p.id
    AND ts >= %(start)s::timestamptz AND ts < %(end)s::timestamptz"""
_POSTGRES_SAMPLES = f"""
    SELECT ts, obj, CASE WHEN obj IS NULL THEN val END AS number
    FROM {_POSTGRES_RANGE}"""
# Points whose first four samples are an interval apart. A half has two samples or more:
# one with a single sample looks constant.
_POSTGRES_MARKS = f"""
    SELECT n, id, low, high, flat / 2 AS half, last, times[1] AS first,
        times[2] - times[1] AS distance
    FROM {_POSTGRES_WINDOWS} CROSS JOIN LATERAL (
        SELECT ARRAY(SELECT ts FROM {_POSTGRES_RANGE} ORDER BY ts LIMIT 4) AS times,
            (SELECT max(ts) FROM {_POSTGRES_RANGE}) AS last OFFSET 0
    ) AS found
    WHERE times[3] - times[2] = times[2] - times[1]
    AND times[4] - times[3] = times[2] - times[1]
    AND (flat IS NULL OR times[2] - times[1] <= flat / 4)
    AND (kind IS NULL OR kind = 'Number')"""
_POSTGRES_HALVES = f"""
    SELECT date_bin(half, ts, first) AS start, count(*) AS size,
        count(obj) AS others, min(val) AS lowest, max(val) AS highest,
        count(*) FILTER (WHERE date_bin(distance, ts, first) <> ts) AS beside
    FROM {_POSTGRES_RANGE} GROUP BY 1"""
_POSTGRES_REGULAR = f"""
    SELECT n, size, distance FROM marks AS p CROSS JOIN LATERAL (
        SELECT sum(size)::bigint AS size, sum(others + beside) AS exceptions,
            min(lowest) AS lowest, max(highest) AS highest,
            min(start) FILTER (WHERE lowest = highest) AS constant
        FROM ({_POSTGRES_HALVES}) AS halves
    ) AS found
    WHERE exceptions = 0
    AND coalesce(lowest >= low, true) AND coalesce(highest <= high, true)
    AND (size - 1) * extract(epoch FROM distance) = extract(epoch FROM last - first)
    AND coalesce(constant + half > last, true)"""
POSTGRES = Statements(
    counts=f"""
WITH marks AS MATERIALIZED ({_POSTGRES_MARKS}
), regular AS MATERIALIZED ({_POSTGRES_REGULAR})
SELECT n - 1, size, 0, 0, 0, distance, 0, NULL, NULL, NULL, NULL FROM regular
UNION ALL
SELECT p.n - 1, found.* FROM {_POSTGRES_WINDOWS} CROSS JOIN LATERAL (
    WITH neighbours AS MATERIALIZED (
        SELECT ts, number, obj, lag(ts) OVER w AS previous, lag(number) OVER w AS before
        FROM ({_POSTGRES_SAMPLES}) AS samples WINDOW w AS (ORDER BY ts)
    ), distances AS MATERIALIZED (
        SELECT ts - previous AS distance, {_POSTGRES_FACTS} FROM neighbours GROUP BY 1
    ), usual AS (
        SELECT min(distance) AS median FROM (
            SELECT distance, sum(size) OVER (ORDER BY distance) AS place,
                sum(size) OVER () AS total
            FROM distances WHERE distance IS NOT NULL
        ) AS ranked WHERE place * 2 >= total
    ), long AS (
        SELECT size, distance, start FROM distances, usual
        WHERE distance > %(gap)s * median
    ), runs AS (
        SELECT ts AS start, number, coalesce(
            lead(previous) OVER (ORDER BY ts), (SELECT max(last) FROM distances)
        ) - ts AS length
        FROM neighbours WHERE number IS DISTINCT FROM before
        AND (SELECT sum(same * distance) FROM distances) > p.flat
    ), flat AS (
        SELECT length, start FROM runs WHERE number IS NOT NULL AND length > p.flat
        ORDER BY length DESC, start LIMIT 1
    )
    SELECT {_SUMS}, (SELECT median FROM usual),
        (SELECT coalesce(sum(size), 0) FROM long), (SELECT max(distance) FROM long),
        (SELECT start FROM long ORDER BY distance DESC LIMIT 1),
        (SELECT length FROM flat), (SELECT start FROM flat)
    FROM distances HAVING count(*) > 0
) AS found WHERE p.n NOT IN (SELECT n FROM regular)""",
    ends=f"""
SELECT p.n - 1,
    (SELECT max(ts) FROM {HISTORY}
        WHERE point_id = p.id AND ts <= %(now)s::timestamptz),
    (SELECT count(*) FROM {HISTORY}
        WHERE point_id = p.id AND ts > %(now)s::timestamptz)
FROM {_POSTGRES_WINDOWS}""",
)

# -- SQLite -------------------------------------------------------------------

# whole seconds: strftime rounds to milliseconds
_SQLITE_TIME = (
    "(CAST(strftime('%%s', substr(h.ts, 1, 19)) AS INTEGER) * 1000000"
    " + CAST(substr(h.ts || '000000', 21, 6) AS INTEGER))"
)
_SQLITE_FACTS = _FACTS.format(
    is_na="""(json_type(obj) = 'object'
        AND coalesce(json_extract(obj, '$._kind') = 'na', false))""",
    found="""CASE json_type(obj)
        WHEN 'true' THEN 'Bool' WHEN 'false' THEN 'Bool' WHEN 'text' THEN 'Str'
        WHEN 'integer' THEN 'Number' WHEN 'real' THEN 'Number'
        WHEN 'object' THEN CASE json_extract(obj, '$._kind')
            WHEN 'number' THEN 'Number' WHEN 'coord' THEN 'Coord' ELSE '' END
        ELSE '' END""",
)
_SQLITE_WINDOWS = """
    SELECT key AS n, json_extract(value, '$[0]') AS id,
        json_extract(value, '$[1]') AS kind, json_extract(value, '$[2]') AS low,
        json_extract(value, '$[3]') AS high, json_extract(value, '$[4]') AS flat
    FROM json_each(%(windows)s)"""
_SQLITE_SAMPLES = f"""
    SELECT p.n, {_SQLITE_TIME} AS ts, h.obj, p.kind, p.low, p.high,
        CASE WHEN h.obj IS NULL THEN h.val END AS number
    FROM p CROSS JOIN {HISTORY} AS h
    ON h.point_id = p.id AND h.ts >= %(start)s AND h.ts < %(end)s"""
SQLITE = Statements(
    counts=f"""
WITH p AS MATERIALIZED ({_SQLITE_WINDOWS}), neighbours AS MATERIALIZED (
    SELECT n, ts, number, obj, kind, low, high, lag(ts) OVER w AS previous,
        lag(number) OVER w AS before
    FROM ({_SQLITE_SAMPLES}) WINDOW w AS (PARTITION BY n ORDER BY ts)
), distances AS MATERIALIZED (
    SELECT n, ts - previous AS distance, {_SQLITE_FACTS} FROM neighbours GROUP BY 1, 2
), usual AS (
    SELECT n, min(distance) AS median FROM (
        SELECT n, distance, sum(size) OVER (PARTITION BY n ORDER BY distance) AS place,
            sum(size) OVER (PARTITION BY n) AS total
        FROM distances WHERE distance IS NOT NULL
    ) WHERE place * 2 >= total GROUP BY n
), judged AS (
    SELECT d.*, u.median, coalesce(distance > %(gap)s * median, 0) AS is_gap,
        row_number() OVER (PARTITION BY d.n ORDER BY distance DESC) = 1 AS is_longest
    FROM distances AS d LEFT JOIN usual AS u ON u.n = d.n
), equal AS MATERIALIZED (
    SELECT p.n, p.flat, max(last) AS last FROM distances AS d JOIN p ON p.n = d.n
    GROUP BY p.n HAVING sum(same * distance) > p.flat
), runs AS (
    SELECT s.n, ts AS start, number, e.flat, coalesce(
        lead(previous) OVER (PARTITION BY s.n ORDER BY ts), e.last
    ) - ts AS length
    FROM neighbours AS s CROSS JOIN equal AS e ON e.n = s.n
    WHERE number IS NOT before
), flat AS MATERIALIZED (
    SELECT n, length, start,
        row_number() OVER (PARTITION BY n ORDER BY length DESC, start) AS place
    FROM runs WHERE number IS NOT NULL AND length > flat
)
SELECT j.n, {_SUMS}, max(median), coalesce(sum(size) FILTER (WHERE is_gap), 0),
    max(distance) FILTER (WHERE is_gap),
    max(j.start) FILTER (WHERE is_gap AND is_longest), max(f.length), max(f.start)
FROM judged AS j LEFT JOIN flat AS f ON f.n = j.n AND f.place = 1 GROUP BY j.n""",
    ends=f"""
WITH p AS MATERIALIZED ({_SQLITE_WINDOWS})
SELECT n, (SELECT {_SQLITE_TIME} FROM {HISTORY} AS h
        WHERE h.point_id = p.id AND h.ts <= %(now)s ORDER BY h.ts DESC LIMIT 1),
    (SELECT count(*) FROM {HISTORY} AS h
        WHERE h.point_id = p.id AND h.ts > %(now)s)
FROM p""",
)
