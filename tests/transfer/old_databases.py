"""Databases of haystack-py, created and dropped by a test."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

__all__ = ["SERVERS", "Old", "old_database", "ref"]

# As in its documentation; haystack-py and TimescaleDB create the indexes.
_PLAIN = """
CREATE TABLE entities (id TEXT PRIMARY KEY, tags JSONB NOT NULL);
CREATE TABLE history (
    point_id TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL, val DOUBLE PRECISION
);
"""
_RELEASED = """
CREATE TABLE hs_entities (
    id TEXT PRIMARY KEY, tags JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT now(), updated_at TIMESTAMPTZ DEFAULT now()
);
CREATE TABLE hs_history (
    entity_id TEXT NOT NULL, ts TIMESTAMPTZ NOT NULL,
    val DOUBLE PRECISION NOT NULL, unit TEXT, PRIMARY KEY (entity_id, ts)
);
CREATE TABLE hs_priority (
    entity_id TEXT NOT NULL, level SMALLINT NOT NULL, val JSONB, who TEXT DEFAULT '',
    PRIMARY KEY (entity_id, level)
);
"""


def ref(id: str) -> dict[str, str]:
    return {"_kind": "ref", "val": id}


class Old:
    """A database of haystack-py."""

    def __init__(self, dsn: str, *, timescale: bool) -> None:
        self.dsn, self.timescale = dsn, timescale
        self.db = psycopg.connect(dsn, autocommit=True)

    def plain(self) -> Old:
        self.db.execute(_PLAIN)
        self._hypertable("history")
        return self

    def released(self) -> Old:
        self.db.execute(_RELEASED)
        self._hypertable("hs_history")
        return self

    def _hypertable(self, table: str) -> None:
        if self.timescale:
            self.db.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            self.db.execute(f"SELECT create_hypertable('{table}', 'ts')")

    def entities(self, rows: dict[str, Any], table: str = "entities") -> None:
        for id, tags in rows.items():
            self.db.execute(
                f"INSERT INTO {table} (id, tags) VALUES (%s, %s::jsonb)",
                [id, orjson.dumps(tags).decode()],
            )

    def samples(self, id: str, rows: Iterable[tuple[str, float | None]]) -> None:
        for ts, val in rows:
            self.db.execute("INSERT INTO history VALUES (%s, %s, %s)", [id, ts, val])

    def tables(self) -> set[str]:
        found = self.db.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in found}


@contextmanager
def old_database(server: str) -> Iterator[Old]:
    """An empty database on one of the servers of the tests."""
    config = connections[server].settings_dict
    name = f"{config['TEST']['NAME']}_old_{os.getpid()}"
    at = make_conninfo(
        host=config["HOST"],
        port=config["PORT"],
        user=config["USER"],
        password=config["PASSWORD"] or None,
    )
    with psycopg.connect(at, dbname="postgres", autocommit=True) as admin:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        admin.execute(drop.format(sql.Identifier(name)))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
        admin.execute(create.format(sql.Identifier(name)))
        old = Old(make_conninfo(at, dbname=name), timescale=server == "timescale")
        try:
            yield old
        finally:
            old.db.close()
            admin.execute(drop.format(sql.Identifier(name)))


SERVERS = [alias for alias in ("postgres", "timescale") if alias in settings.DATABASES]
