"""Roll-ups whose samples are folded by the database.

Page by page of buckets, statements return parts of the samples of each bucket, which
``folds.composition`` composes to the rows of each point. Where valid parts are stored,
they are read instead. No sample is read, except beside a range, and those of a counter
with infinite readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.rollup import Rollup
from ..backend import StorageBackend
from ..folds import PlacedRow
from .dropped_samples import DroppedSamples
from .fold_pages import Page
from .fold_points import FoldedPoint, begin, followers, limits
from .fold_spans import pages_of
from .stored_parts import StoredParts
from .unchanged_parts import unchanged_rows

__all__ = ["fold"]

_CELLS = 40_000
"""Buckets times points of a page."""
_MOST_BUCKETS = 4_096


def fold(
    store: StorageBackend,
    connection: BaseDatabaseWrapper,
    rollups: Sequence[tuple[str, Rollup]],
) -> Iterator[PlacedRow]:
    """The rows of points, in the order of time, from one snapshot."""
    if len(rollups) == 1 and connection.vendor == "postgresql":
        rows = unchanged_rows(connection, *rollups[0])
        if rows is not None:
            yield from rows
            return
    with store.snapshot():
        yield from _folded(store, connection, rollups)


def _folded(
    store: StorageBackend,
    connection: BaseDatabaseWrapper,
    rollups: Sequence[tuple[str, Rollup]],
) -> Iterator[PlacedRow]:
    points = [FoldedPoint(id, rollup) for id, rollup in rollups]
    size = max(1, min(_MOST_BUCKETS, _CELLS // len(points)))
    ids = [point.id for point in points]
    stored = StoredParts.of(connection, ids, points[0].rollup)
    for place, end in stored.dropped.items():
        points[place].dropped = DroppedSamples(connection, points[place].id, end)
    first, stop = limits(connection, points, size)
    begin(connection, points)
    if any(point.composition.past is not None for point in points):
        first = points[0].rollup.start
    if first >= stop:
        return
    for some in pages_of(points[0].rollup, first, stop, stored, size):
        page = Page(store, connection, some, stored)
        page.read(points)
        yield from page.rows(points, followers(connection, points, some[-1].high))
