"""Making one history like another, reading both in pieces.

What is the same already is left alone, so that a move that was interrupted goes on
where it ended, and a repeated one writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
    "OtherSamples",
    "align",
    "chunk_of",
]

KEEP, OVERWRITE, REMOVE, REFUSE = "keep", "overwrite", "remove", "refuse"
"""What happens to samples of the target: all stay; those at times of the source get
its values; those at other times go, too; nothing, for any that differs is an error."""

Write = Callable[[Batch], None]


class OtherSamples(StorageError):
    """A history in the target that is no beginning of the source's."""

    def __init__(self, id: str, time: int) -> None:
        super().__init__(
            f"@{id} has a sample at {instant_of(time)} in the target that is not the"
            " source's: --merge or --replace would overwrite it"
        )


def align(
    target: StorageAdapter,
    id: str,
    chunks: Iterable[Chunk],
    write: Write,
    *,
    others: str = REMOVE,
) -> int:
    """Give the target the samples of ``chunks``, which are in time order.

    ``write`` stores one batch. How many samples it was handed, those to be removed
    among them. Raises OtherSamples.
    """
    moved, after = 0, None
    for chunk in chunks:
        end = chunk.times[-1] + 1
        moved += _window(target, id, (after, end), samples_of(chunk), write, others)
        after = end
    if others in (REMOVE, REFUSE):
        moved += _window(target, id, (after, None), {}, write, others)
    return moved


def samples_of(chunk: Chunk) -> dict[int, Any]:
    """The chunk as ``Batch.written`` has it."""
    samples: dict[int, Any] = dict(zip(chunk.times, chunk.vals, strict=True))
    for place, value in chunk.others.items():
        samples[chunk.times[place]] = value
    return samples


def chunk_of(samples: Mapping[int, Any]) -> Chunk:
    """The inverse of ``samples_of``."""
    values = list(samples.values())
    others = {at: val for at, val in enumerate(values) if type(val) is not float}
    vals = [0.0 if at in others else val for at, val in enumerate(values)]
    return Chunk(list(samples), vals, others)


def _window(
    target: StorageAdapter,
    id: str,
    span: tuple[int | None, int | None],
    wanted: dict[int, Any],
    write: Write,
    others: str,
) -> int:
    """All samples of the span are to be these; what is there of them is dropped."""
    moved = 0
    start, end = span
    while held := next(target.his_chunks(id, start, end), None):
        start = held.times[-1] + 1
        strange = []
        for time, value in samples_of(held).items():
            if time not in wanted:
                strange.append(time)
            elif others == KEEP or _is_same(value, wanted[time]):
                del wanted[time]
            elif others == REFUSE:
                raise OtherSamples(id, time)
        if strange and others == REFUSE:
            raise OtherSamples(id, strange[0])
        if strange and others == REMOVE:
            write(Batch({}, strange))
            moved += len(strange)
    if wanted:
        write(Batch(wanted, []))
    return moved + len(wanted)


def _is_same(one: Any, other: Any) -> bool:
    if type(one) is float and type(other) is float:
        return one == other
    return canonical(one) == canonical(other)
