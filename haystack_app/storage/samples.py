"""Validation of samples against their point.

Source: docHaystack Ops (hisWrite), and the reference implementation's checks of zone,
kind, unit and year.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds.columns import SampleColumn
from ..kinds.datetimes import DateTime
from ..kinds.scalars import NA, REMOVE, Coord, Number, Ref
from ..kinds.series import microseconds_of
from ..kinds.timezones import UnknownTimeZone, city_name, same_zone, zone_of
from ..kinds.transient import DROPPED
from ..kinds.units import preferred_symbol
from ..wire import hayson_reader
from ..wire.zinc_writer import described, display_text
from .errors import InvalidSample, NotHistorized

__all__ = [
    "FIRST_TIME",
    "PRECISION",
    "Batch",
    "Extent",
    "HisPoint",
    "Sample",
    "checked",
    "coarsened",
    "is_valid",
    "precision_of",
    "reinterpreted",
]

Sample = tuple[Any, Any]
"""A DateTime and a value, not validated."""
_FIRST_YEAR = 1950
FIRST_TIME = microseconds_of(dt.datetime(_FIRST_YEAR - 1, 12, 31, tzinfo=dt.UTC))
"""In microseconds since 1970; no sample is earlier, in any zone."""
_FIRST_YEAR_EVERYWHERE = microseconds_of(dt.datetime(_FIRST_YEAR, 1, 2, tzinfo=dt.UTC))
_KINDS: dict[str, Any] = {"Number": Number, "Bool": bool, "Str": str, "Coord": Coord}
PRECISION = "hisTsPrecision"
_MILLISECOND = 1_000
_DAY = 86_400_000_000
_UNITS = {"ms": _MILLISECOND, "sec": 1_000_000, "min": 60_000_000, "hr": 3_600_000_000}
"""Microseconds of the units of ``hisTsPrecision``."""


@dataclass(frozen=True, slots=True)
class HisPoint:
    """The tags of a point that its history depends on.

    ``precision`` is that of its timestamps in microseconds. Samples before ``dropped``,
    in microseconds since 1970, were dropped by a policy.
    """

    id: str
    tz: str
    kind: str | None
    unit: str | None
    precision: int
    dropped: int | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> HisPoint:
        """Raises NotHistorized if the record is not a point with history and zone."""
        ref = record.get("id")
        id = ref.id if isinstance(ref, Ref) else "?"
        for tag in ("point", "his"):
            if tag not in record:
                raise NotHistorized(f"@{id} has no history: no tag {tag!r}")
        tz = record.get("tz")
        if tz is None:
            raise NotHistorized(f"@{id} has no history: no tag 'tz'")
        try:
            city = city_name(tz) if isinstance(tz, str) else ""
            zone_of(city)
        except UnknownTimeZone:
            raise NotHistorized(
                f"@{id}: tag tz is not a time zone: {display_text(tz)}"
            ) from None
        kind, unit = record.get("kind"), record.get("unit")
        try:
            precision = precision_of(record.get(PRECISION))
        except ValueError as err:
            raise NotHistorized(f"@{id}: {err}") from None
        dropped = record.get(DROPPED)
        return cls(
            id,
            city,
            kind if isinstance(kind, str) else None,
            _symbol(id, unit),
            precision,
            microseconds_of(dropped.utc) if isinstance(dropped, DateTime) else None,
        )


def _symbol(id: str, unit: Any) -> str | None:
    if unit is None:
        return None
    try:
        return Number(0, unit if isinstance(unit, str) else "").unit
    except ValueError as err:
        raise NotHistorized(f"@{id}: tag unit: {err}") from None


def precision_of(value: Any) -> int:
    """The microseconds of a tag ``hisTsPrecision``; a millisecond without it.

    Source: the reference implementation, which has 1ms and 1sec; here every part of a
    day in whole milliseconds. Raises ValueError.
    """
    if value is None:
        return _MILLISECOND
    if isinstance(value, Number) and value.unit in _UNITS and math.isfinite(value.val):
        grain = value.val * _UNITS[value.unit]
        if grain >= _MILLISECOND and not grain % _MILLISECOND and not _DAY % grain:
            return int(grain)
    raise ValueError(
        f"tag {PRECISION} must be a part of a day in ms, sec, min or hr,"
        f" such as 1sec, not {display_text(value)}"
    )


def coarsened(record: Mapping[str, Any]) -> int | None:
    """The microseconds that all samples' times must be multiples of, if valid."""
    try:
        return precision_of(record.get(PRECISION))
    except ValueError:
        return None


