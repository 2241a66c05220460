"""Stored samples merged with a batch that is not applied yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....kinds.series import Chunk
from ...samples import Batch, Extent
from .blocks import Samples

__all__ = ["combined", "extent_of", "interleaved", "overlaid"]


def combined(first: Batch, then: Batch) -> Batch:
    """One batch with the effect of both, one after the other."""
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


def interleaved(one: Iterable[Samples], other: Iterable[Samples]) -> Iterator[Samples]:
    """Samples of both in time order; no time is in both."""
    streams = iter(one), iter(other)
    held = [next(stream, None) for stream in streams]
    while held[0] and held[1]:
        until = min(held[0].times[-1], held[1].times[-1]) + 1
        first, second = held[0].between(None, until), held[1].between(None, until)
        both = dict(zip(second.times, second.values, strict=True))
        yield first.merged(Batch(both, [])) if first and both else first or second
        for place, part in enumerate((first, second)):
            whole = held[place]
            assert whole is not None
            rest = Samples(whole.times[len(part) :], whole.values[len(part) :])
            held[place] = rest or next(streams[place], None)
    for place in (0, 1):
        while last := held[place]:
            yield last
            held[place] = next(streams[place], None)


def extent_of(chunks: Iterable[Chunk]) -> Extent:
    """The extent of samples, which are all read."""
    size, first, last = 0, 0, None
    for last in chunks:
        first = first if size else last.times[0]
        size += len(last.times)
    if last is None:
        return Extent(0)
    place = len(last.times) - 1
    value = last.others.get(place, last.vals[place])
    return Extent(size, first, last.times[place], value)
