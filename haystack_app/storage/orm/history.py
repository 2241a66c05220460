"""Samples in the table ``history``, written and read in columns.

PostgreSQL returns pages of two arrays, whose binary form is unpacked without an object
per sample (10,000 samples: 8 ms against 14-28 ms as rows). All pages come from one
snapshot. SQLite's rows stream from one statement.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

import orjson
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Min

from ...kinds.series import Chunk, instant_of, microseconds_of
from ...models import HisSample
from ...sql.tables import HISTORY
from ...wire import hayson_reader, hayson_writer
from ..samples import Batch, Extent

__all__ = [
    "backwards",
    "chunks",
    "extent",
    "short",
    "snapshot",
    "sqlite_text",
    "store",
]

_BATCH = 16_384
_SHORT = 2_048
_FEW = 4
_Page = tuple[list[int], list[float], dict[int, str]]
_MILLENNIUM = 946_684_800_000_000
"""Microseconds from 1970 to 2000, where PostgreSQL's binary timestamps start."""
_NAIVE_EPOCH = dt.datetime(1970, 1, 1)
_ARRAY_HEADER = struct.Struct(">iiiii")
# An interval is multiplied as a double, which has no exact microseconds after 2255.
# No % in it: that is a parameter's sign.
_TS_OF_T = (
    "timestamptz 'epoch' + t / 1000000 * interval '1 second'"
    " + mod(t, 1000000) * interval '1 microsecond'"
)


