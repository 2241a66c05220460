"""The statements of the views for people who use SQL: points, samples, roll-ups.

Local times need the names that the database has of time zones, which SQLite has not:
there samples have UTC alone, and days are not folded.
"""

from __future__ import annotations

from collections.abc import Mapping

from .tables import ENTITIES, FOLD_PARTS, FOLD_POINTS, HISTORY

__all__ = ["POINTS", "ROLLUPS", "SAMPLES", "statements"]

POINTS = "haystack_points"
SAMPLES = "haystack_samples"
ROLLUPS = "haystack_rollups"

_WORDS = {
    "dis": "tags",
    "kind": "tags",
    "unit": "tags",
    "tz": "tags",
    "hisMode": "tags",
    "curStatus": "cur",
}
"""Tags that are Strs, and the columns that have them."""
_REFS = ("siteRef", "equipRef")

_POINTS_POSTGRES = """
SELECT e.id,
       {dis} AS dis,
       {siteRef} AS site,
       {equipRef} AS equip,
       {kind} AS kind,
       {unit} AS unit,
       {tz} AS tz,
       ARRAY(SELECT t.key FROM jsonb_each(e.tags) AS t(key, value)
             WHERE t.value = '{{"_kind":"marker"}}' ORDER BY t.key) AS markers,
       {cur_val} AS cur_val,
       {cur_text} AS cur_text,
       {curStatus} AS cur_status,
       {hisMode} AS his_mode
  FROM {entities} AS e
 WHERE e.tags ? 'point' AND NOT e.tags ? 'trash'{scope}
"""
_SAMPLES_POSTGRES = """
SELECT h.point_id AS id, p.dis, h.ts, h.ts AT TIME ZONE z.name AS local,
       CASE WHEN h.obj IS NULL THEN h.val ELSE {val} END AS val,
       {text} AS text,
       p.unit
  FROM {history} AS h
  JOIN {points} AS p ON p.id = h.point_id
  LEFT JOIN (VALUES {zones}) AS z(city, name) ON z.city = p.tz
"""
_ROLLUPS_POSTGRES = """
SELECT s.id, s.dis,
       (CASE WHEN p.his_mode = 'consumption' AND p.kind = 'Number'
             THEN s.local - interval '1 microsecond' ELSE s.local END)::date AS day,
       count(*) AS count,
       sum(s.val) FILTER ({finite}) / nullif(count(s.val) FILTER ({finite}), 0) AS avg,
       min(s.val) FILTER ({finite}) AS min,
       max(s.val) FILTER ({finite}) AS max,
       sum(s.val) FILTER ({finite}) AS sum,
       s.unit
  FROM {samples} AS s
  JOIN {points} AS p ON p.id = s.id
  LEFT JOIN {folded} AS f ON f.point_id = s.id
 WHERE s.local IS NOT NULL AND (f.dropped IS NULL OR s.ts > f.dropped
       OR (s.ts = f.dropped AND (p.his_mode = 'consumption' AND p.kind = 'Number')
       IS NOT TRUE))
 GROUP BY s.id, s.dis, 3, s.unit
UNION ALL
SELECT d.id, d.dis, d.local::date AS day, sum(d.count)::int8 AS count,
       sum(d.total) / nullif(sum(d.numbers), 0) AS avg,
       min(d.low) AS min, max(d.high) AS max,
       CASE WHEN sum(d.numbers) > 0 THEN sum(d.total) END AS sum,
       d.unit
  FROM (
    SELECT p.id, p.dis, p.unit, w.start AT TIME ZONE z.name AS local, w.count,
           w.numbers, w.small + {huge} AS total, w.low, w.high
      FROM {points} AS p
      JOIN {folded} AS f ON f.point_id = p.id
      JOIN {parts} AS w ON w.point_id = p.id AND w.hours = 24 AND w.start < f.dropped
      JOIN (VALUES {zones}) AS z(city, name) ON z.city = p.tz
     WHERE w.count > 0
    UNION ALL
    SELECT p.id, p.dis, p.unit, (w.start AT TIME ZONE z.name) - CASE WHEN
               p.his_mode = 'consumption' AND p.kind = 'Number'
               THEN interval '1 microsecond' ELSE interval '0' END AS local, 1,
           CASE WHEN w.head_val IS NULL THEN 0 ELSE 1 END, coalesce(w.head_val, 0.0),
           w.head_val, w.head_val
      FROM {points} AS p
      JOIN {folded} AS f ON f.point_id = p.id
      JOIN {parts} AS w ON w.point_id = p.id AND w.hours = 24 AND w.start <= f.dropped
      JOIN (VALUES {zones}) AS z(city, name) ON z.city = p.tz
     WHERE w.has_head AND (w.start < f.dropped
           OR p.his_mode = 'consumption' AND p.kind = 'Number')
  ) AS d
 GROUP BY d.id, d.dis, 3, d.unit
"""
_HUGE = """(CASE WHEN abs(w.huge) < 1e290 THEN w.huge * power(2::float8, 60)
               ELSE sign(w.huge) * 'Infinity'::float8 END)"""
