"""Roll-ups composed of parts: the same rows as ``rollup``, without the samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .accumulators import number_of
from .exact import ExactSum
from .parts import FloatSum, Part, Sample
from .rollup import END, Rollup, Row
from .units import rate_of

__all__ = ["Bucket", "Composition", "Counting", "Weighing", "share_of_line"]


@dataclass(slots=True)
class Bucket:
    """A bucket of a roll-up, from ``low`` to ``high`` after the range has cut it.

    ``summary`` is of its samples. ``weighed`` are the parts of [low, high) in time
    order, and ``counted`` those of (low, high]. Each is needed for some folds only.
    """

    start: int
    low: int
    high: int
    summary: Part | None = None
    weighed: Sequence[Part] = ()
    counted: Sequence[Part] = ()


@dataclass(slots=True)
class Composition:
    """The state of a roll-up between two buckets.

    ``past`` is the newest sample before the range that is not NaN, ``before`` the
    newest number at its start or before it; ``newest`` is the time of the newest sample
    of all.
    """

    rollup: Rollup
    past: Sample | None = None
    before: float | None = None
    newest: int = -END
    weighing: Weighing = field(init=False)
    counting: Counting = field(init=False)

    def __post_init__(self) -> None:
        rollup, meaning = self.rollup, self.rollup.meaning
        known = max(self.newest, meaning.horizon or -END)
        if self.newest >= rollup.end:
            known = rollup.end
        self.weighing = Weighing(
            rollup.meaning.is_linear, known, rollup.start, self.past
        )
        self.counting = Counting(self.before)

    def rows(
        self, buckets: Sequence[Bucket], following: Sample | None = None
    ) -> Iterator[Row]:
        """The rows of the next buckets, which come one after the other.

        ``following`` is the first sample after them that is not NaN. Lines need it.
        """
        rollup = self.rollup
        toward = self._followers(buckets, following)
        for place, bucket in enumerate(buckets):
            if rollup.weighs_time:
                self.weighing.weigh(bucket, toward[place])
            if rollup.counts:
                self.counting.count(bucket.counted)
            found = {fold: self._result(fold, bucket) for fold in rollup.folds}
            if row := {fold: val for fold, val in found.items() if val is not None}:
                yield bucket.start, row

    def _followers(
        self, buckets: Sequence[Bucket], following: Sample | None
    ) -> Sequence[Sample | None]:
        """For each bucket the first sample after it that is not NaN."""
        found: list[Sample | None] = [following] * len(buckets)
        if not (self.rollup.weighs_time and self.rollup.meaning.is_linear):
            return found
        for place in range(len(buckets) - 1, 0, -1):
            firsts = (part.first for part in buckets[place].weighed if part.first)
            found[place - 1] = next(firsts, found[place])
        return found

    def _result(self, fold: str, bucket: Bucket) -> Any:
        if fold == "delta":
            return self.counting.result
        if fold == "twa":
            return self.weighing.result(None)
        if fold == "integral":
            return self.weighing.result(rate_of(self.rollup.meaning.unit)[1])
        return _summary(fold, bucket)


def _summary(fold: str, bucket: Bucket) -> Any:
    part = bucket.summary
    if part is None or not part.count:
        return None
    if fold not in ("first", "last"):
        return part.result(fold)
    found = part.first if fold == "first" else part.last
    return float("nan") if found is None else found[1]


def share_of_line(start: int, end: int, since: int, until: int) -> float:
    """The weight of the value at the end, between two instants of a line."""
    return (since + until - 2 * start) / (2 * (end - start))


@dataclass(slots=True)
class Weighing:
    """Values times the microseconds that they are held, up to the instant ``known``.

    From ``at`` on, the value is that of ``value``, if time is known from there.
    """

    is_linear: bool
    known: int
    at: int
    value: Sample | None
    area: FloatSum = field(default_factory=FloatSum)
    length: float = 0
    seen: Part = field(default_factory=Part)

    def weigh(self, bucket: Bucket, following: Sample | None) -> None:
        self.area, self.length, self.seen = FloatSum(), 0, Part()
        for part in bucket.weighed:
            self.seen.include_counts(part)
            if part.first is None or part.last is None:
                continue
            self._hold(part.first[0], part.first)
            self.area.include(part.area)
            self.length += part.known
            self.at, self.value = part.last[0], part.last
        self._hold(min(bucket.high, self.known), following)

    def _hold(self, until: int, toward: Sample | None) -> None:
        length = until - self.at
        if length <= 0:
            return
        since, self.at = self.at, until
        if self.value is None:
            return
        time, value = self.value
        number = number_of(value)
        if number is None:
            return
        if not self.is_linear:
            self.area.add(number, length)
        elif toward is not None and (end := number_of(toward[1])) is not None:
            share = share_of_line(time, toward[0], since, until)
            self.area.add(number, length * (1 - share))
            self.area.add(end, length * share)
        else:
            return  # a line needs two ends
        self.length += length

    def result(self, unit_of_time: int | None) -> Any:
        """The average for None, else the integral by a unit of time."""
        if self.seen.na or not self.length:
            return self.seen.instead
        return self.area.divided(unit_of_time or self.length)


@dataclass(slots=True)
class Counting:
    """What a counter counts; ``before`` is its newest reading."""

    before: float | None
    total: ExactSum = field(default_factory=ExactSum)
    seen: Part = field(default_factory=Part)

    def count(self, parts: Sequence[Part]) -> None:
        self.total, self.seen = ExactSum(), Part()
        for part in parts:
            self.seen.include_counts(part)
            if part.start is None or part.rise is None:
                continue
            if self.before is not None:
                self.total.step(self.before, part.start)
            self.total.include(part.rise)
            self.before = part.end

    @property
    def result(self) -> Any:
        if (instead := self.seen.instead) is not None:
            return instead
        return self.total.divided() if self.seen.count else None
