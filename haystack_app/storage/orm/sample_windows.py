"""The samples of many points, each from a time of its own on, by one statement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.arrays import text_array
from ...sql.folds import POSTGRES_TIME
from ...sql.tables import HISTORY
from ...wire import hayson_reader
from .postgres_history import TS_OF_T
from .sqlite_history import sqlite_text, time_of

__all__ = ["samples_since"]

_NEWEST_BEFORE = (
    f"coalesce((SELECT h.ts FROM {HISTORY} h WHERE h.point_id = {{id}}"
    " AND h.ts < {start} ORDER BY h.ts DESC LIMIT 1), {start})"
)
_POSTGRES = (
    f"SELECT p.id, {POSTGRES_TIME.format('h.ts')}, h.val, h.obj::text"
    f" FROM (SELECT id, {TS_OF_T} AS start"
    " FROM unnest(%s::text[], %s::int8[]) AS u(id, t)) AS p"
    f" CROSS JOIN LATERAL (SELECT ts, val, obj FROM {HISTORY} s"
    " WHERE s.point_id = p.id"
    f" AND s.ts >= {_NEWEST_BEFORE.format(id='p.id', start='p.start')}"
    " ORDER BY ts) AS h"
)
_SQLITE = (
    # +ts has no declared type, for which Django would make a datetime
    f"SELECT +ts, val, obj FROM {HISTORY} WHERE point_id = %s AND ts >= "
    + _NEWEST_BEFORE.format(id="%s", start="%s")
    + " ORDER BY ts"
)


def samples_since(
    connection: BaseDatabaseWrapper, starts: Mapping[str, int]
) -> dict[str, list[tuple[int, Any]]]:
    """Samples from a time on, and the newest one before it, by id."""
    found: dict[str, list[tuple[int, Any]]] = {id: [] for id in starts}
    if not starts:
        return found
    read = _postgres_rows if connection.vendor == "postgresql" else _sqlite_rows
    for id, time, val, obj in read(connection, starts):
        found[id].append((time, val if obj is None else hayson_reader.read_value(obj)))
    return found


def _postgres_rows(
    connection: BaseDatabaseWrapper, starts: Mapping[str, int]
) -> list[tuple[str, int, Any, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRES, [text_array(list(starts)), list(starts.values())])
        return list(cursor.fetchall())


def _sqlite_rows(
    connection: BaseDatabaseWrapper, starts: Mapping[str, int]
) -> Iterator[tuple[str, int, Any, Any]]:
    with connection.cursor() as cursor:
        for id, start in starts.items():
            text = sqlite_text(start)
            cursor.execute(_SQLITE, [id, id, text, text])
            for ts, val, obj in cursor.fetchall():
                yield id, time_of(ts), val, obj
