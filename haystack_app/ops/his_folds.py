"""Roll-ups and decimation in hisRead: its arguments, and the columns of the answer.

What folds mean is in ``folds``; this module reads samples for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..folds.buckets import DAY, MOST_BUCKETS, Interval, buckets, shortest_fitting
from ..folds.decimation import FEWEST_POINTS
from ..folds.errors import FoldError
from ..folds.meaning import Meaning, fold_names
from ..folds.rollup import END, Rollup, Row, Sample
from ..kinds.datetimes import DateTime
from ..kinds.grid import Col, Grid
from ..kinds.scalars import MARKER, Number
from ..kinds.series import (
    LARGEST_CHUNK,
    Chunk,
    JoinedRows,
    Series,
    instant_of,
    microseconds_of,
)
from ..kinds.timezones import same_zone
from ..storage.base import StorageAdapter
from ..storage.names import ref_of
from ..storage.samples import FIRST_TIME, HisPoint
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .registry import OpError

__all__ = ["FoldArguments", "Window", "decimated_series", "rolled_up"]

_MOST_ASKED = 5 * MOST_BUCKETS
"""Buckets of a range, most of which are before or after the samples."""
_Cells = Mapping[str, tuple[str, str | None]]
"""Names of columns and units, by fold."""
_COUNTER_NOTE = "readings of a counter (hisTotalized): its consumption is delta"


@dataclass(frozen=True, slots=True)
class FoldArguments:
    """The arguments ``rollup``, ``interval`` and ``maxPoints`` of a request."""

    folds: tuple[str, ...] = ()
    interval: Interval | None = None
    max_points: int | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> FoldArguments | None:
        """None if the request has none of them. Raises OpError or FoldError."""
        rollup, interval, points = (
            arguments.get(name) for name in ("rollup", "interval", "maxPoints")
        )
        if rollup is None and interval is None and points is None:
            return None
        if rollup is not None and not isinstance(rollup, str):
            raise OpError(f"rollup must be a Str, not {display_text(rollup)}")
        if interval is not None and points is not None:
            raise OpError("give interval or maxPoints, not both of them")
        if rollup is not None and interval is None and points is None:
            raise OpError("rollup needs interval, such as 1hr, or maxPoints")
        return cls(
            () if rollup is None else tuple(fold_names(rollup)),
            None if interval is None else Interval.of(interval),
            None if points is None else _points(points, least=1 if rollup else 4),
        )

    @property
    def decimates(self) -> bool:
        return self.interval is None and not self.folds

    def check_batch(self, count: int) -> None:
        """Raises OpError if the chosen samples of so many points are too many.

        They are in memory together.
        """
        if self.decimates and (self.max_points or 0) * count > MOST_BUCKETS:
            raise OpError(
                f"maxPoints {self.max_points} of {count} points are more than"
                f" {MOST_BUCKETS} samples: ask for fewer of either"
            )


def _points(value: Any, least: int) -> int:
    if (
        isinstance(value, Number)
        and value.unit is None
        and least <= value.val <= MOST_BUCKETS
        and value.val.is_integer()
    ):
        return int(value.val)
    raise OpError(
        f"maxPoints must be a whole Number from {least} to {MOST_BUCKETS}, without a"
        f" unit, not {display_text(value)}"
    )


@dataclass(frozen=True, slots=True)
class Window:
    """The range of a request, in microseconds since 1970 UTC.

    ``end`` is ``END`` for a range without one; ``shown`` is the end that the answer
    names, ``now`` the current time.
    """

    tz: str
    start: int
    end: int
    shown: int
    now: int

    def extent(self, records: Sequence[Record]) -> tuple[int, int]:
        """The part of it in which the points have samples or hold their values."""
        starts = [_time(record, "hisStart", self.now) for record in records]
        ends = [_time(record, "hisEnd", self.now) for record in records]
        start = max(self.start, min(starts))
        return start, max(start, min(self.end, max(self.now, *ends)))


def _time(record: Record, tag: str, default: int) -> int:
    time = record.get(tag)
    return default if time is None else microseconds_of(time.utc)


# -- decimation -----------------------------------------------------------------


def decimated_series(
    store: StorageAdapter,
    point: HisPoint,
    arguments: FoldArguments,
    window: Window,
    record: Record,
) -> Series:
    """The samples of a point that keep its look, with the times that they have."""
    most = arguments.max_points or FEWEST_POINTS
    end = min(window.shown, _time(record, "hisEnd", window.shown) + 1)
    until = None if window.end >= END else window.end

    def read() -> Iterator[Chunk]:
        with store.snapshot():
            found = store.his_decimated(point.id, window.start, until, most, end)
            chosen = list(found)
        if chosen:
            yield _chunk(chosen)

    return Series(point.tz, point.unit, read)


def _chunk(samples: Sequence[Sample]) -> Chunk:
    vals, others = [0.0] * len(samples), {}
    for place, (_, value) in enumerate(samples):
        if type(value) is float and math.isfinite(value):
            vals[place] = value
        else:
            others[place] = Number(value) if type(value) is float else value
    return Chunk([time for time, _ in samples], vals, others)


# -- roll-ups -------------------------------------------------------------------


def rolled_up(
    store: StorageAdapter,
    points: Sequence[HisPoint],
    records: Sequence[Record],
    arguments: FoldArguments,
    window: Window,
    *,
    alone: bool,
    size: int = LARGEST_CHUNK,
) -> Grid:
    """The grid of a roll-up without ``hisStart`` and ``hisEnd``.

    At most ``size`` samples of each point are in memory at a time.

    Columns are named by fold if there is one point, ``alone``, with several folds;
    ``val`` for one fold; ``v0``, ``v1``, .. in a batch. Raises FoldError.
    """
    try:
        interval = arguments.interval or _automatic(arguments, window, points, records)
        _check_count(interval, window, records)
    except FoldError as err:
        raise FoldError(f"@{points[0].id}: {err}" if alone else str(err)) from None
    for point in points:
        _check_dropped(point, interval, window)
    cols: list[Col] = []
    rollups: list[tuple[str, Rollup]] = []
    cells: list[_Cells] = []
    used: list[str] = []
    for point, record in zip(points, records, strict=True):
        meaning = Meaning.of(record, point.unit, window.now)
        try:
            folds = arguments.folds or (meaning.default,)
            meaning.check(folds)
        except FoldError as err:
            raise FoldError(f"@{point.id}: {err}") from None
        rollup = Rollup(folds, interval, window.tz, window.start, window.end, meaning)
        names = _names(folds, len(cols), alone=alone)
        cols += (
            Col(name, _column_meta(record, point.tz, fold, meaning, alone=alone))
            for name, fold in zip(names, folds, strict=True)
        )
        rollups.append((point.id, rollup))
        cells.append(
            {
                fold: (name, meaning.unit_of(fold))
                for fold, name in zip(folds, names, strict=True)
            }
        )
        used += (fold for fold in folds if fold not in used)
    meta: dict[str, Any] = {"rollup": ",".join(used), "interval": interval.number}
    if rollups[0][1].is_cut:
        meta["partial"] = MARKER
    source = partial(_rows, store, rollups, cells, size)
    rows = JoinedRows(window.tz, [source])
    return Grid([Col("ts"), *cols], rows, meta)


def _automatic(
    arguments: FoldArguments,
    window: Window,
    points: Sequence[HisPoint],
    records: Sequence[Record],
) -> Interval:
    start, end = window.extent(records)
    if not any(_is_dropped(point, window) for point in points):
        return shortest_fitting(arguments.max_points or 1, start, end, window.tz)
    start = max(window.start, FIRST_TIME)
    found = shortest_fitting(arguments.max_points or 1, start, end, window.tz)
    return DAY if found.is_part_of_day else found


def _is_dropped(point: HisPoint, window: Window) -> bool:
    return point.dropped is not None and window.start < point.dropped


def _check_dropped(point: HisPoint, interval: Interval, window: Window) -> None:
    """Of dropped samples only days of the point's zone are known."""
    if point.dropped is None or not _is_dropped(point, window):
        return
    end = DateTime(instant_of(point.dropped), point.tz).iso
    gone = f"@{point.id}: samples before {end} were dropped, and days of them are kept"
    if interval.is_part_of_day:
        shown = display_text(interval.number)
        raise FoldError(f"{gone}: interval must be 1day or longer, not {shown}")
    if not same_zone(window.tz, point.tz):
        raise FoldError(f"{gone}: tz must be {point.tz}, not {window.tz}")
    for name, time in (("begin", window.start), ("end", window.end)):
        if FIRST_TIME < time < point.dropped and not _begins_day(time, point.tz):
            shown = DateTime(instant_of(time), point.tz).iso
            raise FoldError(f"{gone}: the range must {name} with a day, not {shown}")


