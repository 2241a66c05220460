"""Samples as they are to be: those stored, with a batch that is not applied yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...kinds.series import Chunk
from ..samples import Batch, Extent
from .blocks import Samples

__all__ = ["combined", "extent_of", "overlaid"]


def combined(first: Batch, then: Batch) -> Batch:
    """What both batches do, one after the other."""
    written = {
        time: value
        for time, value in first.written.items()
        if time not in set(then.removed)
    } | then.written
    removed = {*first.removed, *then.removed} - written.keys()
    return Batch({time: written[time] for time in sorted(written)}, sorted(removed))


def overlaid(
    stored: Iterable[Samples], batch: Batch, start: int | None, end: int | None
) -> Iterator[Samples]:
    """Samples with start <= time < end, in time order, with those of the batch."""
    new = Samples([*batch.written], [*batch.written.values()]).between(start, end)
    for part in stored:
        due = new.between(None, part.times[-1] + 1)
        new = Samples(new.times[len(due) :], new.values[len(due) :])
        written = dict(zip(due.times, due.values, strict=True))
        if written or batch.removed:
            part = part.merged(Batch(written, batch.removed))
        if part:
            yield part
    if new:
        yield new


def extent_of(chunks: Iterable[Chunk]) -> Extent:
    """By a look at all samples."""
    size, first, last = 0, 0, None
    for last in chunks:
        first = first if size else last.times[0]
        size += len(last.times)
    if last is None:
        return Extent(0)
    place = len(last.times) - 1
    value = last.others.get(place, last.vals[place])
    return Extent(size, first, last.times[place], value)
