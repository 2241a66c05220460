"""Converts samples of haystack-py, which are all numbers, to values of a point."""

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

__all__ = ["SampleCounter", "check_samples", "chunks_of"]


class SampleCounter:
    """Counts rows of haystack-py, and the samples that result from them."""

    def __init__(self) -> None:
        self.rows = self.samples = 0

    def count_rows(
        self, rows: Iterable[tuple[int, float]]
    ) -> Iterator[tuple[int, float]]:
        for row in rows:
            self.rows += 1
            yield row

    def count_samples(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self.samples += len(chunk.times)
            yield chunk


def chunks_of(point: HisPoint, rows: Iterable[tuple[int, float]]) -> Iterator[Chunk]:
    """The rows as values of the point, one for each time in its precision."""
    read = _bool if point.kind == "Bool" else _number
    samples: dict[int, Any] = {}
    for ts, val in rows:
        time = ts - ts % point.precision
        if len(samples) >= LARGEST_CHUNK and time not in samples:
            yield chunk_of(samples)
            samples = {}
        samples[time] = read(val)
    if samples:
        yield chunk_of(samples)


def _number(val: float) -> Any:
    return val if math.isfinite(val) else Number(val)


def _bool(val: float) -> bool:
    return val == 1


def check_samples(point: HisPoint, found: Survey) -> None:
    """Raises StorageError if not all samples are valid for the point."""
    if point.kind not in ("Number", "Bool"):
        raise StorageError(
            f"kind must be Number or Bool for numeric samples, not {point.kind}"
        )
    if point.kind == "Bool" and found.not_bool:
        raise StorageError(f"{found.not_bool:,} samples of a Bool are not 0 or 1")
    for unit in sorted(found.units):
        if _symbol(unit) != point.unit:
            raise StorageError(
                f"unit must be {unit}, like that of the samples, not"
                f" {point.unit or 'none'}"
            )
    if found.out_of_range:
        raise StorageError(
            f"{found.out_of_range:,} samples are before 1950 or after 9998"
        )


def _symbol(unit: str) -> str:
    try:
        return Number(0, unit).unit or ""
    except UnknownUnit as err:
        raise StorageError(f"samples have an {err}") from None
