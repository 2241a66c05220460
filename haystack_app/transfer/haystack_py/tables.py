"""The tables of haystack-py: which there are, and what is in them.

Its documentation names them ``entities(id, tags)`` and ``history(point_id, ts, val)``;
its releases made ``hs_entities``, ``hs_history(entity_id, ts, val, unit)`` and
``hs_priority(entity_id, level, val, who)``. All are PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import LARGEST_CHUNK
from ...storage.errors import StorageError

__all__ = [
    "OLD",
    "Layout",
    "NoSuchTables",
    "Survey",
    "layouts",
    "opened",
    "read_entities",
    "read_levels",
    "read_samples",
    "survey",
]

OLD = "_haystack_py"
"""Behind the names of tables that made room for ours."""

_NAMES = [
    ("hs_entities", "hs_history", "hs_priority"),
    ("entities", "history", ""),
    (f"entities{OLD}", f"history{OLD}", ""),
]
_OURS = {"cur", "version"}
_PAGE = 1_000
_STRANGE = "ts < '1950-01-01T00:00Z' OR ts >= '9999-01-01T00:00Z'"


class NoSuchTables(StorageError):
    """A database without tables of haystack-py, or with more than one set."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of one set of tables, those that are not there empty.

    ``key`` is the column of ``history`` with the point's id.
    """

    entities: str
    history: str
    levels: str
    key: str
    has_unit: bool

    @property
    def tables(self) -> list[str]:
        return [name for name in (self.entities, self.history, self.levels) if name]


@dataclass(slots=True)
class Survey:
    """What is known of a point's samples from one look at all of them.

    ``empty`` have no value, ``unlike_bool`` another than 0 and 1, ``strange`` are
    of a time that no store takes.
    """

    count: int = 0
    empty: int = 0
    unlike_bool: int = 0
    strange: int = 0
    units: set[str] = field(default_factory=set)


@contextmanager
def opened(config: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """A connection of its own to a database, also to one that is open already."""
    options = {
        key: val for key, val in config.get("OPTIONS", {}).items() if key != "pool"
    }
    entry = {**config, "OPTIONS": options}
    alias = f"haystack_py_{len(connections.settings)}"
    connections.configure_settings({DEFAULT_DB_ALIAS: {}, alias: entry})
    connections.settings[alias] = entry
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def layouts(connection: BaseDatabaseWrapper) -> list[Layout]:
    """The sets of tables in a database, ours not among them."""
    columns = _columns(connection)
    found = []
    for entities, history, levels in _NAMES:
        has = columns.get(entities, set())
        if not has >= {"id", "tags"} or has >= _OURS:
            continue
        samples = columns.get(history, set())
        key = next((key for key in ("point_id", "entity_id") if key in samples), "")
        found.append(
            Layout(
                entities,
                history if key and samples >= {"ts", "val"} else "",
                levels if columns.get(levels, set()) >= {"level", "val"} else "",
                key,
                "unit" in samples,
            )
        )
    return found


def _columns(connection: BaseDatabaseWrapper) -> dict[str, set[str]]:
    """The columns of tables that a plain name finds, by table."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)"
            " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname = ANY(%s)",
            [[name for names in _NAMES for name in names if name]],
        )
        for table, column in cursor.fetchall():
            found.setdefault(table, set()).add(column)
    return found


# -- reading --------------------------------------------------------------------


def read_entities(
    connection: BaseDatabaseWrapper, layout: Layout
) -> Iterator[list[tuple[str, str]]]:
    """Ids and JSON texts of the tags, in batches."""
    after: str | None = None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, tags::text FROM {layout.entities}"
                " WHERE %s::text IS NULL OR id > %s ORDER BY id LIMIT %s",
                [after, after, _PAGE],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def survey(connection: BaseDatabaseWrapper, layout: Layout) -> dict[str, Survey]:
    """All points that have samples, by ids in order."""
    found: dict[str, Survey] = {}
    if not layout.history:
        return found
    unit = "unit" if layout.has_unit else "NULL::text"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {layout.key}, {unit}, count(*),"
            " count(*) FILTER (WHERE val IS NULL),"
            " count(*) FILTER (WHERE val NOT IN (0, 1)),"
            f" count(*) FILTER (WHERE {_STRANGE})"
            f" FROM {layout.history} GROUP BY 1, 2"
        )
        for id, symbol, *counts in cursor.fetchall():
            one = found.setdefault(id, Survey())
            if symbol:
                one.units.add(symbol)
            one.count += counts[0]
            one.empty += counts[1]
            one.unlike_bool += counts[2]
            one.strange += counts[3]
    return dict(sorted(found.items()))


def read_samples(
    connection: BaseDatabaseWrapper, layout: Layout, id: str
) -> Iterator[tuple[int, float]]:
    """Microseconds since 1970 and value; of several at one time the last one last.

    That is the last one of the table as it lies there. A compressed hypertable has
    no such order.
    """
    order = "ts, ctid" if _has_place(connection, layout.history) else "ts"
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM ts) * 1000000)::int8, val"
            f" FROM {layout.history} WHERE {layout.key} = %s AND val IS NOT NULL"
            f" ORDER BY {order}",
            [id],
        )
        while rows := cursor.fetchmany(LARGEST_CHUNK):
            yield from rows


def _has_place(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Whether rows can be told from each other by where they are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
        if not cursor.fetchone():
            return True
        cursor.execute(
            "SELECT 1 FROM timescaledb_information.hypertables"
            " WHERE hypertable_name = %s AND compression_enabled",
            [table],
        )
        return cursor.fetchone() is None


def read_levels(
    connection: BaseDatabaseWrapper, layout: Layout
) -> list[tuple[str, int, str, str]]:
    """Id, level, JSON text of the value, and who wrote it."""
    if not layout.levels:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_id, level, val::text, coalesce(who, '')"
            f" FROM {layout.levels} WHERE val IS NOT NULL ORDER BY entity_id, level"
        )
        return list(cursor.fetchall())
