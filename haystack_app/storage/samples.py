"""Validation of samples against their point.

Source: docHaystack Ops (hisWrite), and the reference implementation's checks of zone,
kind, unit and year.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import NA, REMOVE, Coord, Number, Ref
from ..kinds.series import microseconds_of
from ..kinds.timezones import UnknownTimeZone, zone_of
from ..wire.zinc_writer import described, display_text
from .errors import InvalidSample, NotHistorized

__all__ = ["Batch", "Extent", "HisPoint", "Sample", "checked", "reinterpreted"]

Sample = tuple[Any, Any]
"""A DateTime and a value, not validated."""
_FIRST_YEAR = 1950
_KINDS: dict[str, Any] = {"Number": Number, "Bool": bool, "Str": str, "Coord": Coord}
_SECOND = 1_000_000
_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class HisPoint:
    """The tags of a point that its history depends on.

    ``precision`` is that of its timestamps in microseconds.
    """

    id: str
    tz: str
    kind: str | None
    unit: str | None
    precision: int

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
            zone_of(tz if isinstance(tz, str) else "")
        except UnknownTimeZone:
            raise NotHistorized(f"@{id}: tag tz is not a time zone: {tz!r}") from None
        kind, unit = record.get("kind"), record.get("unit")
        grain = record.get("hisTsPrecision")
        fine = isinstance(grain, Number) and grain.unit == "ms" and grain.val == 1
        return cls(
            id,
            str(tz),
            kind if isinstance(kind, str) else None,
            _symbol(id, unit),
            _MILLISECOND if fine else _SECOND,
        )


def _symbol(id: str, unit: Any) -> str | None:
    if unit is None:
        return None
    try:
        return Number(0, unit if isinstance(unit, str) else "").unit
    except ValueError as err:
        raise NotHistorized(f"@{id}: tag unit: {err}") from None


def reinterpreted(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """A changed tag that would give stored samples another meaning, if any.

    Both are records' persistent tags, as JSON or decoded.
    """
    meaning = ("kind", "unit", "tz")
    return next((tag for tag in meaning if before.get(tag) != after.get(tag)), None)


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
    """Raises InvalidSample for the first invalid sample, counted from 1."""
    stored = _value_check(point)
    merged: dict[int, Any] = {}
    grain = point.precision
    for row, (ts, value) in enumerate(samples, 1):
        if type(ts) is not DateTime:
            _refuse(point, row, f"ts must be a DateTime, not {display_text(ts)}")
        if ts.tz != point.tz:
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


def _refuse(point: HisPoint, row: int, why: str) -> None:
    raise InvalidSample(f"@{point.id}, sample {row}: {why}")


def _value_check(point: HisPoint) -> Callable[[Any], Any]:
    """A function that returns the stored value or raises InvalidSample."""
    kind = _KINDS.get(point.kind or "")
    if kind is None:
        raise InvalidSample(
            f"@{point.id}: tag kind must be one of {', '.join(_KINDS)},"
            f" not {point.kind!r}"
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
        return value.val if math.isfinite(value.val) else Number(value.val)

    return stored


def _check_text(value: str) -> None:
    if "\0" in value:
        raise InvalidSample("U+0000 cannot be stored")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidSample("lone surrogate in a Str") from None