def chunks(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> Iterator[Chunk]:
    """Samples of a point with start <= time < end, in time order."""
    if connection.vendor == "postgresql":
        return _postgres_chunks(connection, id, start, end, size)
    return _sqlite_chunks(connection, id, start, end, size)


def short(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> list[Chunk] | None:
    """The same samples if they are few, by one statement, which needs no snapshot.

    A transaction takes three more round trips. None if there are more, or if the
    database is in this process.
    """
    if connection.vendor != "postgresql" or size < _SHORT:
        return None
    page = _page(connection, id, start, end, _SHORT + 1, inclusive=True)
    if page is None:
        return []
    return [_chunk(page, _Decoder())] if len(page[0]) <= _SHORT else None


@contextmanager
def snapshot(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """One snapshot of the database; inside a transaction it is the transaction's."""
    connection.ensure_connection()
    nested = connection.vendor == "sqlite" and connection.connection.in_transaction
    if connection.in_atomic_block or nested:
        yield
        return
    if connection.vendor == "sqlite":
        # not atomic(): that is IMMEDIATE, and a slow reader would block all writers
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def store(
    connection: BaseDatabaseWrapper, batches: Mapping[str, Batch]
) -> dict[str, int]:
    """Upsert and delete samples of points inside the caller's transaction.

    Returns by how many samples each history grew.
    """
    if connection.vendor == "postgresql":
        return _postgres_store(connection, batches)
    with connection.cursor() as cursor:
        return {id: _sqlite_store(cursor, id, batches[id]) for id in sorted(batches)}


def backwards(
    connection: BaseDatabaseWrapper, id: str, before: int
) -> Iterator[tuple[int, Any]]:
    """Samples with time < before, the newest first, a few with each statement."""
    samples = HisSample.objects.using(connection.alias).filter(point_id=id)
    size = _FEW
    while True:
        page = samples.filter(ts__lt=instant_of(before)).order_by("-ts")[:size]
        rows = list(page.values_list("ts", "val", "obj"))
        for ts, val, obj in rows:
            before = microseconds_of(ts)
            yield before, val if obj is None else hayson_reader.read_value(obj)
        if len(rows) < size:
            return
        size = min(2 * size, _BATCH)


def extent(connection: BaseDatabaseWrapper, id: str) -> Extent:
    """Size, ends and last value of a history; scans its whole index."""
    samples = HisSample.objects.using(connection.alias).filter(point_id=id)
    ends = samples.aggregate(size=Count("ts"), first=Min("ts"))
    last = samples.order_by("-ts").first()
    if last is None:
        return Extent(0)
    value = last.val if last.obj is None else hayson_reader.read_value(last.obj)
    return Extent(
        ends["size"], microseconds_of(ends["first"]), microseconds_of(last.ts), value
    )


def _columns(
    values: Sequence[Any],
) -> tuple[Sequence[float | None], Sequence[str | None]]:
    """The columns ``val`` and ``obj``; the latter is empty for numbers only."""
    if set(map(type, values)) == {float}:
        return values, ()
    numbers = [float(v) if isinstance(v, float | bool) else None for v in values]
    return numbers, [
        None if type(v) is float else hayson_writer.dump(v) for v in values
    ]


class _Decoder:
    """Decodes ``obj`` texts with a cache, for most histories repeat a few values."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def __call__(self, text: str) -> Any:
        value = self.known.get(text)
        if value is None:
            value = self.known[text] = hayson_reader.read_value(text)
            if len(self.known) > _BATCH:
                self.known.clear()
        return value


# -- PostgreSQL ---------------------------------------------------------------


def _postgres_chunks(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> Iterator[Chunk]:
    decoder = _Decoder()
    after, first = start, True
    while page := _page(connection, id, after, end, size, inclusive=first):
        yield _chunk(page, decoder)
        if len(page[0]) < size:
            return
        after, first = page[0][-1], False


def _chunk(page: _Page, decoder: _Decoder) -> Chunk:
    times, vals, others = page
    return Chunk(times, vals, {at: decoder(text) for at, text in others.items()})


def _page(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
    *,
    inclusive: bool,
) -> _Page | None:
    """Times, numbers, and ``obj`` texts by position, of the next samples."""
    bounds, params = "", [id]
    for at, operator in ((start, ">=" if inclusive else ">"), (end, "<")):
        if at is not None:
            bounds += f" AND ts {operator} %s::timestamptz"
            params.append(instant_of(at).isoformat())
    from psycopg import Cursor

    connection.ensure_connection()
    with Cursor(connection.connection) as cursor:  # Django's cursor is never binary
        for name in ("timestamptz", "float8"):
            array = cursor.adapters.types[name].array_oid
            cursor.adapters.register_loader(array, _raw_loader())
        cursor.execute(
            "SELECT array_agg(ts), array_agg(coalesce(val, 0)),"
            " array_agg(ts) FILTER (WHERE obj IS NOT NULL),"
            " array_agg(obj::text) FILTER (WHERE obj IS NOT NULL)"
            f" FROM (SELECT ts, val, obj FROM {HISTORY} WHERE point_id = %s"
            f"{bounds} ORDER BY ts LIMIT %s) AS page",
            [*params, size],
            binary=True,
        )
        row: Any = cursor.fetchone()
    times, vals, other_times, texts = row
    if times is None:
        return None
    moments = _moments(times)
    others: dict[int, str] = {}
    if texts:
        places = {time: place for place, time in enumerate(moments)}
        found = zip(_moments(other_times), texts, strict=True)
        others = {places[time]: text for time, text in found}
    return moments, _unpack(vals, "d"), others


def _moments(data: bytes) -> list[int]:
    return [time + _MILLENNIUM for time in _unpack(data, "q")]


def _raw_loader() -> Any:
    from psycopg.adapt import Loader
    from psycopg.pq import Format

    class RawArray(Loader):
        """Returns an array in its binary form."""

        format = Format.BINARY

        def load(self, data: Any) -> bytes:
            return bytes(data)

    return RawArray


def _unpack(data: bytes, code: str) -> list[Any]:
    """The items of a one-dimensional binary array of 8-byte items, no NULLs."""
    if _ARRAY_HEADER.unpack_from(data)[1]:
        raise ValueError("NULL in an array of samples")
    return [item for _, item in struct.iter_unpack(f">i{code}", data[20:])]


def _postgres_store(
    connection: BaseDatabaseWrapper, batches: Mapping[str, Batch]
) -> dict[str, int]:
    """One statement for all points."""
    ids = sorted(batches)
    growth = dict.fromkeys(ids, 0)
    written = [batches[id].written for id in ids]
    places = [place for place, part in enumerate(written, 1) for _ in part]
    times = list(chain.from_iterable(written))
    values = list(chain.from_iterable(part.values() for part in written))
    with connection.cursor() as cursor:
        for id in ids:
            if removed := batches[id].removed:
                growth[id] -= _postgres_remove(cursor, id, removed)
        for at in range(0, len(times), _BATCH):
            part = slice(at, at + _BATCH)
            rows = places[part], times[part], *_columns(values[part])
            for id, new in _postgres_upsert(cursor, ids, *rows):
                growth[id] += new
    return growth


def _postgres_remove(cursor: Any, id: str, times: Sequence[int]) -> int:
    cursor.execute(
        f"DELETE FROM {HISTORY} WHERE point_id = %s AND ts = ANY(ARRAY(SELECT"
        f" {_TS_OF_T}"
        " FROM unnest(%s::int8[]) AS t))",
        [id, _array(times)],
    )
    return int(cursor.rowcount)


def _postgres_upsert(
    cursor: Any,
    ids: Sequence[str],
    places: Sequence[int],
    times: Sequence[int],
    vals: Sequence[float | None],
    objs: Sequence[str | None],
) -> list[tuple[str, int]]:
    """How many samples were new, by id; ``places`` are those of ids, from 1."""
    cursor.execute(
        f"WITH stored AS (INSERT INTO {HISTORY} (point_id, ts, val, obj)"
        f" SELECT (%s::text[])[p], {_TS_OF_T},"
        " v, o FROM unnest(%s::int4[], %s::int8[], %s::float8[], %s::jsonb[])"
        " AS u(p, t, v, o)"
        " ON CONFLICT (point_id, ts)"
        " DO UPDATE SET val = EXCLUDED.val, obj = EXCLUDED.obj"
        " RETURNING point_id, xmax = 0 AS is_new)"  # 0: inserted, not updated
        " SELECT point_id, count(*) FILTER (WHERE is_new) FROM stored GROUP BY 1",
        [ids, _array(places), _array(times), _array(vals), list(objs) or "{}"],
    )
    found: list[tuple[str, int]] = cursor.fetchall()
    return found


def _array(numbers: Sequence[float | None]) -> str:
    """An array literal: one parameter instead of thousands."""
    return f"{{{orjson.dumps(numbers).decode()[1:-1]}}}"


# -- SQLite -------------------------------------------------------------------


def _sqlite_chunks(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> Iterator[Chunk]:
    decoder = _Decoder()
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
            times = [_sqlite_time(ts) for ts, _, _ in rows]
            vals = [0.0 if val is None else val for _, val, _ in rows]
            others = {
                place: decoder(obj) for place, (_, _, obj) in enumerate(rows) if obj
            }
            yield Chunk(times, vals, others)


def _sqlite_store(cursor: Any, id: str, batch: Batch) -> int:
    before = _sqlite_count(cursor, id, batch)
    cursor.executemany(
        f"DELETE FROM {HISTORY} WHERE point_id = %s AND ts = %s",
        [(id, sqlite_text(time)) for time in batch.removed],
    )
    columns = _columns(list(batch.written.values()))
    rows = zip_longest(map(sqlite_text, batch.written), *columns)
    cursor.executemany(
        f"INSERT INTO {HISTORY} (point_id, ts, val, obj) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (point_id, ts)"
        " DO UPDATE SET val = excluded.val, obj = excluded.obj",
        [(id, *row) for row in rows],
    )
    return _sqlite_count(cursor, id, batch) - before


def _sqlite_count(cursor: Any, id: str, batch: Batch) -> int:
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


def _sqlite_time(stored: str) -> int:
    """Most histories have few dates and few times of day: two lookups."""
    return _sqlite_instant(stored[:10]) + _sqlite_instant(f"1970-01-01{stored[10:]}")


@lru_cache(maxsize=65_536)
def _sqlite_instant(text: str) -> int:
    return microseconds_of(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))