# not avg(), which squares numbers and overflows
_FINITE = "WHERE s.val > '-Infinity' AND s.val < 'Infinity'"
_POINTS_SQLITE = """
SELECT e.id,
       {dis} AS dis,
       {siteRef} AS site,
       {equipRef} AS equip,
       {kind} AS kind,
       {unit} AS unit,
       {tz} AS tz,
       (SELECT json_group_array(key) FROM (
            SELECT t.key FROM json_each(e.tags) AS t
             WHERE t.type = 'object' AND t.value ->> '$._kind' = 'marker'
             ORDER BY t.key)) AS markers,
       {cur_val} AS cur_val,
       {cur_text} AS cur_text,
       {curStatus} AS cur_status,
       {hisMode} AS his_mode
  FROM {entities} AS e
 WHERE json_type(e.tags, '$.point') IS NOT NULL
   AND json_type(e.tags, '$.trash') IS NULL{scope}
"""
_SAMPLES_SQLITE = """
SELECT h.point_id AS id, p.dis, h.ts,
       CASE WHEN h.obj IS NULL THEN h.val ELSE {val} END AS val,
       {text} AS text,
       p.unit
  FROM {history} AS h
  JOIN {points} AS p ON p.id = h.point_id
"""


def statements(
    vendor: str,
    names: Mapping[str, str],
    zones: Mapping[str, str],
    scope: str | None = None,
) -> dict[str, str]:
    """The queries of the views by ``POINTS``, ``SAMPLES`` and ``ROLLUPS``.

    ``names`` are the quoted names of the views; ``zones`` the names of time zones in
    the database by those in tags; ``scope`` a query of the ids of visible entities.
    """
    if vendor == "postgresql":
        return _postgres(names, zones, scope)
    return _sqlite(names, scope)


def _postgres(
    names: Mapping[str, str], zones: Mapping[str, str], scope: str | None
) -> dict[str, str]:
    rows = ", ".join(f"('{city}', '{name}')" for city, name in sorted(zones.items()))
    value = "(e.cur -> 'curVal')"
    points = _POINTS_POSTGRES.format(
        **{tag: _word_postgres(column, tag) for tag, column in _WORDS.items()},
        **{tag: _ref_postgres(tag) for tag in _REFS},
        cur_val=_val_postgres(value),
        cur_text=_text_postgres(value),
        entities=ENTITIES,
        scope=_within(scope),
    )
    samples = _SAMPLES_POSTGRES.format(
        val=_val_postgres("h.obj"),
        text=_text_postgres("h.obj"),
        history=HISTORY,
        points=names[POINTS],
        zones=rows,
    )
    rollups = _ROLLUPS_POSTGRES.format(
        finite=_FINITE,
        samples=names[SAMPLES],
        points=names[POINTS],
        folded=FOLD_POINTS,
        parts=FOLD_PARTS,
        huge=_HUGE,
        zones=rows,
    )
    return {POINTS: points, SAMPLES: samples, ROLLUPS: rollups}


