"""Blocks of samples: how a history is divided and packed.

A block is two strings. The one of numbers has 16 bytes per sample, its time in
microseconds (int64) and its value (float64), little-endian. The other one has the
values that are not finite numbers: index in the block and length (uint32 each), then
the Hayson. Both are only appended to; any other change creates a new block, so that
readers of the old one are not disturbed. Members of ``directory`` are the block's first
time as 16 hex digits, so that they sort, and its name.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....kinds.series import Chunk
from ....wire import hayson_reader, hayson_writer
from ...samples import Batch

__all__ = ["LARGEST", "SAMPLE", "Samples", "hex_time", "same", "time_of"]

LARGEST = 1_024
"""Samples of a block."""
SAMPLE = 16
"""Bytes of a sample."""
_OFFSET = 1 << 63
_HEX = 16
_HEADER = struct.Struct("<II")


def hex_time(time: int) -> str:
    """Added to times, so that their hex texts sort, also before 1970."""
    return f"{time + _OFFSET:016x}"


def time_of(member: str) -> int:
    """The first time of the block that a directory's member names."""
    return int(member[:_HEX], 16) - _OFFSET


@dataclass(slots=True)
class Samples:
    """Times in ascending order, and the value at each; numbers are floats."""

    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def unpacked(cls, numbers: bytes, others: bytes | None) -> Samples:
        times, values = _columns(numbers)
        found = cls(times, values)
        for place, value in _others(others or b"", len(times)):
            found.values[place] = value
        return found

    def packed(self, first: int = 0) -> tuple[bytes, bytes]:
        """Both strings; ``first`` is the index of the first sample in its block."""
        vals = [value if type(value) is float else 0.0 for value in self.values]
        words = array("q", bytes(SAMPLE * len(self)))
        words[::2] = array("q", self.times)
        bits = array("q")
        bits.frombytes(array("d", vals).tobytes())
        words[1::2] = bits
        if sys.byteorder == "big":
            words.byteswap()
        others = b"".join(
            _packed_value(first + place, value)
            for place, value in enumerate(self.values)
            if type(value) is not float
        )
        return words.tobytes(), others

    def merged(self, batch: Batch) -> Samples:
        """The samples after a batch."""
        written = batch.written
        if not batch.removed and next(iter(written)) > self.times[-1]:
            return Samples([*self.times, *written], [*self.values, *written.values()])
        found = dict(zip(self.times, self.values, strict=True)) | written
        for time in batch.removed:
            found.pop(time, None)
        times = sorted(found)
        return Samples(times, [found[time] for time in times])

    def parts(self, *, even: bool) -> Iterator[Samples]:
        """Divided into blocks: full ones, or equal ones with room for more."""
        size = LARGEST
        if even and len(self) > LARGEST:
            size = -(-len(self) // -(-len(self) // LARGEST))
        for at in range(0, len(self), size):
            yield Samples(self.times[at : at + size], self.values[at : at + size])

    def between(self, start: int | None, end: int | None) -> Samples:
        """Those with start <= time < end."""
        first = 0 if start is None else bisect_left(self.times, start)
        last = len(self) if end is None else bisect_left(self.times, end)
        if first == 0 and last == len(self):
            return self
        return Samples(self.times[first:last], self.values[first:last])

    def first(self, count: int) -> Samples:
        if count >= len(self):
            return self
        return Samples(self.times[:count], self.values[:count])

    def extend(self, more: Samples) -> None:
        self.times += more.times
        self.values += more.values

    def chunk(self) -> Chunk:
        others = {
            place: value
            for place, value in enumerate(self.values)
            if type(value) is not float
        }
        vals = self.values
        if others:
            vals = list(vals)
            for place in others:
                vals[place] = 0.0
        return Chunk(self.times, vals, others)


def _columns(numbers: bytes) -> tuple[list[int], list[Any]]:
    words = array("q")
    words.frombytes(numbers)
    if sys.byteorder == "big":
        words.byteswap()
    vals = array("d")
    vals.frombytes(words[1::2].tobytes())
    return words[::2].tolist(), vals.tolist()


def _packed_value(place: int, value: Any) -> bytes:
    text = hayson_writer.dump(value).encode()
    return _HEADER.pack(place, len(text)) + text


def _others(data: bytes, count: int) -> Iterator[tuple[int, Any]]:
    """Indexes and values before the index ``count``."""
    at = 0
    known: dict[bytes, Any] = {}
    while at < len(data):
        place, size = _HEADER.unpack_from(data, at)
        if place >= count:
            return
        at += _HEADER.size + size
        text = data[at - size : at]
        if text not in known:
            known[text] = hayson_reader.read_value(text)
        yield place, known[text]


def same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether values are the same; in Python 1.0 and true are equal."""
    return one == other and all(
        type(a) is type(b) for a, b in zip(one, other, strict=True)
    )
