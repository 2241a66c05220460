"""Data quality of histories in SQL, for batches of points.

One statement counts, finds the usual interval and the gaps. Two more are for few
points: the runs of one number where enough neighbours are equal, and the samples later
than now where the newest sample is not known to be past. What the numbers mean is
defined by ``storage.quality``; tests compare both.

PostgreSQL folds one point after the other (LATERAL), so that samples come in the order
of the primary key and are not sorted, and groups them by distance first: most
histories have few distances.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import instant_of, microseconds_of
from ...sql.arrays import text_array
from ...sql.tables import HISTORY
from ..quality import GAP, Findings, Window
from .history import sqlite_text

__all__ = ["findings"]

_BATCH = 500
_Row = tuple[Any, ...]


def findings(
    connection: BaseDatabaseWrapper, windows: Sequence[Window]
) -> list[Findings]:
    """What each window has, in the same order."""
    dialect = _Postgres if connection.vendor == "postgresql" else _Sqlite
    found: dict[int, Findings] = {}
    with connection.cursor() as cursor:
        for places in _batches(windows):
            batch = _batch(dialect(cursor), [windows[place] for place in places])
            found.update(zip(places, batch, strict=True))
    return [found[place] for place in range(len(windows))]


def _batches(windows: Sequence[Window]) -> Iterator[list[int]]:
    """Places of windows with the same times.

    The times are constants of a statement, so that the planner knows how many samples
    a point has, and leaves out chunks.
    """
    groups: dict[tuple[int, int, int], list[int]] = {}
    for place, window in enumerate(windows):
        groups.setdefault(_span(window), []).append(place)
    for places in groups.values():
        for at in range(0, len(places), _BATCH):
            yield places[at : at + _BATCH]


def _span(window: Window) -> tuple[int, int, int]:
    return window.start, window.end, window.now


def _batch(dialect: _Dialect, windows: Sequence[Window]) -> list[Findings]:
    found = [Findings(newest=window.last) for window in windows]
    equal = [0] * len(windows)
    for place, (size, outside, mismatched, na, interval, *gaps, same) in dialect.rows(
        dialect.counts, windows, range(len(windows))
    ):
        found[place] = replace(
            found[place],
            size=size,
            outside=outside,
            mismatched=mismatched,
            na=na,
            interval=interval,
            gaps=gaps[0],
            gap=gaps[1],
            gap_start=gaps[2],
        )
        equal[place] = same
    flat = [
        place
        for place, window in enumerate(windows)
        if window.flat is not None and equal[place] > window.flat
    ]
    for place, (length, start) in dialect.rows(dialect.runs, windows, flat):
        if length > (windows[place].flat or 0):
            found[place] = replace(found[place], flat=length, flat_start=start)
    unsettled = [place for place, one in enumerate(windows) if one.is_unsettled]
    for place, (newest, future) in dialect.rows(dialect.ends, windows, unsettled):
        found[place] = replace(found[place], newest=newest, future=future)
    return found


class _Dialect:
    """Statements on a table ``p`` of windows; ``n`` is the place of a window."""

    counts: str
    runs: str
    ends: str

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def rows(
        self, statement: str, windows: Sequence[Window], places: Sequence[int]
    ) -> Iterable[tuple[int, _Row]]:
        """Rows of a statement by the place of their window."""
        if not places:
            return
        self.cursor.execute(
            statement, self.parameters([windows[place] for place in places])
        )
        for n, *row in self.cursor.fetchall():
            yield places[n], self.decoded(row)

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        raise NotImplementedError

    def decoded(self, row: Sequence[Any]) -> _Row:
        return tuple(row)


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
    min(previous) AS start"""

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
    unnest(%(ids)s::text[], %(kinds)s::text[], %(lows)s::float8[], %(highs)s::float8[])
    WITH ORDINALITY AS p(id, kind, low, high, n)"""
_POSTGRES_SAMPLES = f"""
    SELECT ts, obj, CASE WHEN obj IS NULL THEN val END AS number
    FROM {HISTORY} WHERE point_id = p.id
    AND ts >= %(start)s::timestamptz AND ts < %(end)s::timestamptz"""


class _Postgres(_Dialect):
    counts = f"""
SELECT p.n - 1, found.* FROM {_POSTGRES_WINDOWS} CROSS JOIN LATERAL (
    WITH distances AS MATERIALIZED (
        SELECT distance, {_POSTGRES_FACTS}
        FROM (
            SELECT number, obj, lag(ts) OVER w AS previous,
                ts - lag(ts) OVER w AS distance, lag(number) OVER w AS before
            FROM ({_POSTGRES_SAMPLES}) AS samples WINDOW w AS (ORDER BY ts)
        ) AS neighbours GROUP BY distance
    ), usual AS (
        SELECT min(distance) AS median FROM (
            SELECT distance, sum(size) OVER (ORDER BY distance) AS place,
                sum(size) OVER () AS total
            FROM distances WHERE distance IS NOT NULL
        ) AS ranked WHERE place * 2 >= total
    ), long AS (
        SELECT size, distance, start FROM distances, usual
        WHERE distance > {GAP} * median
    )
    SELECT {_SUMS}, (SELECT median FROM usual),
        (SELECT coalesce(sum(size), 0) FROM long), (SELECT max(distance) FROM long),
        (SELECT start FROM long ORDER BY distance DESC LIMIT 1),
        coalesce(sum(same * distance), interval '0') AS same
    FROM distances HAVING count(*) > 0
) AS found"""
    runs = f"""
