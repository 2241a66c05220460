"""Roll-ups whose samples are folded by the database.

Page by page of buckets, statements return parts of the samples of each bucket, which
``folds.composition`` composes to the rows of each point. No sample is read, except
beside a range, and those of a counter with infinite readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.buckets import buckets
from ...folds.composition import Bucket, Composition
from ...folds.parts import Part, Sample, number_of
from ...folds.rollup import END, Rollup
from ...kinds.scalars import Number
from ..backend import StorageBackend
from ..folds import PlacedRow
from .fold_statements import Key, read_parts
from .history import extents

__all__ = ["fold"]

_CELLS = 20_000
"""Buckets times points of a page."""
_MOST_BUCKETS = 4_096
_OF_NUMBERS = {"avg", "min", "max", "sum", "spread"}
_OF_ENDS = {"first", "last"}


def fold(
    store: StorageBackend,
    connection: BaseDatabaseWrapper,
    rollups: Sequence[tuple[str, Rollup]],
) -> Iterator[PlacedRow]:
    """The rows of points, in the order of time, from one snapshot."""
    points = [_Point(store, id, rollup) for id, rollup in rollups]
    size = max(1, min(_MOST_BUCKETS, _CELLS // len(points)))
    begin, stop = _limits(connection, points, size)
    for point in points:
        point.begin()
    for page in _pages(points[0].rollup, begin, stop, size):
        folded = _Page(store, connection, page)
        folded.read(points)
        yield from folded.rows(points)


@dataclass(slots=True)
class _Point:
    """A point, and the state of its roll-up between two pages."""

    store: StorageBackend
    id: str
    rollup: Rollup
    newest: int = -END
    composition: Composition = field(init=False)

    @property
    def needs_newest(self) -> bool:
        return self.rollup.weighs_time

    def begin(self) -> None:
        past, before = None, None
        start = self.rollup.start
        if self.rollup.weighs_time:
            past = next(self._backwards(start), None)
        if self.rollup.counts:
            numbers = (number_of(value) for _, value in self._backwards(start + 1))
            before = next((one for one in numbers if one is not None), None)
        self.composition = Composition(self.rollup, past, before, self.newest)

    def _backwards(self, before: int) -> Iterator[Sample]:
        """Samples before a time that are not NaN, the newest first."""
        for time, value in self.store.his_backwards(self.id, before):
            plain = value.val if type(value) is Number else value
            if plain == plain:
                yield time, plain

    def following(self, time: int) -> Sample | None:
        """The first sample from a time on that is not NaN, if lines need it."""
        if not (self.rollup.weighs_time and self.rollup.meaning.is_linear):
            return None
        for chunk in self.store.his_chunks(self.id, time, None, 64):
            for place, at in enumerate(chunk.times):
                value = chunk.others.get(place, chunk.vals[place])
                plain = value.val if type(value) is Number else value
                if plain == plain:
                    return at, plain
        return None

    @property
    def keys(self) -> Keys:
        return Keys.of(self.rollup)


@dataclass(frozen=True, slots=True)
class Keys:
    """Which statements have the parts of a roll-up, None for those without use."""

    numbers: Key | None
    ends: Key | None
    weighed: Key | None
    counted: Key | None

    @classmethod
    def of(cls, rollup: Rollup) -> Keys:
        meaning, folds = rollup.meaning, {*rollup.folds}
        side = 1 if meaning.ends_included else 0
        held = "linear" if meaning.is_linear else "held"
        has_ends = bool(folds & _OF_ENDS)
        numbers = folds & _OF_NUMBERS or ("count" in folds and not has_ends)
        usual = "regular" if meaning.kind == "Number" else "numbers"
        return cls(
            Key(usual, side) if numbers else None,
            Key(held, side) if has_ends else None,
            Key(held, 0) if rollup.weighs_time else None,
            Key("counter", 1) if rollup.counts else None,
        )


def _limits(
    connection: BaseDatabaseWrapper, points: Sequence[_Point], size: int
) -> tuple[int, int]:
    """From when to when rows are possible; the newest samples of points are found.

    They are looked up where time is weighed, or where the range is long.
    """
    rollup = points[0].rollup
    begin, stop = rollup.start, rollup.end
    is_long = (stop - begin) // rollup.interval.size > size
    if not is_long and not any(point.needs_newest for point in points):
        return begin, stop
    found = extents(connection, [point.id for point in points], begin)
    last = -END
    for point, (_, newest) in zip(points, found, strict=True):
        point.newest = -END if newest is None else newest
        horizon = point.rollup.meaning.horizon if point.needs_newest else None
        last = max(last, point.newest + 1, -END if horizon is None else horizon)
    if is_long and not any(point.needs_newest for point in points):
        # a sample at a boundary may belong to the bucket before it
        begin = max(
            begin, min((one - 1 for one, _ in found if one is not None), default=stop)
        )
    return begin, min(stop, last)


def _pages(
    rollup: Rollup, begin: int, stop: int, size: int
) -> Iterator[list[tuple[int, int, int]]]:
    """Start, and the ends after the range has cut it, of the buckets of a page."""
    if begin >= stop:
        return
    spans = (
        (start, max(start, rollup.start), min(end, rollup.end))
        for start, end in buckets(rollup.interval, rollup.tz, begin)
    )
    inside = takewhile(lambda span: span[1] < stop, spans)
    while page := list(islice(inside, size)):
        yield page


class _Page:
    """Some buckets of all points."""

    def __init__(
        self,
        store: StorageBackend,
        connection: BaseDatabaseWrapper,
        spans: Sequence[tuple[int, int, int]],
    ) -> None:
        self.store, self.connection, self.spans = store, connection, spans
        self.parts: dict[tuple[Key, int], dict[int, list[Part]]] = {}

    def read(self, points: Sequence[_Point]) -> None:
        wanted: dict[Key, dict[int, None]] = {}
        for place, point in enumerate(points):
            keys = point.keys
            for key in (keys.numbers, keys.ends, keys.weighed, keys.counted):
                if key is not None:
                    wanted.setdefault(key, {})[place] = None
        edges = [low for _, low, _ in self.spans] + [self.spans[-1][2]]
        for key, places in wanted.items():
            self._read(key, points, list(places), edges)

    def _read(
        self,
        key: Key,
        points: Sequence[_Point],
        places: Sequence[int],
        edges: Sequence[int],
    ) -> None:
        ids = [points[place].id for place in places]
        for at, bucket, part in read_parts(
            self.connection, self.store, key, ids, edges
        ):
            found = self.parts.setdefault((key, places[at]), {})
            found.setdefault(bucket, []).append(part)

    def rows(self, points: Sequence[_Point]) -> Iterator[PlacedRow]:
        """In the order of time."""
        found: list[PlacedRow] = []
        after = self.spans[-1][2]
        for place, point in enumerate(points):
            made = self._buckets(point.keys, place)
            rows = point.composition.rows(made, point.following(after))
            found += ((time, place, values) for time, values in rows)
        if len(points) > 1:
            found.sort(key=lambda row: row[:2])
        return iter(found)

    def _buckets(self, keys: Keys, place: int) -> list[Bucket]:
        numbers, ends, weighed, counted = (
            {} if key is None else self.parts.get((key, place), {})
            for key in (keys.numbers, keys.ends, keys.weighed, keys.counted)
        )
        return [
            Bucket(
                *span,
                _summary(numbers.get(at, ()), ends.get(at, ())),
                weighed.get(at, ()),
                counted.get(at, ()),
            )
            for at, span in enumerate(self.spans)
        ]


def _summary(numbers: Sequence[Part], ends: Sequence[Part]) -> Part | None:
    """One part of all samples of a bucket, with its first and last ones."""
    if not ends:
        return numbers[0] if numbers else None
    part = numbers[0] if numbers else Part()
    if not numbers:
        part.count = sum(one.count for one in ends)
    firsts = [one for one in ends if one.first is not None]
    if firsts:
        part.first, part.last = firsts[0].first, firsts[-1].last
    return part
