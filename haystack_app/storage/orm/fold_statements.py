"""Parts of samples, read by the statements of ``sql.folds``."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.exact import ExactSum
from ...folds.parts import FloatSum, Part
from ...folds.rollup import Sample, samples_of
from ...kinds.scalars import Number
from ...kinds.series import instant_of, microseconds_of
from ...sql.arrays import text_array
from ...sql.folds import POSTGRES, SQLITE
from ...wire import hayson_reader
from ..backend import StorageBackend
from .sqlite_history import sqlite_text

__all__ = [
    "Key",
    "PlacedPart",
    "part_of_numbers",
    "read_parts",
    "sample_of",
    "time_text",
]

PlacedPart = tuple[int, int, Part]
"""Place of a point, place of a bucket, and samples of both."""
_LATEST = microseconds_of(dt.datetime.max.replace(tzinfo=dt.UTC))
_UNITS = "haystack_units"


class Key(NamedTuple):
    """A statement, and 1 for buckets that include their ends, otherwise 0."""

    statement: str
    side: int


def read_parts(
    connection: BaseDatabaseWrapper,
    store: StorageBackend,
    key: Key,
    ids: Sequence[str],
    edges: Sequence[int],
) -> Iterator[PlacedPart]:
    """Parts between each two neighbours of ``edges`` (microseconds, ascending)."""
    edges = [edge + key.side for edge in edges]
    if key.statement == "regular":
        yield from _regular(connection, ids, edges)
        return
    for place, bucket, row in _rows(connection, key.statement, ids, edges):
        if key.statement == "numbers":
            yield place, bucket, part_of_numbers(row)
        elif key.statement == "counter":
            if row[5]:  # infinite readings have no sum
                span = edges[bucket], edges[bucket + 1]
                samples = samples_of(store.his_chunks(ids[place], *span))
                yield place, bucket, _of_infinite(samples)
            else:
                yield place, bucket, _of_counter(row)
        else:
            yield place, bucket, _of_weighed(row)


def _regular(
    connection: BaseDatabaseWrapper, ids: Sequence[str], edges: Sequence[int]
) -> Iterator[PlacedPart]:
    """Parts of usual numbers; points with others are read again for these."""
    found: list[tuple[int, int, Any]] = list(_rows(connection, "regular", ids, edges))
    odd = sorted({place for place, _, row in found if row[0] != row[1]})
    for place, bucket, (count, _, total, low, high) in found:
        if place not in odd:
            part = Part(count, 0, 0, count, FloatSum(total), low, high)
            yield place, bucket, part
    if odd:
        others = [ids[place] for place in odd]
        for at, bucket, row in _rows(connection, "numbers", others, edges):
            yield odd[at], bucket, part_of_numbers(row)


def _rows(
    connection: BaseDatabaseWrapper,
    statement: str,
    ids: Sequence[str],
    edges: Sequence[int],
) -> Iterator[tuple[int, int, Any]]:
    """Place of the point, place of the bucket, and the other columns."""
    if connection.vendor == "postgresql":
        sql, params = getattr(POSTGRES, statement), _postgres(ids, edges)
    else:
        sql, params = getattr(SQLITE, statement), _sqlite(ids, edges)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite" and statement == "counter":
            _register(connection)
        cursor.execute(sql, params)
        for n, bucket, *row in cursor.fetchall():
            yield n - 1, bucket - 1, row


def _register(connection: BaseDatabaseWrapper) -> None:
    """Once for each connection: SQLite replaces no function while statements run."""
    raw: Any = connection.connection
    if getattr(connection, _UNITS, None) is not raw:
        raw.create_aggregate(_UNITS, 1, _Units)
        setattr(connection, _UNITS, raw)


def _postgres(ids: Sequence[str], edges: Sequence[int]) -> dict[str, Any]:
    texts = [time_text(edge) for edge in edges]
    return {
        "ids": text_array(ids),
        "bounds": text_array(texts),
        "low": texts[0],
        "high": texts[-1],
    }


def _sqlite(ids: Sequence[str], edges: Sequence[int]) -> dict[str, Any]:
    texts = [sqlite_text(min(edge, _LATEST)) for edge in edges]
    spans = list(pairwise(texts))
    return {"ids": orjson.dumps(ids).decode(), "spans": orjson.dumps(spans).decode()}


def time_text(time: int) -> str:
    """A time for PostgreSQL, also of a bucket that ends after the calendar."""
    return instant_of(min(time, _LATEST)).isoformat()


def part_of_numbers(row: Sequence[Any]) -> Part:
    count, na, nan, numbers, small, huge, low, high = row
    return Part(count, na, nan, numbers, _sum(small, huge), low, high)


def _of_weighed(row: Sequence[Any]) -> Part:
    count, na, nan, first, first_val, first_obj, last, last_val, last_obj, *area = row
    if first is None:
        return Part(count, na, nan)
    small, huge, known = area
    return Part(
        count,
        na,
        nan,
        first=sample_of(first, first_val, first_obj),
        last=sample_of(last, last_val, last_obj),
        area=_sum(small, huge),
        known=known,
    )


def _of_counter(row: Sequence[Any]) -> Part:
    count, na, nan, start, end, _, drops = row
    rise = None if start is None else ExactSum.counted(start, end, int(drops or 0))
    return Part(count, na, nan, start=start, end=end, rise=rise)


def _of_infinite(samples: Iterator[Sample]) -> Part:
    """Of the samples that are numbers; a row of their own has the others."""
    whole = Part.of(samples, is_linear=False)
    return Part(whole.numbers, start=whole.start, end=whole.end, rise=whole.rise)


def _sum(small: float, huge: float | None) -> FloatSum:
    return FloatSum(small, math.nan if huge is None else huge)  # SQLite has no NaN


def sample_of(time: int | None, val: float | None, obj: str | None) -> Sample | None:
    """A sample of the columns of a statement; numbers are floats, without a unit."""
    if time is None:
        return None
    if obj is None:
        return time, 0.0 if val is None else val
    value = hayson_reader.read_value(obj)
    return time, value.val if type(value) is Number else value


class _Units:
    """An aggregate function of SQLite: the exact sum of floats, times 2^1074."""

    def __init__(self) -> None:
        self.total = ExactSum()

    def step(self, value: float) -> None:
        if value is not None:
            self.total.add(value)

    def finalize(self) -> str:
        return str(self.total.units)
