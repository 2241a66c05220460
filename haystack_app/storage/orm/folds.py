"""Roll-ups whose samples are folded by the database.

Page by page of buckets, statements return parts of the samples of each bucket, which
``folds.composition`` composes to the rows of each point. Where valid parts are stored,
they are read instead. No sample is read, except beside a range, and those of a counter
with infinite readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.accumulators import number_of
from ...folds.composition import Bucket, Composition
from ...folds.parts import FloatSum, Part, Sample
from ...folds.rollup import END, Rollup
from ...kinds.scalars import Number
from ..backend import StorageBackend
from ..folds import PlacedRow
from .dropped_samples import DroppedSamples
from .fold_spans import Span, pages_of, spans_of
from .fold_statements import Key, PlacedPart, read_parts
from .history import extents
from .stored_parts import INTERVALS, StoredParts

__all__ = ["fold"]

_CELLS = 20_000
"""Buckets times points of a page."""
_MOST_BUCKETS = 4_096
_WHOLE = 40_000
"""Stored parts that are read together."""
_NEAR = 8
_Run = tuple[int, int]
_OF_NUMBERS = {"avg", "min", "max", "sum", "spread"}
_PLAIN = _OF_NUMBERS | {"count"}
_OF_ENDS = {"first", "last"}


def fold(
    store: StorageBackend,
    connection: BaseDatabaseWrapper,
    rollups: Sequence[tuple[str, Rollup]],
) -> Iterator[PlacedRow]:
    """The rows of points, in the order of time, from one snapshot."""
    points = [_Point(store, id, rollup) for id, rollup in rollups]
    size = max(1, min(_MOST_BUCKETS, _CELLS // len(points)))
    ids = [point.id for point in points]
    stored = StoredParts.of(connection, ids, points[0].rollup)
    for place, end in stored.dropped.items():
        points[place].dropped = DroppedSamples(connection, points[place].id, end)
    begin, stop = _limits(connection, points, size)
    for point in points:
        point.begin()
    if begin >= stop:
        return
    if (rows := _whole(stored, points)) is not None:
        yield from rows
        return
    spans = spans_of(points[0].rollup, begin, stop, stored)
    for page in pages_of(spans, size):
        folded = _Page(store, connection, page, stored)
        folded.read(points)
        yield from folded.rows(points)


def _whole(stored: StoredParts, points: Sequence[_Point]) -> Iterator[PlacedRow] | None:
    """The rows of buckets that are stored parts themselves, if all of them are.

    Nothing is composed then, which would take most of the time.
    """
    rollup = points[0].rollup
    if stored.hours == 0 or rollup.interval != INTERVALS[stored.hours]:
        return None
    if (rollup.end - rollup.start) // rollup.interval.size > _WHOLE // len(points):
        return None
    if rollup.is_cut or any(not point.is_plain for point in points):
        return None
    rows = stored.whole([point.id for point in points], rollup.start, rollup.end)
    if rows is None:
        return None
    return _answers(rows, [point.rollup.folds for point in points])


def _answers(
    rows: Iterable[Any], folds: Sequence[Sequence[str]]
) -> Iterator[PlacedRow]:
    for place, start, count, na, nan, numbers, small, huge, low, high, _ in rows:
        if na or nan or huge or not numbers:
            part = Part(count, na, nan, numbers, FloatSum(small, huge), low, high)
            found = {fold: part.result(fold) for fold in folds[place]}
            if row := {fold: val for fold, val in found.items() if val is not None}:
                yield start, place, row
            continue
        row = {}
        for fold in folds[place]:
            if fold == "avg":
                row[fold] = small / numbers
            elif fold == "min":
                row[fold] = low
            elif fold == "max":
                row[fold] = high
            elif fold == "sum":
                row[fold] = small
            elif fold == "count":
                row[fold] = float(count)
            else:
                row[fold] = high - low
        yield start, place, row


@dataclass(slots=True)
class _Point:
    """A point, and the state of its roll-up between two pages."""

    store: StorageBackend
    id: str
    rollup: Rollup
    newest: int = -END
    dropped: DroppedSamples | None = None
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
        """Samples before a time that are not NaN, the newest first.

        Of dropped samples, one that is not NaN and one that is a number.
        """
        if self.dropped is not None and before <= self.dropped.end:
            yield from self.dropped.before(before)
            return
        for time, value in self.store.his_backwards(self.id, before):
            plain = value.val if type(value) is Number else value
            if plain == plain:
                yield time, plain

    def following(self, time: int) -> Sample | None:
        """The first sample from a time on that is not NaN, if lines need it."""
        if not (self.rollup.weighs_time and self.rollup.meaning.is_linear):
            return None
        if self.dropped is not None and time < self.dropped.end:
            found = self.dropped.after(time)
            if found is not None:
                return found
            time = self.dropped.end
        for chunk in self.store.his_chunks(self.id, time, None, 64):
            for place, at in enumerate(chunk.times):
                value = chunk.others.get(place, chunk.vals[place])
                plain = value.val if type(value) is Number else value
                if plain == plain:
                    return at, plain
        return None

    @property
    def is_plain(self) -> bool:
        """Whether all folds are of the numbers of buckets that include their start."""
        folds = {*self.rollup.folds}
        return not self.rollup.meaning.ends_included and folds <= _PLAIN

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
    ids = [point.id for point in points]
    found = [
        (point.dropped.first if point.dropped else first, last)
        for point, (first, last) in zip(
            points, extents(connection, ids, begin if is_long else None), strict=True
        )
    ]
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


class _Page:
    """Some buckets of all points."""

    def __init__(
        self,
        store: StorageBackend,
        connection: BaseDatabaseWrapper,
        spans: Sequence[Span],
        stored: StoredParts,
    ) -> None:
        self.store, self.connection, self.spans = store, connection, spans
        self.stored = stored
        self.edges = [span.low for span in spans] + [spans[-1].high]
        self.parts: dict[tuple[Key, int], dict[int, list[Part]]] = {}

    def read(self, points: Sequence[_Point]) -> None:
        wanted: dict[Key, list[int]] = {}
        for place, point in enumerate(points):
            keys = point.keys
            for key in {keys.numbers, keys.ends, keys.weighed, keys.counted}:
                if key is not None:
                    wanted.setdefault(key, []).append(place)
        ids = [point.id for point in points]
        whole = [(0, len(self.spans))]
        folded = {
            place: runs
            for place in self.stored.marks
            if (runs := self._changed(place)) != whole
        }
        for key, places in wanted.items():
            changed = {place: folded.get(place, whole) for place in places}
            valid = [place for place in places if place in folded]
            if valid:
                self._read_stored(key, ids, valid, changed)
            self._read_samples(key, ids, changed)

    def _changed(self, place: int) -> list[_Run]:
        """The buckets of a point that are not valid as they are stored."""
        dropped = self.stored.dropped.get(place, -END)
        return _runs(
            at
            for at, span in enumerate(self.spans)
            if span.high > dropped
            and not (span.is_whole and self.stored.is_valid(place, span.low, span.high))
        )

    def _read_stored(
        self,
        key: Key,
        ids: Sequence[str],
        places: Sequence[int],
        runs: dict[int, list[_Run]],
    ) -> None:
        """Parts of buckets outside the runs; those of infinite numbers join these."""
        infinite: dict[int, set[int]] = {}
        found: list[PlacedPart] = []
        asked = [ids[place] for place in places]
        for (at, bucket, part), is_infinite in self.stored.read(key, asked, self.edges):
            found.append((places[at], bucket, part))
            if is_infinite:
                infinite.setdefault(places[at], set()).add(bucket)
        for place, buckets_of in infinite.items():
            runs[place] = _runs(sorted({*_members(runs[place]), *buckets_of}))
        others = {place: {*_members(runs[place])} for place in places}
        for place, bucket, part in found:
            if bucket not in others[place]:
                self._add(key, place, bucket, part)

    def _read_samples(
        self, key: Key, ids: Sequence[str], runs: dict[int, list[_Run]]
    ) -> None:
        together: dict[_Run, list[int]] = {}
        for place, some in runs.items():
            for run in some:
                together.setdefault(run, []).append(place)
        for (first, after), places in together.items():
            asked = [ids[place] for place in places]
            edges = self.edges[first : after + 1]
            for at, bucket, part in read_parts(
                self.connection, self.store, key, asked, edges
            ):
                self._add(key, places[at], first + bucket, part)

    def _add(self, key: Key, place: int, bucket: int, part: Part) -> None:
        found = self.parts.setdefault((key, place), {})
        found.setdefault(bucket, []).append(part)

    def rows(self, points: Sequence[_Point]) -> Iterator[PlacedRow]:
        """In the order of time."""
        found: list[PlacedRow] = []
        after = self.edges[-1]
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
        made = []
        for _, pieces in groupby(enumerate(self.spans), lambda piece: piece[1].start):
            places = [at for at, _ in pieces]
            first, last = self.spans[places[0]], self.spans[places[-1]]
            made.append(
                Bucket(
                    first.start,
                    first.low,
                    last.high,
                    _summary(_of(numbers, places), _of(ends, places)),
                    _of(weighed, places),
                    _of(counted, places),
                )
            )
        return made


def _of(parts: Mapping[int, Sequence[Part]], places: Sequence[int]) -> list[Part]:
    return [part for at in places for part in parts.get(at, ())]


def _runs(buckets_of: Iterable[int]) -> list[_Run]:
    """First and after the last of neighbours; those near each other are joined.

    A statement costs more than some buckets.
    """
    runs: list[_Run] = []
    for at in buckets_of:
        if runs and at - runs[-1][1] <= _NEAR:
            runs[-1] = runs[-1][0], at + 1
        else:
            runs.append((at, at + 1))
    return runs


def _members(runs: Iterable[_Run]) -> Iterator[int]:
    for first, after in runs:
        yield from range(first, after)


def _summary(numbers: Sequence[Part], ends: Sequence[Part]) -> Part | None:
    """One part of all samples of a bucket, with its first and last ones."""
    if not ends and len(numbers) < 2:
        return numbers[0] if numbers else None
    part = Part()
    for one in numbers:
        part.include_numbers(one)
    if not numbers:
        part.count = sum(one.count for one in ends)
    firsts = [one for one in ends if one.first is not None]
    if firsts:
        part.first, part.last = firsts[0].first, firsts[-1].last
    return part
