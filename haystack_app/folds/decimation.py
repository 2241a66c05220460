"""Fewer samples that look the same in a chart: none of them is invented.

The range is divided into spans of the same length, one for each four points asked for.
Of each span the first, the least, the greatest and the last sample remain, and both
ends of its longest gap, if that is longer than three usual intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise
from statistics import median_low
from typing import Any

__all__ = ["FEWEST_POINTS", "GAP", "decimated"]

FEWEST_POINTS = 4
"""Of one span."""
GAP = 3
"""Usual intervals that a gap is longer than."""
Sample = tuple[int, Any]


def decimated(samples: Iterable[Sample], most: int, end: int) -> Iterator[Sample]:
    """Samples in time order; those from ``end`` on, if any, belong to the last span.

    ``most`` is 4 or more: so many samples are not decimated. The usual interval is the
    median of those between the first ``most`` samples.
    """
    stream = iter(samples)
    head = list(islice(stream, most + 1))
    if len(head) <= most:
        yield from head
        return
    first = head[0][0]
    count = most // FEWEST_POINTS
    length = max(1, -(-(end - first) // count))
    usual = median_low(later - time for (time, _), (later, _) in pairwise(head[:most]))

    def span_of(sample: Sample) -> int:
        return min((sample[0] - first) // length, count - 1)

    spans = groupby(chain(head, stream), span_of)
    for _, part in spans:
        span = _Span()
        for sample in part:
            span.add(sample)
        yield from span.chosen(GAP * usual)


@dataclass(slots=True)
class _Span:
    """What is remembered of the samples of a span."""

    first: Sample | None = None
    last: Sample | None = None
    least: Sample | None = None
    most: Sample | None = None
    gap: tuple[Sample, Sample] | None = None

    def add(self, sample: Sample) -> None:
        if self.first is None:
            self.first = sample
        if self.last is not None and sample[0] - self.last[0] > self._gap_length:
            self.gap = self.last, sample
        self.last = sample
        number = sample[1]
        if not isinstance(number, float | bool) or math.isnan(number):
            return
        if self.least is None or number < self.least[1]:
            self.least = sample
        if self.most is None or number > self.most[1]:
            self.most = sample

    @property
    def _gap_length(self) -> int:
        return self.gap[1][0] - self.gap[0][0] if self.gap else 0

    def chosen(self, gap: int) -> list[Sample]:
        """In time order, each once."""
        found = [self.first, self.least, self.most, self.last]
        if self.gap is not None and self._gap_length > gap:
            found += self.gap
        by_time = {one[0]: one for one in found if one is not None}
        return [by_time[time] for time in sorted(by_time)]
