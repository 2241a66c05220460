"""Samples in SQLite, whose rows stream from one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import Chunk, microseconds_of
from ...sql.tables import HISTORY
from ..samples import Batch
from .sample_columns import Decoder, columns_of

__all__ = ["chunks", "extents", "sqlite_text", "store", "time_of"]

_NAIVE_EPOCH = dt.datetime(1970, 1, 1)


def chunks(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> Iterator[Chunk]:
    decoder = Decoder()
    bounds, params = "", [id]
    for at, operator in ((start, ">="), (end, "<")):
        if at is not None:
            bounds += f" AND ts {operator} %s"
            params.append(sqlite_text(at))
    with connection.cursor() as cursor:
        cursor.execute(
            # +ts has no declared type, for which Django would make a datetime
            f"SELECT +ts, val, obj FROM {HISTORY}"
            f" WHERE point_id = %s{bounds} ORDER BY ts",
            params,
        )
        while rows := cursor.fetchmany(size):
            times = [time_of(ts) for ts, _, _ in rows]
            vals = [0.0 if val is None else val for _, val, _ in rows]
            others = {
                place: decoder(obj) for place, (_, _, obj) in enumerate(rows) if obj
            }
            yield Chunk(times, vals, others)


def extents(
    connection: BaseDatabaseWrapper, ids: Sequence[str], start: int | None
) -> list[tuple[int | None, int | None]]:
    """Of each point the first time from ``start`` on, and the last; None for none."""
    time = f"SELECT +h.ts FROM {HISTORY} h WHERE h.point_id = p.value"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ({time} AND h.ts >= %s ORDER BY h.ts LIMIT 1),"
            f" ({time} ORDER BY h.ts DESC LIMIT 1) FROM json_each(%s) p ORDER BY p.key",
            [None if start is None else sqlite_text(start), orjson.dumps(ids).decode()],
        )
        return [
            (first and time_of(first), last and time_of(last))
            for first, last in cursor.fetchall()
        ]


def store(
    connection: BaseDatabaseWrapper, batches: Mapping[str, Batch]
) -> dict[str, int]:
    """Upsert and delete samples; by how many each history grew."""
    with connection.cursor() as cursor:
        return {id: _store(cursor, id, batches[id]) for id in sorted(batches)}


def _store(cursor: Any, id: str, batch: Batch) -> int:
    before = _count(cursor, id, batch)
    cursor.executemany(
        f"DELETE FROM {HISTORY} WHERE point_id = %s AND ts = %s",
        [(id, sqlite_text(time)) for time in batch.removed],
    )
    columns = columns_of(list(batch.written.values()))
    rows = zip_longest(map(sqlite_text, batch.written), *columns)
    cursor.executemany(
        f"INSERT INTO {HISTORY} (point_id, ts, val, obj) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (point_id, ts)"
        " DO UPDATE SET val = excluded.val, obj = excluded.obj",
        [(id, *row) for row in rows],
    )
    return _count(cursor, id, batch) - before


def _count(cursor: Any, id: str, batch: Batch) -> int:
    """Samples between the first and the last time of a batch."""
    times = [*batch.written, *batch.removed]
    if not times:
        return 0
    cursor.execute(
        f"SELECT count(*) FROM {HISTORY} WHERE point_id = %s AND ts BETWEEN %s AND %s",
        [id, sqlite_text(min(times)), sqlite_text(max(times))],
    )
    return int(cursor.fetchone()[0])


def sqlite_text(time: int) -> str:
    """The text that Django stores for a DateTimeField: UTC without an offset."""
    return str(_NAIVE_EPOCH + dt.timedelta(microseconds=time))


def time_of(stored: str) -> int:
    """Most histories have few dates and few times of day: two lookups."""
    return _instant(stored[:10]) + _instant(f"1970-01-01{stored[10:]}")


@lru_cache(maxsize=65_536)
def _instant(text: str) -> int:
    return microseconds_of(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))
