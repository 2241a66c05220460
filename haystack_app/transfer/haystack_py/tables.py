"""The tables of haystack-py, on PostgreSQL, and their content.

Its documentation names them ``entities(id, tags)`` and ``history(point_id, ts, val)``;
its releases created ``hs_entities``, ``hs_history(entity_id, ts, val, unit)`` and
``hs_priority(entity_id, level, val, who)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import LARGEST_CHUNK
from ...sql.sessions import is_pooled
from ...storage.errors import StorageError

__all__ = [
    "OLD_SUFFIX",
    "Layout",
    "Survey",
    "UnusableTables",
    "connect",
    "layouts",
    "read_entities",
    "read_levels",
    "read_samples",
    "survey",
]

OLD_SUFFIX = "_haystack_py"
"""Suffix of renamed tables."""

_NAMES = [
    ("hs_entities", "hs_history", "hs_priority"),
    ("entities", "history", ""),
    (f"entities{OLD_SUFFIX}", f"history{OLD_SUFFIX}", ""),
]
_APP_COLUMNS = {"cur", "version"}
_PAGE = 1_000
_OUT_OF_RANGE = "ts < '1950-01-01T00:00Z' OR ts >= '9999-01-01T00:00Z'"


class UnusableTables(StorageError):
    """A database without tables of haystack-py, or with ambiguous tables."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of one set of tables; empty for a missing table.

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
    """Counts of a point's samples.

    ``empty`` samples have no value, ``not_bool`` samples have a value other than 0
    and 1, ``out_of_range`` samples have a time that stores do not support.
    """

    count: int = 0
    empty: int = 0
    not_bool: int = 0
    out_of_range: int = 0
    units: set[str] = field(default_factory=set)


@contextmanager
def connect(config: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """A separate connection to a database, even if another one is open."""
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
    """The sets of tables of haystack-py in a database."""
    columns = _columns(connection)
    found = []
    for entities, history, levels in _NAMES:
        present = columns.get(entities, set())
        if not present >= {"id", "tags"} or present >= _APP_COLUMNS:
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
    """The columns by table, for tables that are visible without a schema."""
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
    """Ids and tags as JSON text, in batches."""
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
    """The counts of all points with samples, sorted by id."""
    found: dict[str, Survey] = {}
    if not layout.history:
        return found
    unit = "unit" if layout.has_unit else "NULL::text"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {layout.key}, {unit}, count(*),"
            " count(*) FILTER (WHERE val IS NULL),"
            " count(*) FILTER (WHERE val NOT IN (0, 1)),"
            f" count(*) FILTER (WHERE {_OUT_OF_RANGE})"
            f" FROM {layout.history} GROUP BY 1, 2"
        )
        for id, symbol, *counts in cursor.fetchall():
            point = found.setdefault(id, Survey())
            if symbol:
                point.units.add(symbol)
            point.count += counts[0]
            point.empty += counts[1]
            point.not_bool += counts[2]
            point.out_of_range += counts[3]
    return dict(sorted(found.items()))


def read_samples(
    connection: BaseDatabaseWrapper, layout: Layout, id: str
) -> Iterator[tuple[int, float]]:
    """Microseconds since 1970 and value, in order of time.

    Samples at the same time are in the physical order of the table. A compressed
    hypertable does not have such an order.
    """
    order = "ts, ctid" if _has_ctid(connection, layout.history) else "ts"
    # a cursor of the server does not outlive its transaction in a pooler
    opened = connection.cursor if is_pooled(connection) else connection.chunked_cursor
    with opened() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM ts) * 1000000)::int8, val"
            f" FROM {layout.history} WHERE {layout.key} = %s AND val IS NOT NULL"
            f" ORDER BY {order}",
            [id],
        )
        while rows := cursor.fetchmany(LARGEST_CHUNK):
            yield from rows


def _has_ctid(connection: BaseDatabaseWrapper, table: str) -> bool:
    """Whether ``ctid`` is available: not in compressed hypertables."""
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
    """Id, level, value as JSON text, and the user who wrote it."""
    if not layout.levels:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_id, level, val::text, coalesce(who, '')"
            f" FROM {layout.levels} WHERE val IS NOT NULL ORDER BY entity_id, level"
        )
        return list(cursor.fetchall())