def reinterpreted(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """A changed tag that would give stored samples another meaning, if any.

    Other names of the same unit or zone change nothing, and neither do finer
    timestamps. Both are records' persistent tags, as JSON or decoded.
    """
    for tag, same in _MEANING.items():
        if before.get(tag) != after.get(tag) and not same(
            before.get(tag), after.get(tag)
        ):
            return tag
    return None


def _same_kind(before: Any, after: Any) -> bool:
    return False


def _same_unit(before: Any, after: Any) -> bool:
    try:
        return preferred_symbol(before) == preferred_symbol(after)
    except (TypeError, ValueError):
        return False


def _same_tz(before: Any, after: Any) -> bool:
    try:
        return same_zone(before, after)
    except (TypeError, ValueError):
        return False


def _not_coarser(before: Any, after: Any) -> bool:
    """Also if the tag was invalid, for then nothing could be written."""
    try:
        old = precision_of(_decoded(before))
    except ValueError:
        return True
    try:
        return old % precision_of(_decoded(after)) == 0
    except ValueError:
        return False


def _decoded(value: Any) -> Any:
    return hayson_reader.decode(value) if isinstance(value, dict) else value


_MEANING: dict[str, Callable[[Any, Any], bool]] = {
    "kind": _same_kind,
    "unit": _same_unit,
    "tz": _same_tz,
    PRECISION: _not_coarser,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Validated samples of one point, in time order, each time once.

    ``written`` maps microseconds since 1970 to a finite float or to another
    value; ``removed`` are the times whose samples are deleted.
    """

    written: dict[int, Any]
    removed: list[int]

    def __bool__(self) -> bool:
        return bool(self.written or self.removed)


@dataclass(frozen=True, slots=True)
class Extent:
    """A history's number of samples, first and last time, and last value.

    Times are microseconds since 1970; an empty history has zeros.
    """

    size: int
    first: int = 0
    last: int = 0
    value: Any = None


def checked(point: HisPoint, samples: Iterable[Sample]) -> Batch:
    """Samples without a value are skipped; the last one of several at a time counts.

    Raises InvalidSample for the first invalid sample, counted from 1.
    """
    if isinstance(samples, SampleColumn) and is_valid(point, samples):
        return _merged(point, samples)
    stored = _value_check(point)
    merged: dict[int, Any] = {}
    grain = point.precision
    for row, (ts, value) in enumerate(samples, 1):
        if value is None:
            continue
        if type(ts) is not DateTime:
            _refuse(point, row, f"ts must be a DateTime, not {display_text(ts)}")
        if ts.tz != point.tz and not same_zone(ts.tz, point.tz):
            _refuse(point, row, f"ts is in zone {ts.tz}, the point in {point.tz}")
        if ts.utc.year <= _FIRST_YEAR and ts.local.year < _FIRST_YEAR:
            _refuse(point, row, f"ts is before {_FIRST_YEAR}: {ts}")
        time = microseconds_of(ts.utc)
        try:
            merged[time - time % grain] = stored(value)
        except InvalidSample as err:
            _refuse(point, row, str(err))
    times = sorted(merged)
    return Batch(
        {time: merged[time] for time in times if merged[time] is not REMOVE},
        [time for time in times if merged[time] is REMOVE],
    )


def is_valid(point: HisPoint, column: Iterable[Sample]) -> bool:
    """Whether all samples are valid, without looking at each.

    It may be False although they are: for samples that are not in columns, and for the
    first day of the first year.
    """
    return (
        isinstance(column, SampleColumn)
        and point.kind == "Number"
        and column.unit in (None, point.unit)
        and same_zone(column.tz, point.tz)
        and min(column.times, default=0) >= _FIRST_YEAR_EVERYWHERE
    )


def _merged(point: HisPoint, column: SampleColumn) -> Batch:
    grain = point.precision
    merged = {
        time - time % grain: val + 0.0  # see _value_check
        for time, val in zip(column.times, column.vals, strict=True)
        if val is not None
    }
    return Batch({time: merged[time] for time in sorted(merged)}, [])


def _refuse(point: HisPoint, row: int, why: str) -> None:
    raise InvalidSample(f"@{point.id}, sample {row}: {why}")


def _value_check(point: HisPoint) -> Callable[[Any], Any]:
    """A function that returns the stored value or raises InvalidSample."""
    kind = _KINDS.get(point.kind or "")
    if kind is None:
        raise InvalidSample(
            f"@{point.id}: tag kind must be one of {', '.join(_KINDS)},"
            f" not {point.kind or 'missing'}"
        )

    def stored(value: Any) -> Any:
        if value is NA or value is REMOVE:
            return value
        if type(value) is not kind:
            raise InvalidSample(f"value must be a {point.kind}, not {described(value)}")
        if kind is str:
            _check_text(value)
        if kind is not Number:
            return value
        if value.unit is not None and value.unit != point.unit:
            raise InvalidSample(
                f"unit must be {point.unit or 'none'}, not {value.unit}"
            )
        # + 0.0 makes -0.0, which JSON in PostgreSQL cannot store, 0.0 everywhere
        return value.val + 0.0 if math.isfinite(value.val) else Number(value.val)

    return stored


def _check_text(value: str) -> None:
    if "\0" in value:
        raise InvalidSample("U+0000 cannot be stored")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidSample("lone surrogate in a Str") from None
