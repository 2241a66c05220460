"""The tags by which the server collects a point's samples from its current values.

Source: Haxall, Point History Collection. ``hisCollectInterval`` logs at aligned times,
``hisCollectCov`` changes of the value; ``hisCollectNA`` logs NA without one.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..folds.buckets import Interval, buckets
from ..folds.units import difference_unit
from ..kinds.datetimes import DateTime
from ..kinds.scalars import MARKER, NA, Number
from ..kinds.series import microseconds_of
from ..kinds.transient import HIS_WRITE_TS
from ..kinds.units import preferred_symbol
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .errors import NotHistorized
from .samples import HisPoint

__all__ = [
    "COV",
    "INTERVAL",
    "Collection",
    "CollectionError",
    "collects",
    "duration",
    "logs",
    "status_of",
]

COV, INTERVAL = "hisCollectCov", "hisCollectInterval"
_RATE_LIMIT, _WITH_NA, _SYNC = "hisCollectCovRateLimit", "hisCollectNA", "hisSync"
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_UNITS = {
    preferred_symbol("ms"): 1_000,
    preferred_symbol("s"): _SECOND,
    preferred_symbol("min"): _MINUTE,
    preferred_symbol("h"): _HOUR,
    preferred_symbol("day"): _DAY,
}
_LATEST = _MINUTE
"""An aligned time that passed longer ago is not made up for."""
_PROBLEM = "hisCollect"
"""With which the texts of ``hisErr`` begin that are set here."""


class CollectionError(ValueError):
    """The tags of a point ask for what cannot be collected."""

    def __init__(self, tag: str, why: str) -> None:
        super().__init__(f"{tag}: {why}")
        self.tag, self.why = tag, why


def collects(tags: Container[str]) -> bool:
    """Whether a record asks for collection."""
    return COV in tags or INTERVAL in tags


@dataclass(frozen=True, slots=True)
class Collection:
    """What a point collects; times are in microseconds.

    ``tolerance`` is 0 for any change, None without collection by change. ``interval``
    is None without collection at aligned times.
    """

    tz: str
    interval: Interval | None
    tolerance: float | None
    rate_limit: int
    logs_na: bool
    is_synced: bool

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Collection | None:
        """None if the record does not ask for it. Raises CollectionError."""
        if not collects(record):
            return None
        try:
            point = HisPoint.of(record)
        except NotHistorized as err:
            asked = INTERVAL if INTERVAL in record else COV
            raise CollectionError(asked, str(err)) from None
        interval = _interval(record.get(INTERVAL))
        is_number = point.kind == "Number"
        usual = min((interval.size if interval else _HOUR) // 10, _MINUTE)
        given = record.get(_RATE_LIMIT)
        limit = _limit(given) if given else usual if is_number else _SECOND
        return cls(
            point.tz,
            interval,
            _tolerance(record.get(COV), point),
            max(limit, point.precision),  # two samples cannot have one time
            _WITH_NA in record,
            _SYNC in record,
        )

    def value(self, record: Mapping[str, Any]) -> Any:
        """What there is to log: the current value, NA, or None for nothing."""
        if self.is_synced:
            return None
        value = record.get("curVal")
        if value is not None and record.get("curStatus", "ok") == "ok":
            return value
        return NA if self.logs_na else None

    def is_change(self, last: Any, value: Any) -> bool:
        """Whether a value differs from the last sample by the tolerance or more."""
        if type(last) is float:
            last = Number(last)
        if not isinstance(last, Number) or not isinstance(value, Number):
            return type(last) is not type(value) or last != value
        step = abs(value.val - last.val)
        if not self.tolerance:
            return value.val != last.val
        return step >= self.tolerance or math.isclose(
            step, self.tolerance, rel_tol=1e-9
        )

    def quiet_until(self, record: Mapping[str, Any]) -> int:
        """Until when others are taken to write the history, as they did just now."""
        written = record.get(HIS_WRITE_TS)
        if not isinstance(written, DateTime):
            return 0
        span = self.interval.size if self.interval else self.rate_limit
        return microseconds_of(written.utc) + span

    def due(self, now: int) -> int | None:
        """The aligned time that is to be logged now, if it has just passed."""
        if self.interval is None:
            return None
        start, _ = next(buckets(self.interval, self.tz, now))
        return start if now - start < _LATEST else None


def logs(record: Record | None) -> bool:
    """Whether a record may log changes of its value, by its text."""
    return record is not None and COV in record.raw


def status_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Transient tags that show whether the tags are valid; None removes one.

    What a connector said about the history stays.
    """
    err = record.get("hisErr")
    is_ours = isinstance(err, str) and err.startswith(_PROBLEM)
    try:
        collection = Collection.of(record)
    except CollectionError as problem:
        return {"hisStatus": "fault", "hisErr": str(problem)}
    if collection is None:
        return dict.fromkeys(("hisStatus", "hisErr")) if is_ours else {}
    if is_ours or "hisStatus" not in record:
        return {"hisStatus": "ok", "hisErr": None}
    return {}


def _interval(value: Any) -> Interval | None:
    if value is None:
        return None
    size = duration(value)
    if size is not None and _divides(size):
        return _aligned(size)
    raise CollectionError(
        INTERVAL,
        "must be seconds that divide a minute, minutes that divide an hour,"
        f" or hours that divide a day, such as 15min, not {display_text(value)}",
    )


@lru_cache(64)
def _aligned(size: int) -> Interval:
    if size == _DAY:
        return Interval.of(Number(1, "day"))
    return Interval.of(Number(size // _SECOND, "sec"))


def _divides(size: int) -> bool:
    for part, whole in ((_SECOND, _MINUTE), (_MINUTE, _HOUR), (_HOUR, _DAY)):
        if size < whole or whole == _DAY:
            return part <= size and not size % part and not whole % size
    return False


def duration(value: Any) -> int | None:
    """The length of a duration, if it is one of whole microseconds."""
    if not isinstance(value, Number) or value.unit not in _UNITS:
        return None
    size = value.val * _UNITS[value.unit]
    return round(size) if math.isfinite(size) else None


def _limit(value: Any) -> int:
    size = duration(value)
    if size is None or not 0 <= size <= _DAY:
        raise CollectionError(
            _RATE_LIMIT,
            "must be a duration of at most a day, such as 10sec,"
            f" not {display_text(value)}",
        )
    return size


def _tolerance(value: Any, point: HisPoint) -> float | None:
    if value is None:
        return None
    if value is MARKER:
        return 0.0
    if not isinstance(value, Number):
        raise CollectionError(
            COV, f"must be a marker or a Number, not {display_text(value)}"
        )
    if point.kind != "Number":
        raise CollectionError(
            COV, f"a tolerance is for points of kind Number, not {point.kind}"
        )
    if not value.val >= 0 or value.unit not in (
        None,
        point.unit,
        difference_unit(point.unit),
    ):
        raise CollectionError(
            COV,
            f"must be 0 or more, in {point.unit or 'no unit'},"
            f" not {display_text(value)}",
        )
    return value.val
