"""Statements that store a batch of a commit, a column of values as one parameter.

PostgreSQL has one statement for everything, so that a commit of one entity is one round
trip. SQLite has no round trips, and takes rows with prepared statements.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.arrays import text_array
from ...sql.fragments import Sql
from ...sql.tables import CHANGES, ENTITIES, ENTITY_REF, TAG_SETS
from ..changes import Change
from ..changeset import EntityRow

__all__ = ["Edge", "Upserts"]

Edge = tuple[str, str, str]
"""Path, id of the target or an empty text, and id of the source."""

_ENTITY = "id, tags, cur, mod, version, tag_set_id, naming, search"
_EDGE = "path, dst, src"
_ENTRY = "at, who, entity_id, kind, before, after"
_ON_CONFLICT = (
    " ON CONFLICT (id) DO UPDATE SET tags = excluded.tags, cur = excluded.cur,"
    " mod = excluded.mod, version = excluded.version, tag_set_id = excluded.tag_set_id,"
    " naming = excluded.naming, search = excluded.search"
)


@dataclass(frozen=True, slots=True)
class Upserts:
    """Rows to insert or update, in a transaction of the caller.

    ``tag_sets`` are names by id. Of ``entities``, those of ``known`` exist. ``edges``
    are all edges of some entities; those of ``former`` had edges before. ``log`` gets
    ids in its order.
    """

    tag_sets: dict[int, str]
    entities: Sequence[EntityRow]
    known: Collection[str]
    edges: Sequence[Edge]
    former: Sequence[str]
    log: Sequence[Change]

    def execute(self, connection: BaseDatabaseWrapper) -> None:
        if connection.vendor == "postgresql":
            self._postgres(connection)
        else:
            self._sqlite(connection)

    # -- PostgreSQL -----------------------------------------------------------

    def _postgres(self, connection: BaseDatabaseWrapper) -> None:
        parts = [
            *self._postgres_tag_sets(),
            *self._postgres_entities(),
            *self._postgres_edges(),
            *self._postgres_log(),
        ]
        if not parts:
            return
        queries = (f"part_{at} AS ({part.text})" for at, part in enumerate(parts))
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH {', '.join(queries)} SELECT",
                [param for part in parts for param in part.params],
            )

    def _postgres_tag_sets(self) -> Iterable[Sql]:
        if self.tag_sets:
            ids = text_array(map(str, self.tag_sets))
            yield Sql(
                f"INSERT INTO {TAG_SETS} (id, names)"
                " SELECT unnest(%s::int8[]), unnest(%s::text[])"
                " ON CONFLICT (id) DO NOTHING",
                (ids, text_array(self.tag_sets.values())),
            )

    def _postgres_entities(self) -> Iterable[Sql]:
        if rows := self.entities:
            yield Sql(
                f"INSERT INTO {ENTITIES} ({_ENTITY})"
                # not FROM unnest(..), which would copy all rows first
                " SELECT unnest(%s::text[]), unnest(%s::jsonb[]), unnest(%s::jsonb[]),"
                " unnest(%s::timestamptz[]), unnest(%s::int8[]), unnest(%s::int8[]),"
                " unnest(%s::int4[]), unnest(%s::text[])"
                f"{_ON_CONFLICT}",
                (
                    text_array(row.id for row in rows),
                    text_array(row.tags for row in rows),
                    text_array(row.cur for row in rows),
                    text_array(_texts(row.mod for row in rows)),
                    text_array(str(row.version) for row in rows),
                    text_array(str(row.tag_set) for row in rows),
                    text_array(str(row.naming) for row in rows),
                    text_array(row.search for row in rows),
                ),
            )

    def _postgres_edges(self) -> Iterable[Sql]:
        """Edges that stay are neither deleted nor inserted."""
        edges_by_key = sorted(self.edges)
        columns = tuple(map(text_array, zip(*edges_by_key, strict=True))) or ("{}",) * 3
        edges = f"unnest(%s::text[], %s::text[], %s::text[]) AS edges({_EDGE})"
        if self.former:
            yield Sql(
                f"DELETE FROM {ENTITY_REF} WHERE src = ANY(%s::text[])"
                f" AND ({_EDGE}) NOT IN (SELECT {_EDGE} FROM {edges})",
                (text_array(self.former), *columns),
            )
        if self.edges:
            stay = f" ON CONFLICT ({_EDGE}) DO NOTHING" if self.former else ""
            yield Sql(
                f"INSERT INTO {ENTITY_REF} ({_EDGE}) SELECT {_EDGE} FROM {edges}{stay}",
                columns,
            )

    def _postgres_log(self) -> Iterable[Sql]:
        if log := self.log:
            yield Sql(
                f"INSERT INTO {CHANGES} ({_ENTRY}) SELECT {_ENTRY}"
                " FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[],"
                " %s::jsonb[], %s::jsonb[])"
                f" WITH ORDINALITY AS entries({_ENTRY}, place) ORDER BY place",
                (
                    text_array(_texts(one.at for one in log)),
                    text_array(one.who for one in log),
                    text_array(one.id for one in log),
                    text_array(one.kind for one in log),
                    text_array(one.before.raw for one in log),
                    text_array(one.after.raw for one in log),
                ),
            )

    # -- SQLite ---------------------------------------------------------------

    def _sqlite(self, connection: BaseDatabaseWrapper) -> None:
        with connection.cursor() as cursor:
            for statement, rows in self._sqlite_parts(connection):
                if rows:
                    cursor.executemany(statement, rows)

    def _sqlite_parts(
        self, connection: BaseDatabaseWrapper
    ) -> Iterable[tuple[str, Sequence[tuple[Any, ...]]]]:
        def text_of(time: dt.datetime) -> str:
            return str(connection.ops.adapt_datetimefield_value(time))

        tag_sets = orjson.dumps(list(self.tag_sets.items())).decode()
        mods = _texts((row.mod for row in self.entities), text_of)
        rows = [
            (row.id, row.tags, row.cur, mod, *row[4:])
            for row, mod in zip(self.entities, mods, strict=True)
        ]
        times = _texts((one.at for one in self.log), text_of)
        yield (
            f"INSERT INTO {TAG_SETS} (id, names)"
            " SELECT value ->> 0, value ->> 1 FROM json_each(%s) WHERE NOT EXISTS"
            f" (SELECT 1 FROM {TAG_SETS} t WHERE t.id = value ->> 0)",
            [(tag_sets,)] if self.tag_sets else [],
        )
        values = ", ".join(["%s"] * len(EntityRow._fields))
        insert = f"INSERT INTO {ENTITIES} ({_ENTITY}) VALUES ({values})"
        # with an index, SQLite prepares for a conflict by a journal for each row
        yield insert, [row for row in rows if row[0] not in self.known]
        yield insert + _ON_CONFLICT, [row for row in rows if row[0] in self.known]
        former = [(id,) for id in self.former]
        yield f"DELETE FROM {ENTITY_REF} WHERE src = %s", former
        yield (
            f"INSERT INTO {ENTITY_REF} ({_EDGE}) VALUES (%s, %s, %s)",
            self.edges,
        )
        yield (
            f"INSERT INTO {CHANGES} ({_ENTRY}) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (at, one.who, one.id, one.kind, one.before.raw, one.after.raw)
                for one, at in zip(self.log, times, strict=True)
            ],
        )


def _texts(
    times: Iterable[dt.datetime],
    text_of: Callable[[dt.datetime], str] = dt.datetime.isoformat,
) -> list[str]:
    """The texts of times, of which most are the same: the time of the commit."""
    known: dict[dt.datetime, str] = {}
    return [known.get(at) or known.setdefault(at, text_of(at)) for at in times]
