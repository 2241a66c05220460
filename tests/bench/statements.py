"""The hand-written SQL that our times stand beside, and how to run it raw.

Parameters are in the order that each statement's comment gives.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection

__all__ = ["Raw", "Statements", "statements_for"]


@dataclass(frozen=True, slots=True)
class Statements:
    few: str
    """JSON texts: (a tag's name, site id, equip id)."""
    samples: str
    """(ts, val) rows: (point id, start, end)."""
    upsert: str
    """(point id, times, values), or on SQLite one such row."""


_POSTGRES = Statements(
    few=(
        "SELECT (tags || cur)::text FROM entities WHERE tags ? 'point' AND tags ? %s"
        " AND tags @> jsonb_build_object("
        "'siteRef', jsonb_build_object('_kind', 'ref', 'val', %s::text))"
        " AND tags @> jsonb_build_object("
        "'equipRef', jsonb_build_object('_kind', 'ref', 'val', %s::text))"
        " AND NOT tags ? 'trash'"
    ),
    samples=(
        "SELECT ts, val FROM history WHERE point_id = %s AND ts >= %s AND ts < %s"
        " ORDER BY ts"
    ),
    upsert=(
        "INSERT INTO history (point_id, ts, val) SELECT %s, t, v"
        " FROM unnest(%s::timestamptz[], %s::float8[]) AS u(t, v)"
        " ON CONFLICT (point_id, ts) DO UPDATE SET val = EXCLUDED.val"
    ),
)
_SQLITE = Statements(
    few=(
        "SELECT json_patch(tags, cur) FROM entities"
        " WHERE json_type(tags, '$.point') IS NOT NULL"
        " AND json_type(tags, '$.' || %s) IS NOT NULL"
        " AND json_extract(tags, '$.siteRef.val') = %s"
        " AND json_extract(tags, '$.equipRef.val') = %s"
        " AND json_type(tags, '$.trash') IS NULL"
    ),
    samples=_POSTGRES.samples,
    upsert=(
        "INSERT INTO history (point_id, ts, val) VALUES (%s, %s, %s)"
        " ON CONFLICT (point_id, ts) DO UPDATE SET val = excluded.val"
    ),
)


def statements_for(vendor: str) -> Statements:
    return _POSTGRES if vendor == "postgresql" else _SQLITE


class Raw:
    """The driver's own connection to the database that Django uses."""

    def __init__(self) -> None:
        self.postgres = connection.vendor == "postgresql"
        self.statements = statements_for(connection.vendor)
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

    def texts_with(self, tags: Sequence[str], limit: int) -> list[tuple[Any, ...]]:
        """JSON texts of entities with all of some tags."""
        if self.postgres:
            return self.rows(
                "SELECT (tags || cur)::text FROM entities WHERE tags ?& %s"
                " AND NOT tags ? 'trash' LIMIT %s",
                [list(tags), limit],
            )
        has = " AND ".join(f"json_type(tags, '$.{tag}') IS NOT NULL" for tag in tags)
        return self.rows(
            f"SELECT json_patch(tags, cur) FROM entities WHERE {has}"
            " AND json_type(tags, '$.trash') IS NULL LIMIT %s",
            [limit],
        )

    def samples(self, id: str, start: dt.datetime, end: dt.datetime) -> list[Any]:
        return self.rows(
            self.statements.samples, [id, self.instant(start), self.instant(end)]
        )

    def upsert(self, id: str, times: list[dt.datetime], vals: list[float]) -> None:
        if self.postgres:
            with self.connection.transaction():
                self.connection.execute(self.statements.upsert, [id, times, vals])
        else:
            self.connection.executemany(
                self.statements.upsert.replace("%s", "?"),
                [
                    (id, self.instant(time), val)
                    for time, val in zip(times, vals, strict=True)
                ],
            )
            self.connection.commit()

    def instant(self, at: dt.datetime) -> Any:
        """A UTC time as the column holds it."""
        return at if self.postgres else str(at.replace(tzinfo=None))
