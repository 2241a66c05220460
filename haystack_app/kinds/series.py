"""Samples of one point, in columns, for responses too long to hold in memory.

Samples are stored and sent by the million, and one dict per sample would cost more
than everything else. Writers of wire formats know ``Series`` and print its chunks
directly; for all other code it iterates as grid rows.
"""

from __future__ import annotations

import datetime as dt
import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any, overload

from .datetimes import DateTime
from .scalars import Number

__all__ = [
    "EPOCH",
    "LARGEST_CHUNK",
    "Chunk",
    "JoinedRows",
    "JoinedSeries",
    "Series",
    "ShiftedTimes",
    "instant_of",
    "microseconds_of",
]

LARGEST_CHUNK = 16_384
"""In samples: about 2 MB of Python numbers and, for some chunks, values."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def microseconds_of(utc: dt.datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z."""
    return (utc - EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> dt.datetime:
    """The UTC datetime of microseconds since 1970-01-01T00:00Z."""
    return EPOCH + dt.timedelta(microseconds=microseconds)


class ShiftedTimes(Sequence[int]):
    """Microseconds since 1970, stored as those since another time, ``origin``.

    ``stored`` is an array of ``q``, to whose numbers a library adds the origin at once.
    """

    __slots__ = ("origin", "stored")

    def __init__(self, stored: array[int], origin: int) -> None:
        self.stored, self.origin = stored, origin

    def __len__(self) -> int:
        return len(self.stored)

    def __iter__(self) -> Iterator[int]:
        return map(self.origin.__add__, self.stored)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> ShiftedTimes: ...
    def __getitem__(self, index: int | slice) -> int | ShiftedTimes:
        found = self.stored[index]
        if isinstance(found, array):
            return ShiftedTimes(found, self.origin)
        return found + self.origin

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ShiftedTimes) and other.origin == self.origin:
            return self.stored == other.stored
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some samples in time order.

    ``times`` are microseconds since 1970 UTC. ``vals`` are the finite numbers, and
    an arbitrary float wherever ``others`` has a value. ``others`` maps an index in
    the chunk to a value that is not a finite number.
    """

    times: Sequence[int]
    vals: Sequence[float]
    others: dict[int, Any]

    def values(self, unit: str | None) -> list[Any]:
        values: list[Any] = [
            None if index in self.others else Number(val, unit)
            for index, val in enumerate(self.vals)
        ]
        for index, value in self.others.items():
            values[index] = value
        return values


@dataclass(frozen=True, slots=True)
class Series:
    """Columns ``ts`` and ``val`` of one point.

    ``tz`` is the zone that times are printed in, ``unit`` the unit of the numbers.
    Each iteration calls ``read`` for the chunks again.
    """

    tz: str
    unit: str | None
    read: Callable[[], Iterable[Chunk]]

    def pairs(self) -> Iterator[tuple[int, Any]]:
        """(microseconds, value) in time order."""
        for chunk in self.read():
            yield from zip(chunk.times, chunk.values(self.unit), strict=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for time, value in self.pairs():
            yield {"ts": DateTime(instant_of(time), self.tz), "val": value}


@dataclass(frozen=True, slots=True)
class JoinedSeries:
    """Several series as one table: ``ts`` and one column per series.

    There is one row for each time at which any series has a sample; the cells of
    the other series are missing. A series that is given twice is read once. All
    reads happen inside the context manager ``view``, which may be a snapshot of a
    store.
    """

    tz: str
    names: Sequence[str]
    series: Sequence[Series]
    view: Callable[[], AbstractContextManager[None]] = nullcontext

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns: dict[int, tuple[Series, list[str]]] = {}
        for name, one in zip(self.names, self.series, strict=True):
            columns.setdefault(id(one), (one, []))[1].append(name)
        streams = [_labelled(one, names) for one, names in columns.values()]
        with self.view():
            for time, samples in groupby(heapq.merge(*streams, key=_time), _time):
                row: dict[str, Any] = {"ts": DateTime(instant_of(time), self.tz)}
                for _, value, names in samples:
                    row.update(dict.fromkeys(names, value))
                yield row


@dataclass(frozen=True, slots=True)
class JoinedRows:
    """Computed rows of several sources as one table, one row for each time.

    Each source is called for its rows when the table is iterated: microseconds, in
    ascending order, and cells by column.
    """

    tz: str
    sources: Sequence[Callable[[], Iterator[tuple[int, dict[str, Any]]]]]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        streams = [source() for source in self.sources]
        for time, found in groupby(heapq.merge(*streams, key=_first), _first):
            row: dict[str, Any] = {"ts": DateTime(instant_of(time), self.tz)}
            for _, cells in found:
                row.update(cells)
            yield row


def _first(row: tuple[int, dict[str, Any]]) -> int:
    return row[0]


_Labelled = tuple[int, Any, list[str]]


def _labelled(series: Series, names: list[str]) -> Iterator[_Labelled]:
    return ((time, value, names) for time, value in series.pairs())


def _time(sample: _Labelled) -> int:
    return sample[0]
