"""Samples of haystack-py as those of a point: all are numbers in its tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from ...kinds.scalars import Number
from ...kinds.series import LARGEST_CHUNK, Chunk
from ...kinds.units import UnknownUnit
from ...storage.errors import StorageError
from ...storage.samples import HisPoint
from ..history_sync import chunk_of
from .tables import Survey

__all__ = ["Counted", "check_samples", "chunks_of"]


class Counted:
    """Rows that were read, and samples that became of them."""

    def __init__(self) -> None:
        self.rows = self.samples = 0

    def __call__(
        self, rows: Iterable[tuple[int, float]]
    ) -> Iterator[tuple[int, float]]:
        for row in rows:
            self.rows += 1
            yield row

    def chunks(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.samples += len(chunk.times)
            yield chunk


def chunks_of(point: HisPoint, rows: Iterable[tuple[int, float]]) -> Iterator[Chunk]:
    """The rows as this point's values, one for each time of its grain."""
    read = _bool if point.kind == "Bool" else _number
    found: dict[int, Any] = {}
    for ts, val in rows:
        time = ts - ts % point.precision
        if len(found) >= LARGEST_CHUNK and time not in found:
            yield chunk_of(found)
            found = {}
        found[time] = read(val)
    if found:
        yield chunk_of(found)


def _number(val: float) -> Any:
    return val if math.isfinite(val) else Number(val)


def _bool(val: float) -> bool:
    return val == 1


def check_samples(point: HisPoint, found: Survey) -> None:
    """Whether all samples fit the point. Raises StorageError."""
    if point.kind not in ("Number", "Bool"):
        raise StorageError(f"the samples are numbers, its kind is {point.kind}")
    if point.kind == "Bool" and found.unlike_bool:
        raise StorageError(f"{found.unlike_bool:,} samples of a Bool are not 0 or 1")
    for unit in sorted(found.units):
        if _symbol(unit) != point.unit:
            raise StorageError(
                f"samples are in {unit}, its unit is {point.unit or 'none'}"
            )
    if found.strange:
        raise StorageError(f"{found.strange:,} samples are before 1950 or after 9998")


def _symbol(unit: str) -> str:
    try:
        return Number(0, unit).unit or ""
    except UnknownUnit as err:
        raise StorageError(f"unit of samples: {err}") from None
