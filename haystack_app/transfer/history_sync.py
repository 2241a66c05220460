"""Synchronizes one history with another, reading both in chunks.

Samples that are already the same are skipped, so that an interrupted synchronization
continues where it stopped, and repeating it writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..kinds.datetimes import iso_text
from ..kinds.series import Chunk, instant_of
from ..storage.base import StorageAdapter
from ..storage.errors import StorageError
from ..storage.samples import Batch
from .checksums import canonical

__all__ = [
    "KEEP",
    "OVERWRITE",
    "REFUSE",
    "REMOVE",
    "SampleConflict",
    "chunk_of",
    "sync_history",
]

KEEP, OVERWRITE, REMOVE, REFUSE = "keep", "overwrite", "remove", "refuse"
"""What happens to samples of the target. KEEP: all are kept. OVERWRITE: those at times
of the source get its values. REMOVE: in addition, those at other times are removed.
REFUSE: any that is missing or different in the source is an error."""

Write = Callable[[Batch], None]


class SampleConflict(StorageError):
    """A sample of the target that is missing or different in the source."""

    def __init__(self, id: str, time: int) -> None:
        super().__init__(
            f"the target has a sample of @{id} at {iso_text(instant_of(time))} that is"
            " missing or different in the source: use --merge or --replace to"
            " overwrite it"
        )


def sync_history(
    target: StorageAdapter,
    id: str,
    chunks: Iterable[Chunk],
    write: Write,
    *,
    others: str = REMOVE,
) -> int:
    """Give the target the samples of ``chunks``, which must be in time order.

    ``write`` stores one batch. Returns the number of samples that were written or
    removed. Raises SampleConflict.
    """
    count, start = 0, None
    for chunk in chunks:
        end = chunk.times[-1] + 1
        count += _sync_range(target, id, (start, end), samples_of(chunk), write, others)
        start = end
    if others in (REMOVE, REFUSE):
        count += _sync_range(target, id, (start, None), {}, write, others)
    return count


def samples_of(chunk: Chunk) -> dict[int, Any]:
    """The chunk in the form of ``Batch.written``."""
    samples: dict[int, Any] = dict(zip(chunk.times, chunk.vals, strict=True))
    for index, value in chunk.others.items():
        samples[chunk.times[index]] = value
    return samples


def chunk_of(samples: Mapping[int, Any]) -> Chunk:
    """The inverse of ``samples_of``."""
    values = list(samples.values())
    others = {at: val for at, val in enumerate(values) if type(val) is not float}
    vals = [0.0 if at in others else val for at, val in enumerate(values)]
    return Chunk(list(samples), vals, others)


def _sync_range(
    target: StorageAdapter,
    id: str,
    span: tuple[int | None, int | None],
    samples: dict[int, Any],
    write: Write,
    others: str,
) -> int:
    """Make ``samples`` the samples of the span.

    Samples that the target already has are deleted from ``samples``.
    """
    removed = 0
    start, end = span
    while chunk := next(target.his_chunks(id, start, end), None):
        start = chunk.times[-1] + 1
        extra = []
        for time, value in samples_of(chunk).items():
            if time not in samples:
                extra.append(time)
            elif others == KEEP or _is_same(value, samples[time]):
                del samples[time]
            elif others == REFUSE:
                raise SampleConflict(id, time)
        if extra and others == REFUSE:
            raise SampleConflict(id, extra[0])
        if extra and others == REMOVE:
            write(Batch({}, extra))
            removed += len(extra)
    if samples:
        write(Batch(samples, []))
    return removed + len(samples)


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is float and type(other) is float:
        return one == other
    return canonical(one) == canonical(other)
