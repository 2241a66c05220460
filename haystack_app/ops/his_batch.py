"""What is read of the histories of several points together, in one grid or frame."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..folds.rollup import END
from ..kinds.datetimes import DateTime
from ..kinds.grid import Grid
from ..kinds.series import LARGEST_CHUNK, Chunk, Series, instant_of, microseconds_of
from ..storage.samples import HisPoint
from ..wire.record import Record
from .his_folds import FoldArguments, Window, decimated_series, rolled_up
from .his_points import historized, records_matching, records_of, zone_for
from .his_range import LAST, HisRange, parse_range, shown
from .registry import Context, OpError

__all__ = ["HisBatch", "bounds_of", "dropped_meta", "window_of"]

_BATCH_SAMPLES = 16 * LARGEST_CHUNK
"""Samples that a batch holds in memory, unless the smallest chunks exceed it."""
_SMALLEST_CHUNK = 64
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class HisBatch:
    """Points, with a range that is the same for all, and how they are folded.

    ``records`` are those of the points, ``ids`` as they were asked for; ``bounds`` has
    ``hisStart`` and ``hisEnd``.
    """

    context: Context
    points: Sequence[HisPoint]
    records: Sequence[Record]
    span: HisRange
    bounds: Mapping[str, DateTime]
    folding: FoldArguments | None

    @classmethod
    def of(
        cls,
        context: Context,
        arguments: Mapping[str, Any],
        ids: Sequence[str] | None,
        zone_argument: str = "meta tz",
    ) -> HisBatch:
        """The batch of ids, or of ``filter`` if they are None.

        Other arguments are ``range``, ``tz``, ``rollup``, ``interval`` and
        ``maxPoints``. Raises OpError, StorageError, ParseError and FoldError.
        """
        if ids is None:
            records = records_matching(context, arguments.get("filter"))
        else:
            records = records_of(context, ids)
        points = historized(records, by_filter=ids is None)
        tz = zone_for(arguments.get("tz"), points, zone_argument)
        if arguments.get("range") is None:
            raise OpError("missing range")
        span = parse_range(arguments["range"], tz, context.now)
        folding = FoldArguments.of(arguments)
        if folding is not None:
            folding.check_batch(len(points))
        bounds = bounds_of(context, span, records)
        return cls(context, points, records, span, bounds, folding)

    @property
    def size(self) -> int:
        """Samples of a point in memory: they are read side by side."""
        return max(
            _SMALLEST_CHUNK, min(LARGEST_CHUNK, _BATCH_SAMPLES // len(self.points))
        )

    @property
    def is_rolled_up(self) -> bool:
        return self.folding is not None and not self.folding.decimates

    def series(self, size: int | None = None) -> list[Series]:
        """The samples of each point, in the range; chosen ones with ``maxPoints``.

        They must be read inside a snapshot of the store. A point that is there twice
        has the same object.
        """
        held: dict[str, Series] = {}
        for point, record in zip(self.points, self.records, strict=True):
            if point.id not in held:
                held[point.id] = self._series(point, record, size or self.size)
        return [held[point.id] for point in self.points]

    def _series(self, point: HisPoint, record: Record, size: int) -> Series:
        store, span = self.context.storage, self.span
        if self.folding is not None:
            window = window_of(self.context, span, self.bounds)
            return decimated_series(store, point, self.folding, window, record)
        start = microseconds_of(span.start.utc)
        end = None if span.until is None else microseconds_of(span.until)

        def read() -> Iterable[Chunk]:
            return store.his_chunks(point.id, start, end, size)

        return Series(point.tz, point.unit, read)

    def rolled_up(self) -> Grid:
        """The grid of roll-ups, with columns ``v0``, ``v1`` ... Raises FoldError."""
        assert self.folding is not None
        window = window_of(self.context, self.span, self.bounds)
        return rolled_up(
            *(self.context.storage, self.points, self.records, self.folding, window),
            alone=False,
            size=self.size,
        )


def window_of(
    context: Context, span: HisRange, bounds: Mapping[str, DateTime]
) -> Window:
    return Window(
        span.start.tz,
        microseconds_of(span.start.utc),
        END if span.until is None else microseconds_of(span.until),
        microseconds_of(bounds["hisEnd"].utc),
        microseconds_of(context.now),
    )


def dropped_meta(point: HisPoint, span: HisRange) -> dict[str, DateTime]:
    """Meta ``dropped``, if samples of the range may have been dropped before it."""
    if point.dropped is None or microseconds_of(span.start.utc) >= point.dropped:
        return {}
    return {"dropped": DateTime(instant_of(point.dropped), point.tz)}


def bounds_of(
    context: Context, span: HisRange, records: Sequence[Record]
) -> dict[str, DateTime]:
    """Meta ``hisStart`` and ``hisEnd``.

    An open range ends at the current time, or after the newest sample if that is
    later, such as one of a forecast.
    """
    end = span.end
    if end is None:
        newest = (record["hisEnd"].utc for record in records if "hisEnd" in record)
        now = context.now.replace(microsecond=0)
        after = (min(at, LAST - _MILLISECOND) + _MILLISECOND for at in newest)
        end = shown(max(now, span.start.utc, *after), span.start.tz)
    return {"hisStart": span.start, "hisEnd": end}
