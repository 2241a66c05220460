"""Updates of transient tags, which do not touch persistent tags, index and log."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.tables import ENTITIES

__all__ = ["update"]


def update(connection: BaseDatabaseWrapper, patches: Mapping[str, str]) -> None:
    """Merge JSON objects into ``cur`` by id; null deletes a tag.

    ``version`` is incremented for changed rows.
    """
    if connection.vendor == "postgresql":
        _postgres(connection, patches)
    else:
        _sqlite(connection, patches)


def _postgres(connection: BaseDatabaseWrapper, patches: Mapping[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {ENTITIES} AS e"
            " SET cur = jsonb_strip_nulls(e.cur || p.cur), version = e.version + 1"
            " FROM jsonb_each(%s::jsonb) AS p(id, cur)"
            " WHERE e.id = p.id AND e.cur <> jsonb_strip_nulls(e.cur || p.cur)",
            [_object(patches)],
        )


def _object(patches: Mapping[str, str]) -> str:
    """One JSON object, for the driver would quote each item of an array."""
    pairs = (f"{orjson.dumps(id).decode()}:{text}" for id, text in patches.items())
    return "{" + ",".join(pairs) + "}"


def _sqlite(connection: BaseDatabaseWrapper, patches: Mapping[str, str]) -> None:
    # not json_patch: it would merge two values of one tag into each other
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, cur FROM {ENTITIES}"
            " WHERE id IN (SELECT value FROM json_each(%s))",
            [orjson.dumps(list(patches)).decode()],
        )
        rows = []
        for id, cur in cursor.fetchall():
            merged = orjson.loads(cur) | orjson.loads(patches[id])
            present = {name: tag for name, tag in merged.items() if tag is not None}
            rows.append((orjson.dumps(present).decode(), id))
        cursor.executemany(
            f"UPDATE {ENTITIES} SET cur = %s, version = version + 1"
            " WHERE id = %s AND cur <> %s",
            [(cur, id, cur) for cur, id in rows],
        )
