"""The roll-up of one point whose samples did not change since their parts were stored.

One statement says whether that is so, and has the parts, with those beside the range
that are looked up. So it needs no snapshot, whose transaction takes two more round
trips, and does not read the table of samples, which is planned for all of its chunks.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from ...folds.buckets import LATEST
from ...folds.composition import Composition
from ...folds.parts import Sample
from ...folds.rollup import END, Rollup
from ...folds.usual import Weights
from ...sql.unchanged_parts import POSTGRES
from ..folds import PlacedRow
from .fold_points import FoldedPoint
from .fold_spans import Spans, pages_of
from .fold_statements import Key, time_text
from .stored_parts import INTERVALS, StoredParts, zone_key
from .usual_rows import UsualRows, usual_keys

__all__ = ["unchanged_rows"]

_MOST_BUCKETS = 512
_Parts = list[tuple[Any, ...]]


def unchanged_rows(
    connection: BaseDatabaseWrapper, id: str, rollup: Rollup
) -> list[PlacedRow] | None:
    """The rows in the order of time; None if they must be made otherwise."""
    stored, point = StoredParts.unchanged(connection, rollup), FoldedPoint(id, rollup)
    if stored is None or not _is_short(rollup):
        return None
    is_single = rollup.interval.size == INTERVALS[stored.hours].size
    [key, *others] = usual_keys(point)
    if others or (key.statement == "numbers" and (key.side or not is_single)):
        return None  # a part, and the sample at its start, may be of two buckets
    if not _spans(stored, rollup, rollup.end).are_whole:
        return None
    parts = _read(connection, id, key, rollup, stored.hours)
    if parts is None or any(part[-1] for part in parts):
        return None
    beside = _beside(key, parts, rollup)
    if beside is None:
        return None
    if (stop := beside.stop(rollup)) <= rollup.start:
        return []
    point.composition = beside.composition(rollup)
    spans = _spans(stored, rollup, stop)
    usual = UsualRows(stored, spans.bounds, is_single=is_single)
    usual.add(key, 0, [part for part in parts if part[1] >= rollup.start])
    rows = usual.of(point, 0, beside.following)
    return [(at, 0, row) for at, row in zip(spans.starts, rows, strict=True) if row]


def _is_short(rollup: Rollup) -> bool:
    """Whether the range has a few buckets, which are one page."""
    length = rollup.end - rollup.start
    return rollup.end < LATEST and 0 < length <= _MOST_BUCKETS * rollup.interval.size


def _spans(stored: StoredParts, rollup: Rollup, stop: int) -> Spans:
    [spans] = pages_of(rollup, rollup.start, stop, stored, 2 * _MOST_BUCKETS)
    return spans


def _read(
    connection: BaseDatabaseWrapper, id: str, key: Key, rollup: Rollup, hours: int
) -> _Parts | None:
    high = rollup.end
    if key.statement in ("numbers", "ends"):
        high += key.side - 1  # a part at the end has only its head in the range
    params: dict[str, str | int] = {
        "id": id,
        "zone": zone_key(rollup.tz),
        "hours": hours,
        "low": time_text(rollup.start),
        "high": time_text(high),
    }
    with connection.cursor() as cursor:
        cursor.execute(POSTGRES[key.statement], params)
        rows: _Parts = cursor.fetchall()
    if not rows:
        return None
    return [] if rows[0][1] is None else rows


class _Beside(NamedTuple):
    """What is known of the samples beside a range; see ``Composition``."""

    past: Sample | None = None
    before: float | None = None
    following: Sample | None = None
    newest: int = -END

    def stop(self, rollup: Rollup) -> int:
        """Until when rows are possible."""
        if not rollup.weighs_time:
            return rollup.end
        horizon = rollup.meaning.horizon
        known = -END if horizon is None else horizon
        return min(rollup.end, max(self.newest + 1, known))

    def composition(self, rollup: Rollup) -> Composition:
        return Composition(rollup, self.past, self.before, self.newest)


def _beside(key: Key, parts: _Parts, rollup: Rollup) -> _Beside | None:
    """None if the time of the newest sample is not known."""
    if key.statement == "counter":
        return _Beside(before=_reading(parts, rollup.start))
    if not rollup.weighs_time or not parts:
        return _Beside()
    low, high = (
        bisect_left(parts, time, key=itemgetter(1))
        for time in (rollup.start, rollup.end)
    )
    lasts = ((part[7], part[8]) for part in reversed(parts[:low]))
    firsts = ((part[5], part[6]) for part in parts[high:])
    newest = Weights(*parts[-1])
    if newest.start < rollup.end and newest.nan:
        return None
    return _Beside(
        past=next((sample for sample in lasts if sample[0] is not None), None),
        following=next((sample for sample in firsts if sample[0] is not None), None),
        newest=newest.start if newest.last is None else newest.last,
    )


def _reading(parts: _Parts, start: int) -> float | None:
    """The newest number at the start of a range, or before it."""
    found = None
    for part in parts:
        _, at, head, _, _, _, _, end, _, _ = part
        if at > start:
            break
        found = found if head is None else head
        if at < start and end is not None:
            found = end
    return found