def _begins_day(time: int, tz: str) -> bool:
    return next(buckets(DAY, tz, time))[0] == time


def _check_count(interval: Interval, window: Window, records: Sequence[Record]) -> None:
    """Buckets before the first sample cost little, but no answer needs millions."""
    start, end = window.extent(records)
    asked = (window.end - window.start) // interval.size
    for count, most in (
        ((end - start) // interval.size, MOST_BUCKETS),
        (0 if window.end >= END else asked, _MOST_ASKED),
    ):
        if count > most:
            shown = display_text(interval.number)
            raise FoldError(
                f"interval {shown} divides the range into {count} buckets, at most"
                f" {most} are allowed: use a longer interval or a shorter range"
            )


def _names(folds: Sequence[str], before: int, *, alone: bool) -> list[str]:
    if not alone:
        return [f"v{before + place}" for place in range(len(folds))]
    return list(folds) if len(folds) > 1 else ["val"]


def _column_meta(
    record: Record, tz: str, fold: str, meaning: Meaning, *, alone: bool
) -> dict[str, Any]:
    meta: dict[str, Any] = {} if alone else {"id": ref_of(record), "tz": tz}
    meta["rollup"] = fold
    if (unit := meaning.unit_of(fold)) is not None:
        meta["unit"] = unit
    if meaning.is_totalized and fold in ("sum", "spread"):
        meta["note"] = _COUNTER_NOTE
    return meta


def _rows(
    store: StorageAdapter,
    rollups: Sequence[tuple[str, Rollup]],
    cells: Sequence[_Cells],
    size: int,
) -> Iterator[Row]:
    """Times and cells by column, of all points in the order of time."""
    for time, place, values in store.his_fold(rollups, size):
        named = cells[place]
        row = {}
        for fold, value in values.items():
            name, unit = named[fold]
            row[name] = Number(value, unit) if type(value) is float else value
        yield time, row