def _sqlite(names: Mapping[str, str], scope: str | None) -> dict[str, str]:
    value = "(e.cur -> '$.curVal')"
    points = _POINTS_SQLITE.format(
        **{tag: _word_sqlite(column, tag) for tag, column in _WORDS.items()},
        **{tag: _ref_sqlite(tag) for tag in _REFS},
        cur_val=_val_sqlite(value),
        cur_text=_text_sqlite(value),
        entities=ENTITIES,
        scope=_within(scope),
    )
    samples = _SAMPLES_SQLITE.format(
        val=_val_sqlite("h.obj"),
        text=_text_sqlite("h.obj"),
        history=HISTORY,
        points=names[POINTS],
    )
    return {POINTS: points, SAMPLES: samples}


def _within(scope: str | None) -> str:
    return "" if scope is None else f"\n   AND e.id IN ({scope})"


def _word_postgres(column: str, tag: str) -> str:
    value = f"e.{column} -> '{tag}'"
    return f"CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' END"


def _word_sqlite(column: str, tag: str) -> str:
    value = f"e.{column} -> '$.{tag}'"
    return f"CASE json_type({value}) WHEN 'text' THEN {value} ->> '$' END"


def _ref_sqlite(tag: str) -> str:
    value = f"e.tags -> '$.{tag}'"
    return f"CASE {value} ->> '$._kind' WHEN 'ref' THEN {value} ->> '$.val' END"


def _ref_postgres(tag: str) -> str:
    return (
        f"CASE WHEN e.tags -> '{tag}' ->> '_kind' = 'ref'"
        f" THEN e.tags -> '{tag}' ->> 'val' END"
    )


def _val_postgres(value: str) -> str:
    """Numbers, with NaN and infinite ones, and Bools as 1 and 0."""
    return (
        f"CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::float8"
        f" WHEN 'boolean' THEN ({value})::boolean::int::float8"
        f" WHEN 'object' THEN CASE WHEN {value} ->> '_kind' = 'number'"
        f" AND (jsonb_typeof({value} -> 'val') = 'number'"
        f" OR {value} ->> 'val' IN ('NaN', 'INF', '-INF'))"
        f" THEN ({value} ->> 'val')::float8 END END"
    )


def _text_postgres(value: str) -> str:
    """Strs, and Coords as in Zinc."""
    return (
        f"CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> array[]::text[]"
        f" WHEN 'object' THEN CASE {value} ->> '_kind' WHEN 'coord'"
        f" THEN 'C(' || ({value} ->> 'lat') || ',' || ({value} ->> 'lng') || ')'"
        " END END"
    )


def _val_sqlite(value: str) -> str:
    """As in PostgreSQL; SQLite has no NaN, and infinite numbers are 9e999."""
    return (
        f"CASE json_type({value}) WHEN 'integer' THEN {value} ->> '$'"
        f" WHEN 'real' THEN {value} ->> '$' WHEN 'true' THEN 1 WHEN 'false' THEN 0"
        f" WHEN 'object' THEN CASE WHEN {value} ->> '$._kind' = 'number' THEN"
        f" CASE {value} ->> '$.val' WHEN 'INF' THEN 9e999 WHEN '-INF' THEN -9e999"
        f" WHEN 'NaN' THEN NULL ELSE {value} ->> '$.val' END END END"
    )


def _text_sqlite(value: str) -> str:
    return (
        f"CASE json_type({value}) WHEN 'text' THEN {value} ->> '$'"
        f" WHEN 'object' THEN CASE {value} ->> '$._kind' WHEN 'coord'"
        f" THEN 'C(' || ({value} ->> '$.lat') || ',' || ({value} ->> '$.lng') || ')'"
        f" WHEN 'number' THEN CASE {value} ->> '$.val' WHEN 'NaN' THEN 'NaN' END"
        " END END"
    )