SELECT p.n - 1, run.stop - run.start, run.start
FROM {_POSTGRES_WINDOWS} CROSS JOIN LATERAL (
    SELECT min(ts) AS start, max(ts) AS stop FROM (
        SELECT ts, number, count(*) FILTER (WHERE number IS DISTINCT FROM before)
            OVER (ORDER BY ts) AS run
        FROM (
            SELECT ts, number, lag(number) OVER (ORDER BY ts) AS before
            FROM ({_POSTGRES_SAMPLES}) AS samples
        ) AS neighbours
    ) AS numbered WHERE number IS NOT NULL
    GROUP BY run ORDER BY max(ts) - min(ts) DESC, min(ts) LIMIT 1
) AS run"""
    ends = f"""
SELECT p.n - 1,
    (SELECT max(ts) FROM {HISTORY}
        WHERE point_id = p.id AND ts <= %(now)s::timestamptz),
    (SELECT count(*) FROM {HISTORY}
        WHERE point_id = p.id AND ts > %(now)s::timestamptz)
FROM {_POSTGRES_WINDOWS}"""

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        start, end, now = _span(windows[0])
        return {
            "ids": text_array(window.id for window in windows),
            "kinds": [window.kind for window in windows],
            "lows": [window.low for window in windows],
            "highs": [window.high for window in windows],
            "start": instant_of(start),
            "end": instant_of(end),
            "now": instant_of(now),
        }

    def decoded(self, row: Sequence[Any]) -> _Row:
        return tuple(map(_number, row))


def _number(value: Any) -> Any:
    """Counts as int, times and durations in microseconds."""
    if value is None or type(value) is int:
        return value
    if hasattr(value, "tzinfo"):
        return microseconds_of(value)
    if hasattr(value, "total_seconds"):
        return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return int(value)


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
        json_extract(value, '$[3]') AS high
    FROM json_each(%(windows)s)"""
_SQLITE_SAMPLES = f"""
    SELECT p.n, {_SQLITE_TIME} AS ts, h.obj, p.kind, p.low, p.high,
        CASE WHEN h.obj IS NULL THEN h.val END AS number
    FROM p CROSS JOIN {HISTORY} AS h
    ON h.point_id = p.id AND h.ts >= %(start)s AND h.ts < %(end)s"""


class _Sqlite(_Dialect):
    counts = f"""
WITH p AS MATERIALIZED ({_SQLITE_WINDOWS}), distances AS MATERIALIZED (
    SELECT n, distance, {_SQLITE_FACTS} FROM (
        SELECT n, number, obj, kind, low, high, lag(ts) OVER w AS previous,
            ts - lag(ts) OVER w AS distance, lag(number) OVER w AS before
        FROM ({_SQLITE_SAMPLES}) WINDOW w AS (PARTITION BY n ORDER BY ts)
    ) GROUP BY n, distance
), usual AS (
    SELECT n, min(distance) AS median FROM (
        SELECT n, distance, sum(size) OVER (PARTITION BY n ORDER BY distance) AS place,
            sum(size) OVER (PARTITION BY n) AS total
        FROM distances WHERE distance IS NOT NULL
    ) WHERE place * 2 >= total GROUP BY n
), judged AS (
    SELECT d.*, u.median, coalesce(distance > {GAP} * median, 0) AS is_gap,
        row_number() OVER (PARTITION BY d.n ORDER BY distance DESC) = 1 AS is_longest
    FROM distances AS d LEFT JOIN usual AS u ON u.n = d.n
)
SELECT n, {_SUMS}, max(median), coalesce(sum(size) FILTER (WHERE is_gap), 0),
    max(distance) FILTER (WHERE is_gap),
    max(start) FILTER (WHERE is_gap AND is_longest),
    coalesce(sum(same * distance), 0)
FROM judged GROUP BY n"""
    runs = f"""
WITH p AS MATERIALIZED ({_SQLITE_WINDOWS})
SELECT n, length, start FROM (
    SELECT n, max(ts) - min(ts) AS length, min(ts) AS start,
        row_number() OVER (PARTITION BY n ORDER BY max(ts) - min(ts) DESC, min(ts))
            AS place
    FROM (
        SELECT n, ts, number, count(*) FILTER (WHERE number IS NOT before)
            OVER (PARTITION BY n ORDER BY ts) AS run
        FROM (
            SELECT n, ts, number,
                lag(number) OVER (PARTITION BY n ORDER BY ts) AS before
            FROM ({_SQLITE_SAMPLES})
        )
    ) WHERE number IS NOT NULL GROUP BY n, run
) WHERE place = 1"""
    ends = f"""
WITH p AS MATERIALIZED ({_SQLITE_WINDOWS})
SELECT n, (SELECT {_SQLITE_TIME} FROM {HISTORY} AS h
        WHERE h.point_id = p.id AND h.ts <= %(now)s ORDER BY h.ts DESC LIMIT 1),
    (SELECT count(*) FROM {HISTORY} AS h
        WHERE h.point_id = p.id AND h.ts > %(now)s)
FROM p"""

    def parameters(self, windows: Sequence[Window]) -> dict[str, Any]:
        rows = [(one.id, one.kind, one.low, one.high) for one in windows]
        start, end, now = map(sqlite_text, _span(windows[0]))
        return {
            "windows": orjson.dumps(rows).decode(),
            "start": start,
            "end": end,
            "now": now,
        }
