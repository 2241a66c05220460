"""The hand-written SQL that our times stand beside, and how to run it raw.

Parameters are in the order that each statement's comment gives.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from haystack_app.sql.tables import ENTITIES, ENTITY_REF

__all__ = ["Query", "Raw", "Statements", "Term"]

Term = tuple[str, ...]
"""The name of a condition in ``Statements``, and its parameters."""


class Query(NamedTuple):
    """A statement that selects JSON texts, and its parameters."""

    sql: str
    params: list[Any]


LOADED = "bench_loaded"
"""A table of ids and tags, to insert into."""


@dataclass(frozen=True, slots=True)
class Statements:
    samples: str
    """(ts, val) rows: (point id, start, end)."""
    upsert: str
    """(point id, times, values), or on SQLite one such row."""
    record: str
    """The JSON text of an entity ``e``; conditions on it follow."""
    has: str
    """(a tag's name)"""
    equals: str
    """(a tag's name, a text)"""
    refers: str
    """(a tag's name, an id)"""
    of_city: str
    """(the geoCity of the site)"""
    nav: str
    """Of the entities of a site, those below it; no parameters."""
    update: str
    """Set a tag: (its name, a text, id)."""
    insert: str
    """(ids, JSON texts) into ``LOADED``, or on SQLite one such row."""


_POSTGRES = Statements(
    samples=(
        "SELECT ts, val FROM history WHERE point_id = %s AND ts >= %s AND ts < %s"
        " ORDER BY ts"
    ),
    upsert=(
        "INSERT INTO history (point_id, ts, val) SELECT %s, t, v"
        " FROM unnest(%s::timestamptz[], %s::float8[]) AS u(t, v)"
        " ON CONFLICT (point_id, ts) DO UPDATE SET val = EXCLUDED.val"
    ),
    record="(e.tags || e.cur)::text",
    has="e.tags ? %s",
    equals="e.tags @> jsonb_build_object(%s::text, %s::text)",
    refers=(
        "e.tags @> jsonb_build_object("
        "%s::text, jsonb_build_object('_kind', 'ref', 'val', %s::text))"
    ),
    of_city=(
        f"e.id = ANY(ARRAY(SELECT r.src FROM {ENTITY_REF} r"
        f" JOIN {ENTITIES} s ON s.id = r.dst WHERE r.path = 'siteRef'"
        " AND s.tags @> jsonb_build_object('geoCity', %s::text)))"
    ),
    nav="(e.tags ? 'equip' OR e.tags ? 'point' AND NOT e.tags ? 'equipRef')",
    update=(
        f"UPDATE {ENTITIES} SET tags = tags || jsonb_build_object(%s::text, %s::text)"
        " WHERE id = %s"
    ),
    insert=(
        f"INSERT INTO {LOADED} SELECT i, t::jsonb"
        " FROM unnest(%s::text[], %s::text[]) AS u(i, t)"
    ),
)
_SQLITE = Statements(
    samples=_POSTGRES.samples,
    upsert=(
        "INSERT INTO history (point_id, ts, val) VALUES (%s, %s, %s)"
        " ON CONFLICT (point_id, ts) DO UPDATE SET val = excluded.val"
    ),
    record="json_patch(e.tags, e.cur)",
    has="json_type(e.tags, '$.' || %s) IS NOT NULL",
    equals="json_extract(e.tags, '$.' || %s) = %s",
    refers=f"e.id IN (SELECT src FROM {ENTITY_REF} WHERE path = %s AND dst = %s)",
    of_city=(
        f"e.id IN (SELECT r.src FROM {ENTITY_REF} r"
        f" JOIN {ENTITIES} s ON s.id = r.dst WHERE r.path = 'siteRef'"
        " AND json_extract(s.tags, '$.geoCity') = %s)"
    ),
    nav=(
        "(json_type(e.tags, '$.equip') IS NOT NULL"
        " OR json_type(e.tags, '$.point') IS NOT NULL"
        " AND json_type(e.tags, '$.equipRef') IS NULL)"
    ),
    update=f"UPDATE {ENTITIES} SET tags = json_set(tags, '$.' || %s, %s) WHERE id = %s",
    insert=f"INSERT INTO {LOADED} VALUES (%s, %s)",
)


class Raw:
    """The driver's own connection to the database that Django uses."""

    def __init__(self) -> None:
        self.postgres = connection.vendor == "postgresql"
        self.statements = _POSTGRES if self.postgres else _SQLITE
        self.connection: Any
        if self.postgres:
            params = connection.get_connection_params()
            words = ("dbname", "user", "password", "host", "port")
            self.connection = psycopg.connect(
                **{word: params[word] for word in words if params.get(word)},
                options="-c jit=off -c work_mem=32MB",  # as in haystack_app/sql/sessions
                autocommit=True,
            )
        else:
            self.connection = sqlite3.connect(connection.settings_dict["NAME"])
            self.connection.execute("PRAGMA synchronous=FULL")

    def close(self) -> None:
        self.connection.close()

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement, as the driver gives them."""
        if not self.postgres:
            sql = sql.replace("%s", "?")
        found: list[tuple[Any, ...]] = self.connection.execute(sql, params).fetchall()
        return found

    def records(self, *terms: Term, limit: int | None = None) -> Query:
        """The entities that pass all conditions and are not trash."""
        conditions = [getattr(self.statements, name) for name, *_ in terms]
        params: list[Any] = [param for _, *given in terms for param in given]
        sql = (
            f"SELECT {self.statements.record} FROM {ENTITIES} e"
            f" WHERE {' AND '.join(conditions)} AND NOT ({self.statements.has})"
        )
        if limit is None:
            return Query(sql, [*params, "trash"])
        return Query(f"{sql} LIMIT %s", [*params, "trash", limit])

    def record(self, id: str) -> Query:
        sql = f"SELECT {self.statements.record} FROM {ENTITIES} e WHERE e.id = %s"
        return Query(sql, [id])

    def set_tag(self, id: str, name: str, text: str) -> None:
        self._write(self.statements.update, [name, text, id])

    def prepare_loading(self) -> None:
        kind = "JSONB" if self.postgres else "TEXT"
        self._write(f"CREATE TABLE {LOADED} (id TEXT PRIMARY KEY, tags {kind})")
        if self.postgres:
            self._write(f"CREATE INDEX ON {LOADED} USING gin (tags)")

    def load(self, ids: list[str], texts: list[str]) -> None:
        if self.postgres:
            self._write(self.statements.insert, [ids, texts])
        else:
            self._write_each(self.statements.insert, list(zip(ids, texts, strict=True)))

    def samples(self, id: str, start: dt.datetime, end: dt.datetime) -> list[Any]:
        return self.rows(
            self.statements.samples, [id, self.instant(start), self.instant(end)]
        )

    def fetch(self, ids: list[str], start: dt.datetime, end: dt.datetime) -> int:
        """The bare binary fetch of samples, of which no value is decoded: their number.

        Of COPY, rows and arrays, rows are the fastest.
        """
        with self.connection.cursor(binary=True) as cursor:
            cursor.execute(
                "SELECT ts, val FROM history WHERE point_id = ANY(%s)"
                " AND ts >= %s AND ts < %s ORDER BY point_id, ts",
                [ids, start, end],
            )
            return int(cursor.rowcount)

    def upsert(self, id: str, times: list[dt.datetime], vals: list[float]) -> None:
        if self.postgres:
            self._write(self.statements.upsert, [id, times, vals])
        else:
            rows = [
                (id, self.instant(time), val)
                for time, val in zip(times, vals, strict=True)
            ]
            self._write_each(self.statements.upsert, rows)

    def _write(self, sql: str, params: Sequence[Any] = ()) -> None:
        if self.postgres:
            with self.connection.transaction():
                self.connection.execute(sql, params)
        else:
            self._write_each(sql, [params])

    def _write_each(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.connection.executemany(sql.replace("%s", "?"), rows)
        self.connection.commit()

    def instant(self, at: dt.datetime) -> Any:
        """A UTC time as the column holds it."""
        return at if self.postgres else str(at.replace(tzinfo=None))
