"""Frames: samples, or folds of samples, of several points in columns.

Nothing of a frame is read before it is asked for, and only a part of it is in memory.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from ...kinds.scalars import Number
from ...kinds.series import Chunk, Series, microseconds_of
from ...storage.samples import HisPoint

__all__ = ["Block", "Cells", "Column", "Frame"]

_KINDS = ("Number", "Bool", "Str", "Coord")
_CELLS = 1_000_000
"""Cells of a block, unless a row has more."""


@dataclass(frozen=True, slots=True)
class Column:
    """A point, or a fold of it.

    ``name`` differs from that of other columns; ``kind`` is Number, Bool, Str or Coord.
    """

    name: str
    id: str
    dis: str | None
    kind: str
    unit: str | None
    tz: str
    fold: str | None = None

    @classmethod
    def of(cls, point: HisPoint, dis: Any, name: str | None = None) -> Column:
        """The samples of a point; ``dis`` counts if it is a Str. The name is the id."""
        kind = point.kind if point.kind in _KINDS else "Str"
        shown = dis if isinstance(dis, str) else None
        return cls(name or point.id, point.id, shown, kind, point.unit, point.tz)


class Cells(NamedTuple):
    """Values of a column in some rows of a block: all, or those in ``places``.

    ``vals`` and ``others`` are those of a ``Chunk``.
    """

    places: Sequence[int] | None
    vals: Sequence[float]
    others: Mapping[int, Any]

    def spread(self, values: Sequence[Any], count: int) -> Sequence[Any]:
        """Values of these cells in so many rows, None in all others."""
        if self.places is None:
            return values
        found: list[Any] = [None] * count
        for place, value in zip(self.places, values, strict=True):
            found[place] = value
        return found


class Block(NamedTuple):
    """Rows in the order of their times, in microseconds since 1970 UTC.

    ``cells`` has an item for each column, None if it has no value in these rows.
    """

    times: Sequence[int]
    cells: Sequence[Cells | None]


@dataclass(frozen=True, slots=True)
class Frame:
    """``series`` has the samples of each column; or ``rows`` those of roll-ups.

    Rows have ``ts`` and cells by ``keys``, one for each column. A series may be there
    twice. ``tz`` is the zone of times; ``meta`` is said beside the values, in JSON
    types. All reads happen inside the context manager ``view``.
    """

    tz: str
    columns: Sequence[Column]
    series: Sequence[Series] = ()
    rows: Iterable[Mapping[str, Any]] | None = None
    keys: Sequence[str] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    view: Callable[[], AbstractContextManager[None]] = nullcontext

    def blocks(self) -> Iterator[Block]:
        """The wide form: a row for each time at which any column has a value."""
        if self.rows is not None:
            yield from self._of_rows(self.rows)
            return
        with self.view():
            yield from _joined(self.series, max(1, _CELLS // len(self.columns)))

    def runs(self) -> Iterator[tuple[int, Chunk]]:
        """The long form: samples of a column, which is given by its place.

        Samples are in order of columns and times, roll-ups of times and columns.
        """
        if self.rows is not None:
            for block in self.blocks():
                yield from _runs_of(block)
            return
        with self.view():
            for place, one in enumerate(self.series):
                for chunk in one.read():
                    if len(chunk.times):
                        yield place, chunk

    def _of_rows(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Block]:
        size = max(1, _CELLS // len(self.keys))
        left = iter(rows)
        while held := list(islice(left, min(size, 4_096))):
            times = array("q", (microseconds_of(row["ts"].utc) for row in held))
            yield Block(times, [_cells(held, key) for key in self.keys])


def _cells(rows: Sequence[Mapping[str, Any]], name: str) -> Cells | None:
    places, vals, others = array("q"), array("d"), {}
    for place, row in enumerate(rows):
        value = row.get(name)
        if value is None:
            continue
        is_plain = type(value) is Number and math.isfinite(value.val)
        if not is_plain:
            others[len(places)] = value
        places.append(place)
        vals.append(value.val if is_plain else 0.0)
    if not places:
        return None
    return Cells(None if len(places) == len(rows) else places, vals, others)


def _runs_of(block: Block) -> Iterator[tuple[int, Chunk]]:
    for place, cells in enumerate(block.cells):
        if cells is not None:
            times = block.times
            if cells.places is not None:
                times = [times[at] for at in cells.places]
            yield place, Chunk(times, cells.vals, dict(cells.others))


# -- joining series --------------------------------------------------------------


class _Stream:
    """Chunks of a series, of which a part at a time is taken."""

    def __init__(self, series: Series) -> None:
        self.chunks = iter(series.read())
        self.times: Sequence[int] = ()
        self.vals: Sequence[float] = ()
        self.others: Mapping[int, Any] = {}
        self.at = 0

    def fill(self) -> bool:
        """Whether there are samples that were not taken yet."""
        while self.at >= len(self.times):
            chunk = next(self.chunks, None)
            if chunk is None:
                return False
            self.times, self.vals, self.others = chunk.times, chunk.vals, chunk.others
            self.at = 0
        return True

    def end(self, last: int) -> int:
        """The end of the samples up to a time, in the chunk."""
        if self.times[-1] <= last:
            return len(self.times)
        return bisect_right(self.times, last, self.at)

    def take(self, end: int) -> tuple[Sequence[int], Sequence[float], dict[int, Any]]:
        start, self.at = self.at, end
        if start == 0 and end == len(self.times):
            return self.times, self.vals, dict(self.others)
        others = {
            at - start: value for at, value in self.others.items() if start <= at < end
        }
        return self.times[start:end], self.vals[start:end], others


def _joined(series: Sequence[Series], most: int) -> Iterator[Block]:
    """Blocks of at most so many rows, up to the end of the chunk that ends first."""
    streams = {id(one): _Stream(one) for one in series}
    while True:
        filled = {key: one for key, one in streams.items() if one.fill()}
        if not filled:
            return
        last = min(one.times[-1] for one in filled.values())
        times = _union(filled.values(), last)
        if len(times) > most:
            times = times[:most]
            last = times[-1]
        found = {
            key: _placed(times, *one.take(one.end(last))) for key, one in filled.items()
        }
        yield Block(times, [found.get(id(one)) for one in series])


def _union(streams: Iterable[_Stream], last: int) -> Sequence[int]:
    """All times up to one, each once; those of most points are the same."""
    parts: list[Sequence[int]] = []
    for one in streams:
        part = one.times[one.at : one.end(last)]
        if part and not any(part == other for other in parts[-1:]):
            parts.append(part)
    if len(parts) == 1:
        return parts[0]
    return array("q", sorted(set().union(*parts)))


def _placed(
    times: Sequence[int],
    own: Sequence[int],
    vals: Sequence[float],
    others: Mapping[int, Any],
) -> Cells | None:
    if not own:
        return None
    if len(own) == len(times):  # a subset of as many
        return Cells(None, vals, others)
    return Cells(_places(times, own), vals, others)


def _places(times: Sequence[int], own: Sequence[int]) -> array[int]:
    """Both are in order, and all of ``own`` are in ``times``."""
    places = array("q")
    at = 0
    for time in own:
        while times[at] != time:
            at += 1
        places.append(at)
    return places
