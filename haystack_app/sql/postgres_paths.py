"""The ids whose path leads to a match, in PostgreSQL.

A path of n names has n - 1 named sets: set k has the ids of the entities from which
the names after the k-th lead to a match. Each is computed once, from the last to the
first, so the cost depends on the matches and not on the number of entities.

Ids are looked up as arrays, regardless of statistics: with stale ones, IN may become
nested loops over the whole table.
"""

from __future__ import annotations

from ..filters.ast import Path
from ..kinds.transient import TRANSIENT
from . import postgres
from .fragments import Row, Sql, Test, all_of, joined, sql
from .paths import PARTS_OF_DATE_TIME, from_record, ids_of_refs, steps, targets
from .tables import ENTITIES, ENTITY_REF

__all__ = ["among", "ids_of_path", "tag_holds"]


def among(column: str, ids: Sql) -> Sql:
    """Whether a column has one of the ids of a query."""
    return sql("{} = ANY(ARRAY({}))", Sql(column), ids)


def tag_holds(row: Row, name: str, test: Test) -> Sql:
    """Whether a tag of the row passes; by edges if it is to refer to one of many."""
    exact = postgres.holds(row, (name,), test)
    if test.op != "in" or name == "id" or name in TRANSIENT:
        return exact
    is_one = sql("dst = ANY(%s::text[])", list(test.literal))
    return all_of([among(row.id, ids_of_refs(name, is_one)), exact])


def ids_of_path(path: Path, test: Test) -> Sql:
    """A query of the ids of the entities whose path leads to a match."""
    path = from_record(path)
    places = sorted({end for _, end, _ in steps(path)}, reverse=True)
    named = [
        sql(f"s{at}(id) AS MATERIALIZED ({{}})", _named(path, at, test))
        for at in places
    ]
    return sql("WITH {} {}", joined(", ", named), _arms(path, 0, test))


def _named(path: Path, at: int, test: Test) -> Sql:
    """The ids of the entities from which the names from ``at`` on lead to a match."""
    rest = path[at:]
    if rest[0] in TRANSIENT:  # no index has them
        tested = postgres.holds(Row.of("t"), rest, test, walk=True)
        condition = all_of([among("t.id", targets(path, at)), tested])
    elif len(rest) == 1:
        condition = tag_holds(Row.of("t"), rest[0], test)
    else:
        condition = among("t.id", _arms(path, at, test))
    return sql(f"SELECT t.id FROM {ENTITIES} t WHERE {{}}", condition)


def _arms(path: Path, at: int, test: Test) -> Sql:
    """The ids from which the names from ``at`` on lead to a match.

    There is one arm for each name at which the path may leave the record by a ref, and
    one for values inside the record's own dicts. The arms are joined by UNION ALL,
    because OR would cost a sequential scan.
    """
    rest = path[at:]
    arms = [_edge_arm(edge, end) for start, end, edge in steps(path) if start == at]
    arms.append(_dict_arm(rest, test))
    if rest[-1] in PARTS_OF_DATE_TIME:
        arms.append(_date_time_arm(rest, test))
    return joined(" UNION ALL ", arms)


def _edge_arm(edge: str, end: int) -> Sql:
    arm = sql(
        f"SELECT src FROM {ENTITY_REF} WHERE path = %s AND {{}}",
        edge,
        among("dst", Sql(f"SELECT id FROM s{end}")),
    )
    if "." not in edge:
        return arm
    # most tags are not dicts: do not look up each id of a large set
    return sql(
        f"{{}} AND (SELECT e.path FROM {ENTITY_REF} e WHERE e.path = %s"
        " ORDER BY e.dst LIMIT 1) IS NOT NULL",
        arm,
        edge,
    )


def _dict_arm(path: Path, test: Test) -> Sql:
    dicts = sql(
        f"SELECT src FROM {ENTITY_REF} WHERE path = %s AND dst = ''",
        ".".join(path[:-1]),
    )
    return sql(
        f"SELECT d.id FROM {ENTITIES} d WHERE {{}} AND {{}}",
        among("d.id", dicts),
        postgres.value_holds(_nested(path), test),
    )


def _date_time_arm(path: Path, test: Test) -> Sql:
    is_date_time, part = postgres.part_of_date_time(Sql("d.tags"), path[:-1], path[-1])
    return sql(
        f"SELECT d.id FROM {ENTITIES} d WHERE {{}} AND {{}}",
        is_date_time,
        postgres.value_holds(part, test),
    )


def _nested(path: Path) -> Sql:
    return sql("(d.tags #> %s::text[])", list(path))
