"""Samples of one point, in columns, for answers too long to hold.

History is stored and sent by the million; a dict a sample would cost more than
all the rest. Writers of the wire formats know this class and print its chunks
directly; for everything else it iterates as grid rows.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .datetimes import DateTime
from .scalars import Number

__all__ = [
    "EPOCH",
    "LARGEST_CHUNK",
    "Chunk",
    "Joined",
    "Series",
    "instant_of",
    "microseconds_of",
]

LARGEST_CHUNK = 16_384
"""Samples; 2 MB of Python's numbers and, at times, of their values."""

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def microseconds_of(utc: dt.datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z."""
    return (utc - EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> dt.datetime:
    """The UTC datetime of microseconds since 1970-01-01T00:00Z."""
    return EPOCH + dt.timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some samples in time order.

    ``times`` are microseconds since 1970 UTC, ``vals`` the finite numbers (any
    float where ``others`` has a value), ``others`` the values that are no finite
    number by their place in the chunk.
    """

    times: Sequence[int]
    vals: Sequence[float]
    others: dict[int, Any]

    def values(self, unit: str | None) -> list[Any]:
        found: list[Any] = [
            None if index in self.others else Number(val, unit)
            for index, val in enumerate(self.vals)
        ]
        for index, value in self.others.items():
            found[index] = value
        return found


@dataclass(frozen=True, slots=True)
class Series:
    """Columns ``ts`` and ``val`` of one point.

    ``tz`` is the zone its times are printed in, ``unit`` that of its numbers.
    Each iteration asks ``read`` for the chunks anew.
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
class Joined:
    """Several series as one table: ``ts`` and a column of each.

    A row for every time that any of them has; what the others lack is absent.
    A series that is given twice is read once. All reading happens within
    ``view``, which may hold a store to one state.
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


_Labelled = tuple[int, Any, list[str]]


def _labelled(series: Series, names: list[str]) -> Iterator[_Labelled]:
    return ((time, value, names) for time, value in series.pairs())


def _time(sample: _Labelled) -> int:
    return sample[0]
