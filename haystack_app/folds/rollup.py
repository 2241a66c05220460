"""Roll-ups: one row for each bucket of a range, from samples in time order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..kinds.scalars import Number
from ..kinds.series import Chunk
from .accumulators import Counter, Held, Next, Summary, is_nan
from .buckets import EARLIEST, LATEST, Interval, buckets
from .meaning import Meaning
from .units import rate_of

__all__ = ["END", "Rollup", "Row", "Sample", "samples_of"]

END = 1 << 62
"""Microseconds of the end of a range that has none."""
Sample = tuple[int, Any]
"""Microseconds since 1970 UTC, and a value."""
Row = tuple[int, dict[str, Any]]


def samples_of(chunks: Iterable[Chunk]) -> Iterator[Sample]:
    """Times and values; all numbers are floats, without a unit."""
    for chunk in chunks:
        for place, time in enumerate(chunk.times):
            value = chunk.others.get(place, chunk.vals[place])
            yield time, value.val if type(value) is Number else value


@dataclass(frozen=True, slots=True)
class Rollup:
    """Folds of one point in the buckets of a range.

    ``start`` and ``end`` are microseconds since 1970 UTC; buckets are cut at both.
    """

    folds: Sequence[str]
    interval: Interval
    tz: str
    start: int
    end: int
    meaning: Meaning

    @property
    def weighs_time(self) -> bool:
        return bool({"twa", "integral"} & {*self.folds})

    @property
    def counts(self) -> bool:
        return "delta" in self.folds

    @property
    def is_cut(self) -> bool:
        """Whether the range begins or ends inside a bucket."""
        return any(
            next(buckets(self.interval, self.tz, time))[0] != time
            for time in (self.start, self.end)
            if EARLIEST < time < LATEST
        )

    def rows(
        self,
        samples: Iterable[Sample],
        before: Iterable[Sample] = (),
        after: Callable[[], Iterable[Sample]] = tuple,
    ) -> Iterator[Row]:
        """The start of each bucket that has an answer, and the values by fold.

        ``samples`` are those from start to end, both included, in time order;
        ``before`` those before the start, the newest first; ``after`` returns those
        after the end. Only as many are read as are needed, each once.
        """
        return _Run(self).rows(samples, before, after)


class _Later:
    """The samples after the range, of which at most the first ones are read."""

    def __init__(self, read: Callable[[], Iterable[Sample]]) -> None:
        self._read = read

    @cached_property
    def _found(self) -> tuple[bool, Next | None]:
        exist = False
        for time, value in self._read():
            exist = True
            if not is_nan(value):
                return exist, (time, value)
        return exist, None

    @property
    def exist(self) -> bool:
        return self._found[0]

    @property
    def value(self) -> Next | None:
        """The first one that is not NaN."""
        return self._found[1]


class _Run:
    """The state of one roll-up between two samples."""

    def __init__(self, rollup: Rollup) -> None:
        self.rollup = rollup
        self.summary = Summary()
        self.counter = Counter()
        self.held = Held(rollup.meaning.is_linear)
        self.newest = -END
        self.first = self.until = 0
        self.buckets: Iterator[tuple[int, int]] = iter(())

    def rows(
        self,
        samples: Iterable[Sample],
        before: Iterable[Sample],
        after: Callable[[], Iterable[Sample]],
    ) -> Iterator[Row]:
        rollup, later = self.rollup, _Later(after)
        past = self._past(before)
        stream = self._with_next(samples, later)
        head = next(stream, None)
        if past is not None:
            self.held.prime(*past, self._toward(head, later), rollup.start)
            self._open(rollup.start)
        elif head is not None:
            # a sample at a boundary may belong to the bucket before it
            self._open(max(rollup.start, head[0] - 1))
        else:
            return
        while head is not None:
            yield from self._take(*head)
            head = next(stream, None)
        if rollup.weighs_time:
            yield from self._hold(later)
        yield from self._close()

    def _past(self, before: Iterable[Sample]) -> Sample | None:
        """The newest sample before the range that is not NaN; it may be NA.

        The counter begins with the newest number.
        """
        found: Sample | None = None
        if not (self.rollup.counts or self.rollup.weighs_time):
            return None
        for time, value in before:
            self.newest = max(self.newest, time)
            if is_nan(value):
                continue
            found = found or (time, value)
            self.counter.prime(value)
            if self.counter.before is not None or not self.rollup.counts:
                break
        return found

    def _with_next(
        self, samples: Iterable[Sample], later: _Later
    ) -> Iterator[tuple[int, Any, Next | None]]:
        """The samples, each with the next one that is not NaN where lines need it."""
        if not (self.held.is_linear and self.rollup.weighs_time):
            for time, value in samples:
                yield time, value, None
            return
        waiting: list[Sample] = []
        for sample in samples:
            if not is_nan(sample[1]):
                for time, value in waiting:
                    yield time, value, sample
                waiting.clear()
            waiting.append(sample)
        for time, value in waiting:
            yield time, value, later.value

    def _toward(
        self, head: tuple[int, Any, Next | None] | None, later: _Later
    ) -> Next | None:
        if not (self.held.is_linear and self.rollup.weighs_time):
            return None
        if head is None:
            return later.value
        return head[2] if is_nan(head[1]) else head[:2]

    def _take(self, time: int, value: Any, toward: Next | None) -> Iterator[Row]:
        """A sample, after the rows of all buckets up to it."""
        rollup = self.rollup
        self.newest = time
        pending = time > rollup.start  # not yet in a bucket that includes its end
        if not pending:
            self.counter.prime(value)
        while self.until <= time:
            if self.until == time and pending:
                self._add_at_end(value)
                pending = False
            self.held.hold(self.until)
            yield from self._close()
        if pending:
            self._add_at_end(value)
        if time < rollup.end:
            if rollup.weighs_time:
                self.held.add(time, value, toward)
            if not rollup.meaning.ends_included:
                self.summary.add(value)

    def _add_at_end(self, value: Any) -> None:
        """Add to the folds whose buckets are (start, end]."""
        if self.rollup.counts:
            self.counter.add(value)
        if self.rollup.meaning.ends_included:
            self.summary.add(value)

    def _hold(self, later: _Later) -> Iterator[Row]:
        """Weigh the time after the last sample of the range, as far as it is known.

        That is up to the newest sample of all, and up to the horizon.
        """
        if self.held.value is None:
            return
        end = self.rollup.end
        known = max(self.newest, self.rollup.meaning.horizon or -END)
        if known >= end or later.exist:
            known = end
        while self.until <= known:
            self.held.hold(self.until)
            yield from self._close()
        self.held.hold(known)

    def _open(self, time: int) -> None:
        self.buckets = buckets(self.rollup.interval, self.rollup.tz, time)
        self.first, self.until = next(self.buckets)

    def _close(self) -> Iterator[Row]:
        """The row of the bucket, if it has one; the next bucket is opened."""
        found = {fold: self._result(fold) for fold in self.rollup.folds}
        if row := {fold: val for fold, val in found.items() if val is not None}:
            yield self.first, row
        self.summary = Summary()
        self.counter.close()
        self.held.close()
        self.first, self.until = next(self.buckets)

    def _result(self, fold: str) -> Any:
        if fold == "delta":
            return self.counter.result()
        if fold == "twa":
            return self.held.result(None)
        if fold == "integral":
            return self.held.result(rate_of(self.rollup.meaning.unit)[1])
        return self.summary.result(fold)
