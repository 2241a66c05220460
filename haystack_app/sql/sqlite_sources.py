"""Queries of ids from SQLite's index of tags, whose plans do not depend on statistics.

The order of joins is fixed. Of several sources, each of which has all ids in question,
the one with the fewest is chosen in the statement, by counting up to a limit. All parts
have names in one WITH, because SQLite's parser has a small stack.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from . import sqlite_paths
from .fragments import Sql, joined, sql
from .leaves import Leaf
from .sqlite_terms import ENTITY_VALUES, SET_TERMS, Pair, pairs
from .tables import ENTITIES, ENTITY_REF

__all__ = ["Combined", "Sets", "Source", "ids_of"]

_COUNTED = 10_000
"""Ids up to which sources are counted."""
# not the name that a scope hides: there may be more candidates than visible rows
_IN_SETS = f"main.{ENTITIES} e INDEXED BY entities_tag_set"
_SCOPED = re.compile(rf"\b(FROM|JOIN) {ENTITIES}\b")
_MARKED = Sql(f"SELECT e.id FROM {_IN_SETS} WHERE e.tag_set_id <= 0")
_TERMS = (
    f"SELECT t.tag_set_id FROM json_each(%s) j CROSS JOIN {SET_TERMS} t"
    " WHERE t.name = j.value ->> 0 AND t.value = j.value ->> 1"
)


@dataclass(frozen=True, slots=True)
class Combined:
    """Tag sets by a set operation, such as INTERSECT, from left to right."""

    word: str
    operands: tuple[Sets, ...]


Sets = frozenset[Pair] | Combined
"""Tag sets that have any of some terms, or combinations of those."""


@dataclass(frozen=True, slots=True)
class Source:
    """Ids of entities: of edges, of values, of tag sets, and of paths."""

    edges: frozenset[Pair] = frozenset()
    values: frozenset[Pair] = frozenset()
    sets: Sets | None = None
    paths: tuple[Leaf, ...] = ()


def ids_of(sources: Sequence[Source]) -> Sql:
    """The ids of the source with the fewest, and of rows that plain SQL changed."""
    statement = _Statement()
    arms = [list(statement.arms(source)) for source in sources]
    if len(sources) == 1:
        queries = [arm.query() for arm in arms[0]]
        return statement.sql([*queries, _MARKED])
    statement.name("best", "at", _best(arms))
    queries = [arm.query(at) for at, of_one in enumerate(arms) for arm in of_one]
    return statement.sql([*queries, _MARKED])


@dataclass(frozen=True, slots=True)
class _Arm:
    """A query of ids: the column, FROM and WHERE."""

    column: str
    tables: str
    condition: str
    params: tuple[str, ...] = ()

    def query(self, at: int | None = None) -> Sql:
        """With ``at`` it finds nothing unless that source is the best."""
        tables, condition = self.tables, self.condition
        if at is not None:
            tables = f"best CROSS JOIN {tables}"
            condition = f"best.at = {at} AND {condition}"
        text = f"SELECT {self.column} FROM {tables} WHERE {condition}"
        return Sql(text, self.params)


def _best(arms: Sequence[Sequence[_Arm]]) -> Sql:
    counts = (
        sql(
            f"SELECT {at} AS at,"
            f" (SELECT count(*) FROM ({{}} LIMIT {_COUNTED})) AS number",
            joined(" UNION ALL ", (arm.query() for arm in of_one)),
        )
        for at, of_one in enumerate(arms)
    )
    text = "SELECT at FROM ({}) ORDER BY number, at LIMIT 1"
    return sql(text, joined(" UNION ALL ", counts))


@dataclass(slots=True)
class _Statement:
    """A statement with named queries."""

    named: list[Sql] = field(default_factory=list)

    def name(self, name: str, column: str, query: Sql) -> str:
        self.named.append(sql(f"{name}({column}) AS MATERIALIZED ({{}})", query))
        return name

    def sql(self, queries: Sequence[Sql]) -> Sql:
        union = joined(" UNION ALL ", queries)
        if not self.named:
            return union
        return sql("WITH {} {}", joined(", ", self.named), union)

    def arms(self, source: Source) -> Iterator[_Arm]:
        for table, name, value, found in (
            (ENTITY_REF, "path", "dst", source.edges),
            (ENTITY_VALUES, "name", "value", source.values),
        ):
            if found:
                yield _Arm(
                    "r.src",
                    f"json_each(%s) j CROSS JOIN {table} r",
                    f"r.{name} = j.value ->> 0 AND r.{value} = j.value ->> 1",
                    (pairs(found),),
                )
        if source.sets:
            sets = self._sets(source.sets)
            tables = f"{sets} s CROSS JOIN {_IN_SETS}"
            yield _Arm("e.id", tables, "e.tag_set_id = s.tag_set_id")
        for leaf in source.paths:
            yield _Arm("p.id", f"{self._path(leaf)} p", "TRUE")

    def _sets(self, sets: Sets) -> str:
        if isinstance(sets, Combined):
            names = [self._sets(operand) for operand in sets.operands]
            queries = (Sql(f"SELECT tag_set_id FROM {name}") for name in names)
            query = joined(f" {sets.word} ", queries)
        else:
            query = Sql(_TERMS, (pairs(sets),))
        return self.name(f"sets_{len(self.named)}", "tag_set_id", query)

    def _path(self, leaf: Leaf) -> str:
        text, params = sqlite_paths.ids_of_path(*leaf)
        # a path of the scope leads through all entities
        query = Sql(_SCOPED.sub(rf"\1 main.{ENTITIES}", text), params)
        return self.name(f"path_{len(self.named)}", "id", query)
