"""Samples in the table ``history``, written and read in columns.

What differs by database is in ``postgres_history`` and ``sqlite_history``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Min

from ...kinds.series import Chunk, instant_of, microseconds_of
from ...models import HisSample
from ...wire import hayson_reader
from ..samples import Batch, Extent
from . import postgres_history, sqlite_history
from .sample_columns import BATCH

__all__ = [
    "backwards",
    "chunks",
    "extent",
    "extents",
    "short",
    "snapshot",
    "store",
    "times",
]

_FEW = 4


def chunks(
    connection: BaseDatabaseWrapper,
    id: str,
    start: int | None,
    end: int | None,
    size: int,
) -> Iterator[Chunk]:
    """Samples of a point with start <= time < end, in time order."""
    if connection.vendor == "postgresql":
        return postgres_history.chunks(connection, id, start, end, size)
    return sqlite_history.chunks(connection, id, start, end, size)


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
    if connection.vendor != "postgresql":
        return None
    return postgres_history.short(connection, id, start, end, size)


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
    with _repeatable(connection.connection), transaction.atomic(connection.alias):
        yield


@contextmanager
def _repeatable(raw: Any) -> Iterator[None]:
    """Let BEGIN ask for one snapshot: a statement for it is one more round trip."""
    from psycopg import IsolationLevel

    level, read_only = raw.isolation_level, raw.read_only
    raw.isolation_level, raw.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        yield
    finally:
        if not raw.closed:
            raw.isolation_level, raw.read_only = level, read_only


def store(
    connection: BaseDatabaseWrapper, batches: Mapping[str, Batch]
) -> dict[str, int]:
    """Upsert and delete samples of points inside the caller's transaction.

    Returns by how many samples each history grew.
    """
    if connection.vendor == "postgresql":
        return postgres_history.store(connection, batches)
    return sqlite_history.store(connection, batches)


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
        size = min(2 * size, BATCH)


def times(
    connection: BaseDatabaseWrapper, ids: Sequence[str], before: int, count: int
) -> dict[str, list[int]]:
    """Times of the newest samples of points with time < before, by id."""
    if connection.vendor == "postgresql":
        return postgres_history.times(connection, ids, before, count)
    found: dict[str, list[int]] = {}
    samples = HisSample.objects.using(connection.alias)
    for id in ids:
        older = samples.filter(point_id=id, ts__lt=instant_of(before)).order_by("-ts")
        rows = older.values_list("ts", flat=True)[:count]
        found[id] = [microseconds_of(ts) for ts in rows]
    return found


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


def extents(
    connection: BaseDatabaseWrapper, ids: Sequence[str], start: int | None
) -> list[tuple[int | None, int | None]]:
    """For each point the times of the first sample from ``start`` on, and of the last.

    Both by the index; None if not found. Without a start only the last is looked for.
    """
    if connection.vendor == "postgresql":
        return postgres_history.extents(connection, ids, start)
    return sqlite_history.extents(connection, ids, start)
