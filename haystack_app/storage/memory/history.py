"""The samples of a point in the memory store."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ...kinds.series import Chunk
from ..samples import Batch, Extent

__all__ = ["History"]


@dataclass(slots=True)
class History:
    """Times in ascending order, and the value at each; numbers are floats."""

    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def merge(self, batch: Batch) -> int:
        """Write and remove samples; returns by how many the history grew."""
        before = len(self.times)
        if not batch.removed and (
            not self.times or next(iter(batch.written), 0) > self.times[-1]
        ):
            self.times.extend(batch.written)
            self.values.extend(batch.written.values())
        else:
            merged = dict(zip(self.times, self.values, strict=True)) | batch.written
            for time in batch.removed:
                merged.pop(time, None)
            self.times = sorted(merged)
            self.values = [merged[time] for time in self.times]
        return len(self.times) - before

    def state(self) -> Callable[[], None]:
        """A function that restores the current samples."""
        times, values, size = self.times, self.values, len(self.times)

        def restore() -> None:
            # ``merge`` extends the lists or replaces them
            del times[size:], values[size:]
            self.times, self.values = times, values

        return restore

    def between(self, start: int | None, end: int | None) -> History:
        """A copy of the samples with start <= time < end."""
        first = 0 if start is None else bisect_left(self.times, start)
        last = len(self.times) if end is None else bisect_left(self.times, end)
        return History(self.times[first:last], self.values[first:last])

    def at(self, times: Iterable[int]) -> dict[int, Any]:
        """The samples at these times."""
        found = {}
        for time in times:
            place = bisect_left(self.times, time)
            if place < len(self.times) and self.times[place] == time:
                found[time] = self.values[place]
        return found

    def chunks(self, size: int) -> Iterator[Chunk]:
        for at in range(0, len(self.times), size):
            part = self.values[at : at + size]
            others = {
                place: value
                for place, value in enumerate(part)
                if type(value) is not float
            }
            vals = [0.0 if place in others else val for place, val in enumerate(part)]
            yield Chunk(self.times[at : at + size], vals, others)

    @property
    def extent(self) -> Extent:
        if not self.times:
            return Extent(0)
        return Extent(len(self.times), self.times[0], self.times[-1], self.values[-1])
