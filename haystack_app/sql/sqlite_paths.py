"""The ids whose path leads to a match, in SQLite.

One recursive query follows the edges backwards from the matches at the end. Its rows
are places in the path, and ids of entities from which the names after the place lead
to a match. A named query for each place would be expanded wherever it is used, which
makes 2 ** n queries.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ..filters.ast import Path
from ..kinds.transient import TRANSIENT
from . import sqlite
from .fragments import Row, Sql, Test, joined, sql
from .paths import PARTS_OF_DATE_TIME, from_record, steps, targets
from .sqlite_terms import DATE_TIME, PRESENT, SET_TERMS
from .tables import ENTITIES, ENTITY_REF

__all__ = ["ids_of_path"]

# most tags are not dicts, so edges of most steps do not exist
_STEPS = (
    "SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(%s) WHERE EXISTS"
    f" (SELECT 1 FROM {ENTITY_REF} e WHERE e.path = value ->> 2)"
)
_BACKWARDS = (
    "SELECT step.starts, r.src FROM found CROSS JOIN step"
    f" CROSS JOIN {ENTITY_REF} r WHERE step.ends = found.at AND r.path = step.path"
    " AND r.dst = found.id AND (step.starts = 0"
    f" OR EXISTS (SELECT 1 FROM {ENTITIES} t WHERE t.id = r.src))"
)


def ids_of_path(path: Path, test: Test) -> Sql:
    """A query of the ids of the entities whose path leads to a match."""
    path = from_record(path)
    return sql(
        f"WITH RECURSIVE step(starts, ends, path) AS MATERIALIZED ({_STEPS}),"
        f" found(at, id) AS ({{}} UNION {_BACKWARDS})"
        " SELECT id FROM found WHERE at = 0",
        orjson.dumps(list(steps(path))).decode(),
        joined(" UNION ", _matches(path, test)),
    )


def _matches(path: Path, test: Test) -> Iterator[Sql]:
    """Queries of places, and of the ids from which the path ends in the record."""
    for at in {end for _, end, _ in steps(path)}:
        if at == len(path) - 1 or path[at] in TRANSIENT:
            yield sql(
                f"SELECT {at}, t.id FROM {ENTITIES} t WHERE t.id IN ({{}}) AND {{}}",
                targets(path, at),
                sqlite.holds(Row.of("t"), path[at:], test, walk=True),
            )
    starts = sorted({start for start, _, _ in steps(path)})
    yield _in_dicts(path, starts, test)
    if path[-1] in PARTS_OF_DATE_TIME:
        for at in starts:
            yield _of_date_time(path, at, test)


def _in_dicts(path: Path, starts: list[int], test: Test) -> Sql:
    ends = [(at, ".".join(path[at:-1]), sqlite.json_path(*path[at:])) for at in starts]
    return sql(
        "SELECT step.value ->> 0, d.id FROM json_each(%s) AS step"
        f" CROSS JOIN {ENTITY_REF} r CROSS JOIN {ENTITIES} d"
        " WHERE r.path = step.value ->> 1 AND r.dst = '' AND d.id = r.src AND {}",
        orjson.dumps(ends).decode(),
        sqlite.value_holds(Sql("(d.tags -> (step.value ->> 2))"), test),
    )


def _of_date_time(path: Path, at: int, test: Test) -> Sql:
    names = path[at:-1]
    is_date_time = sql(
        "(d.tags ->> %s) = 'dateTime'", sqlite.json_path(*names, "_kind")
    )
    value = sql("(d.tags -> %s)", sqlite.json_path(*names))
    return sql(
        f"SELECT {at}, d.id FROM {ENTITIES} d WHERE {{}} AND {{}} AND {{}}",
        sql("d.id IN ({})", targets(path, at) if at else _with_date_time(names)),
        is_date_time,
        sqlite.value_holds(sqlite.part_of_date_time(value, path[-1]), test),
    )


def _with_date_time(names: Path) -> Sql:
    """The ids of entities that may have a dateTime at the names, and marked rows."""
    marked = f"SELECT m.id FROM {ENTITIES} m WHERE m.tag_set_id <= 0"
    if len(names) == 1:
        return sql(
            f"SELECT e.id FROM {SET_TERMS} t CROSS JOIN {ENTITIES} e"
            " WHERE t.name = %s AND t.value = %s AND e.tag_set_id = t.tag_set_id"
            f" UNION ALL {marked}",
            names[0],
            PRESENT if names[0] == "mod" else DATE_TIME,
        )
    return sql(
        f"SELECT r.src FROM {ENTITY_REF} r WHERE r.path = %s AND r.dst = ''"
        f" UNION ALL {marked}",
        ".".join(names[:-1]),
    )
