"""The chunks of the table ``history`` on TimescaleDB.

A query of a point's year is planned chunk by chunk: 0.2 ms for each. Few, large chunks
are better, as long as those that are written fit into memory.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.tables import HISTORY

__all__ = ["CHOICES", "Chunks", "chunks_of", "compress", "set_days"]

CHOICES = (1, 2, 7, 30, 90)
"""Days of a chunk that ``recommended`` chooses from."""
_LARGEST = 2 * 1024**3
"""Bytes of a chunk with its index, as far as there is a choice."""


class Chunks(NamedTuple):
    """The interval of new chunks, and what exists."""

    days: float
    number: int
    bytes: int
    bytes_per_day: float
    """Of the chunks whose samples are of the last 90 days."""

    @property
    def recommended(self) -> int:
        """The most days for which a chunk does not become too large."""
        fitting = [days for days in CHOICES if days * self.bytes_per_day <= _LARGEST]
        return max(fitting, default=CHOICES[0])


def chunks_of(connection: BaseDatabaseWrapper) -> Chunks | None:
    """The chunks of the history; None if it is not a hypertable."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('timescaledb_information.dimensions')")
        if cursor.fetchone() == (None,):
            return None
        cursor.execute(
            "SELECT extract(epoch FROM time_interval) / 86400"
            " FROM timescaledb_information.dimensions"
            " WHERE hypertable_name = %s AND hypertable_schema = current_schema()",
            [HISTORY],
        )
        if (row := cursor.fetchone()) is None:
            return None
        cursor.execute(
            "SELECT count(*), coalesce(sum(size), 0),"
            " coalesce(sum(size) FILTER (WHERE is_new), 0)"
            " / greatest(coalesce(sum(days) FILTER (WHERE is_new), 0), 1) FROM ("
            "SELECT pg_total_relation_size(format('%%I.%%I', chunk_schema, chunk_name)"
            "::regclass) AS size, range_end > now() - interval '90 days'"
            " AND range_start < now() AS is_new,"
            " extract(epoch FROM least(range_end, now()) - range_start) / 86400 AS days"
            " FROM timescaledb_information.chunks"
            " WHERE hypertable_name = %s AND hypertable_schema = current_schema()"
            ") AS chunk",
            [HISTORY],
        )
        count, size, rate = cursor.fetchone()
        return Chunks(float(row[0]), int(count), int(size), float(rate))


def set_days(connection: BaseDatabaseWrapper, days: int) -> None:
    """Set the interval of chunks that are created from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_extension JOIN pg_namespace n"
            " ON n.oid = extnamespace WHERE extname = 'timescaledb'"
        )
        schema = connection.ops.quote_name(cursor.fetchone()[0])
        cursor.execute(
            f"SELECT {schema}.set_chunk_time_interval(%s::regclass, %s::interval)",
            [HISTORY, f"{days} days"],
        )


def compress(
    connection: BaseDatabaseWrapper, before: dt.datetime, *, apply: bool
) -> str:
    """Compress chunks whose samples are older, or say which; in words.

    Source: docs of TimescaleDB, ``compress_chunk``. The Apache edition has none.
    """
    if chunks_of(connection) is None:
        return "compression needs TimescaleDB: skipped"
    with connection.cursor() as cursor:
        cursor.execute("SHOW timescaledb.license")
        [license] = cursor.fetchone()
        if license != "timescale":
            return (
                "compression needs the Community edition of TimescaleDB, this is the"
                " Apache edition: skipped"
            )
        cursor.execute(
            "SELECT format('%%I.%%I', chunk_schema, chunk_name)"
            " FROM timescaledb_information.chunks WHERE hypertable_name = %s"
            " AND hypertable_schema = current_schema() AND NOT is_compressed"
            " AND range_end <= %s ORDER BY range_end",
            [HISTORY, before],
        )
        names = [name for [name] in cursor.fetchall()]
        if apply and names:
            cursor.execute(
                f"ALTER TABLE {HISTORY} SET (timescaledb.compress,"
                " timescaledb.compress_segmentby = 'point_id',"
                " timescaledb.compress_orderby = 'ts')"
            )
            for name in names:
                cursor.execute("SELECT compress_chunk(%s::regclass)", [name])
    done = "compressed" if apply else "would be compressed"
    return f"{len(names):,} chunks {done}"
