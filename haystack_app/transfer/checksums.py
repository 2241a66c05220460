"""Counts and checksums, to compare the content of two stores.

The same content has the same checksum in every store, regardless of order, chunk sizes
and the number format of a database.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import Any

import orjson

from ..kinds.series import Chunk
from ..wire import hayson_writer

__all__ = ["HistorySum", "Total", "canonical"]

_BITS = 64


def canonical(value: Any) -> bytes:
    """The JSON text of a value or of a record's tags; the same for equal values."""
    return orjson.dumps(hayson_writer.encode(value), option=orjson.OPT_SORT_KEYS)


def _hash() -> Any:
    return hashlib.blake2b(digest_size=_BITS // 8)


@dataclass(slots=True)
class Total:
    """A count of items, and a checksum that does not depend on their order."""

    count: int = 0
    sum: int = 0

    def add(self, text: bytes) -> None:
        digest = hashlib.blake2b(text, digest_size=_BITS // 8).digest()
        self.count += 1
        self.sum = (self.sum + int.from_bytes(digest, "big")) % 2**_BITS

    def __str__(self) -> str:
        return f"{self.count:,} (checksum {self.sum:016x})"


class HistorySum:
    """Number and checksum of one point's samples, chunk by chunk."""

    def __init__(self) -> None:
        self.count = 0
        self._times, self._vals, self._others = _hash(), _hash(), _hash()

    def add(self, chunk: Chunk) -> None:
        vals = [val + 0.0 for val in chunk.vals]  # -0.0 to 0.0: SQLite drops the sign
        for index in sorted(chunk.others):
            vals[index] = 0.0
            self._others.update(b"%d " % (self.count + index))
            self._others.update(canonical(chunk.others[index]))
        self._times.update(array("q", chunk.times).tobytes())
        self._vals.update(array("d", vals).tobytes())
        self.count += len(chunk.times)

    @property
    def checksum(self) -> str:
        combined = _hash()
        for part in (self._times, self._vals, self._others):
            combined.update(part.digest())
        return str(combined.hexdigest())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HistorySum):
            return NotImplemented
        return (self.count, self.checksum) == (other.count, other.checksum)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.count:,} samples (checksum {self.checksum})"
