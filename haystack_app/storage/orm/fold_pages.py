"""Some buckets of all points of a roll-up: their parts are read, and composed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.composition import Bucket
from ...folds.parts import Part, Sample
from ...folds.rollup import END
from ..backend import StorageBackend
from ..folds import PlacedRow
from .fold_points import FoldedPoint, Keys
from .fold_spans import Spans
from .fold_statements import Key, PlacedPart, read_parts
from .stored_parts import INTERVALS, StoredParts
from .usual_rows import UsualRows

__all__ = ["Page"]

_NEAR = 8
_Run = tuple[int, int]
"""The first of some spans, and the one after the last."""


class Page:
    def __init__(
        self,
        store: StorageBackend,
        connection: BaseDatabaseWrapper,
        spans: Spans,
        stored: StoredParts,
    ) -> None:
        self.store, self.connection, self.spans = store, connection, spans
        self.stored = stored
        self.parts: dict[tuple[Key, int], dict[int, list[Part]]] = {}
        self.usual: UsualRows | None = None

    def read(self, points: Sequence[FoldedPoint]) -> None:
        runs = {place: self._changed(place) for place in self.stored.marks}
        usual = self._read_usual(points, [at for at, run in runs.items() if not run])
        wanted: dict[Key, list[int]] = {}
        for place, point in enumerate(points):
            if place not in usual:
                for key in point.keys.used:
                    wanted.setdefault(key, []).append(place)
        ids = [point.id for point in points]
        whole = [(0, len(self.spans))]
        folded = {place: run for place, run in runs.items() if run != whole}
        for key, places in wanted.items():
            changed = {place: folded.get(place, whole) for place in places}
            valid = [place for place in places if place in folded]
            if valid:
                self._read_stored(key, ids, valid, changed)
            self._read_samples(key, ids, changed)

    def _read_usual(
        self, points: Sequence[FoldedPoint], places: Sequence[int]
    ) -> set[int]:
        """Read parts of points of which nothing changed; those that need no more."""
        if not places:
            return set()
        size = points[0].rollup.interval.size
        is_single = size == INTERVALS[self.stored.hours].size
        self.usual = UsualRows(self.stored, self.spans.bounds, is_single=is_single)
        self.usual.read(points, places)
        return self.usual.places

    def _changed(self, place: int) -> list[_Run]:
        """The buckets of a point that are not valid as they are stored."""
        if self.spans.are_whole and not self.stored.marks[place]:
            return []
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
        for (at, bucket, part), is_infinite in self.stored.read(
            key, asked, self.spans.edges
        ):
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
            edges = self.spans.edges[first : after + 1]
            for at, bucket, part in read_parts(
                self.connection, self.store, key, asked, edges
            ):
                self._add(key, places[at], first + bucket, part)

    def _add(self, key: Key, place: int, bucket: int, part: Part) -> None:
        found = self.parts.setdefault((key, place), {})
        found.setdefault(bucket, []).append(part)

    def rows(
        self, points: Sequence[FoldedPoint], followers: Sequence[Sample | None]
    ) -> Iterator[PlacedRow]:
        """In the order of time. Lines need the first samples after the page."""
        starts = self.spans.starts
        rows = []
        for place, (point, following) in enumerate(zip(points, followers, strict=True)):
            if self.usual is not None and place in self.usual.places:
                rows.append(self.usual.of(point, place, following))
            else:
                made = self._buckets(point.keys, place)
                found = dict(point.composition.rows(made, following))
                rows.append([found.get(start, {}) for start in starts])
        for start, *some in zip(starts, *rows, strict=True):
            for place, row in enumerate(some):
                if row:
                    yield start, place, row

    def _buckets(self, keys: Keys, place: int) -> list[Bucket]:
        numbers, ends, weighed, counted = (
            {} if key is None else self.parts.get((key, place), {})
            for key in (keys.numbers, keys.ends, keys.weighed, keys.counted)
        )
        return [
            Bucket(
                self.spans[pieces[0]].start,
                self.spans[pieces[0]].low,
                self.spans[pieces[-1]].high,
                _summary(_of(numbers, pieces), _of(ends, pieces)),
                _of(weighed, pieces),
                _of(counted, pieces),
            )
            for pieces in self.spans.buckets
        ]


def _of(parts: Mapping[int, Sequence[Part]], places: Sequence[int]) -> list[Part]:
    return [part for at in places for part in parts.get(at, ())] if parts else []


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
