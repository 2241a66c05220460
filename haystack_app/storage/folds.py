"""Roll-ups and decimation of histories, built on the primitives.

What is here streams samples through the definition, in ``folds``. A store that folds
itself overrides it, with the same answers.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

from ..folds.decimation import decimated
from ..folds.rollup import END, Rollup, Row, Sample, samples_of
from ..kinds.scalars import Number
from ..kinds.series import LARGEST_CHUNK
from .backend import StorageBackend

__all__ = ["FoldStore", "PlacedRow", "streamed_rows"]

_AFTER = 64
"""Samples after a range that are read together; mostly one is needed."""
PlacedRow = tuple[int, int, dict[str, Any]]
"""Start of a bucket, place of a point, and values by fold."""


class FoldStore(StorageBackend):
    def his_fold(
        self, rollups: Sequence[tuple[str, Rollup]], size: int = LARGEST_CHUNK
    ) -> Iterator[PlacedRow]:
        """The rows of points with their roll-ups, in the order of time.

        All roll-ups have the same interval, zone, start and end. Numbers are floats.
        At most ``size`` samples of each point are in memory at a time. All rows are of
        one snapshot.
        """
        with self.snapshot():
            rows = [
                _placed(place, streamed_rows(self, id, rollup, size))
                for place, (id, rollup) in enumerate(rollups)
            ]
            yield from heapq.merge(*rows, key=_time)

    def his_decimated(
        self, id: str, start: int, until: int | None, most: int, end: int
    ) -> Iterator[Sample]:
        """About ``most`` samples with start <= time < until, chosen by ``decimated``.

        ``end`` is the end of the last span. Finite numbers are floats.
        """
        return decimated(samples_of(self.his_chunks(id, start, until)), most, end)

    def fold_dirty(self, limit: int = 1_000) -> int:
        """Fold samples that were written since to stored parts, for faster roll-ups.

        Returns the number of buckets that were folded, about ``limit`` at most, by one
        short transaction; 0 if nothing is left to do. Any number of processes may call
        it, beside writers. Answers do not depend on it.
        """
        return 0


def streamed_rows(
    store: StorageBackend, id: str, rollup: Rollup, size: int
) -> Iterator[Row]:
    """The rows of one point, by the definition."""
    end = None if rollup.end >= END else rollup.end + 1

    def after() -> Iterator[Sample]:
        if end is None:
            return iter(())
        return samples_of(store.his_chunks(id, end, None, _AFTER))

    return rollup.rows(
        samples_of(store.his_chunks(id, rollup.start, end, size)),
        _numbered(store.his_backwards(id, rollup.start)),
        after,
    )


def _numbered(samples: Iterator[Sample]) -> Iterator[Sample]:
    """Samples with NaN and infinite numbers as floats, too."""
    for time, value in samples:
        yield time, value.val if type(value) is Number else value


def _placed(place: int, rows: Iterator[Row]) -> Iterator[PlacedRow]:
    return ((time, place, values) for time, values in rows)


def _time(row: PlacedRow) -> int:
    return row[0]
