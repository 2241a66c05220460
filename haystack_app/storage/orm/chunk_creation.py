"""Chunks of a TimescaleDB hypertable, created before they are written.

A transaction that creates a chunk holds a lock until it ends, and every other write
that needs a new chunk waits for it. So a chunk is created in a transaction of its own,
which inserts a sample and deletes it: a function for it is not in all editions.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from ...kinds.series import instant_of
from ...sql.sessions import is_pooled
from ...sql.tables import HISTORY

__all__ = ["create_chunks", "forget"]

logger = logging.getLogger(__name__)

_FRESH_SECONDS = 600.0
"""So long chunks are taken to exist: retention drops old ones."""
_LOCK = "1s"
_MOST = 1_000
"""Chunks that are created for one write; the write creates the others itself."""
_CHUNKS = (
    "SELECT (extract(epoch FROM range_start) * 1000000)::int8,"
    " (extract(epoch FROM range_end) * 1000000)::int8"
    " FROM timescaledb_information.chunks"
    " WHERE hypertable_name = %s AND hypertable_schema = current_schema()"
    " ORDER BY range_start"
)


class _Known:
    """The chunks of a database, as far as this process knows."""

    def __init__(self) -> None:
        self.is_hypertable: bool | None = None
        self.slices: tuple[Sequence[int], Sequence[int]] = (), ()
        """Starts and ends, in order."""
        self.until = 0.0

    def missing(self, times: Iterable[int]) -> Iterator[int]:
        """The times that are in no chunk."""
        starts, ends = self.slices
        start = end = 0
        for at in times:
            if start <= at < end:
                continue
            place = bisect_right(starts, at) - 1
            if place >= 0 and at < ends[place]:
                start, end = starts[place], ends[place]
            else:
                yield at

    def learn(self, cursor: Any) -> None:
        cursor.execute("SELECT to_regclass('timescaledb_information.chunks')")
        self.is_hypertable = cursor.fetchone() != (None,)
        if self.is_hypertable:
            cursor.execute(_CHUNKS, [HISTORY])
            rows = cursor.fetchall()
            self.slices = [row[0] for row in rows], [row[1] for row in rows]
        self.until = time.monotonic() + _FRESH_SECONDS


_databases: dict[tuple[str, str], _Known] = {}
_creating = Lock()


def forget() -> None:
    """Forget which chunks exist."""
    _databases.clear()


def create_chunks(connection: BaseDatabaseWrapper, times: Iterable[int]) -> None:
    """Create the chunks of these times, in microseconds, that do not exist.

    A failure is logged: the write that follows creates them itself, and others wait.
    """
    if connection.vendor != "postgresql":
        return
    key = connection.alias, str(connection.settings_dict["NAME"])
    known = _databases.setdefault(key, _Known())
    if known.is_hypertable is None or (
        known.is_hypertable and time.monotonic() > known.until
    ):
        with connection.cursor() as cursor:
            known.learn(cursor)
    if not known.is_hypertable:
        return
    ordered = sorted(times)
    if next(known.missing(ordered), None) is None or is_pooled(connection):
        return
    try:
        with _creating:  # one connection of its own, not one for each thread
            _create(connection, known, ordered)
    except DatabaseError:
        logger.warning("could not create chunks ahead of a write", exc_info=True)


def _create(
    connection: BaseDatabaseWrapper, known: _Known, times: Sequence[int]
) -> None:
    with _separate(connection) as other, other.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_LOCK])
        known.learn(cursor)  # others may have created them
        for _ in range(_MOST):
            at = next(known.missing(times), None)
            if at is None:
                break
            _create_one(other, cursor, at)
            known.learn(cursor)


def _create_one(other: BaseDatabaseWrapper, cursor: Any, at: int) -> None:
    sample = ["", instant_of(at)]
    other.set_autocommit(False)
    try:
        cursor.execute(
            f"INSERT INTO {HISTORY} (point_id, ts, val) VALUES (%s, %s, 0)", sample
        )
        cursor.execute(f"DELETE FROM {HISTORY} WHERE point_id = %s AND ts = %s", sample)
        other.commit()
    finally:
        other.set_autocommit(True)


@contextmanager
def _separate(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """A connection that is not in the caller's transaction, and not of the pool, whose
    last one the caller may have."""
    settings = connection.settings_dict
    options = {key: it for key, it in settings["OPTIONS"].items() if key != "pool"}
    kind = type(connection)
    other = kind({**settings, "OPTIONS": options}, connection.alias)
    try:
        yield other
    finally:
        other.close()
