"""Samples of the demo's points, computed from the point's id and the time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import NA, Number
from .climate import Climate, Moment, seed_of
from .points import POINTS, PointSpec
from .quantities import QUANTITIES, Scale
from .sites import CAMPUSES, Campus

__all__ = [
    "QUARTER",
    "Sample",
    "has_year",
    "quarter_of",
    "reading",
    "samples",
    "spec_of",
    "unit_of",
    "value_at",
]

Sample = tuple[DateTime, Any]
QUARTER = dt.timedelta(minutes=15)
_POINT_ID = re.compile(r"([a-z]+)(?:-\d+)?\..*?([a-z-]+?)(?:-\d+)*\.([a-z0-9-]+)")
_YEAR = re.compile(
    r"north\.b1\.(ahu-1|\w+\.elec-sub)\."
    r"|\w+\.b\d+\.(elec-main\.(energy|power)$|(gas|water)-main\.volume)"
)
_SLOTS_PER_GAP = 997
_INTERVAL = 300
"""Seconds between two values of a signal; sensor values are interpolated."""


def samples(
    point: Mapping[str, Any],
    start: dt.datetime,
    end: dt.datetime,
    step: dt.timedelta = QUARTER,
) -> Iterator[Sample]:
    """Samples with start <= ts < end, at multiples of ``step`` since 1970.

    ``point`` is a record of ``entities``. The value at a time does not depend on the
    bounds. Raises ValueError if it is not a point of the demo.
    """
    id: str = point["id"].id
    climate, read = _reader(id)
    seed, every = seed_of(id), int(step.total_seconds())
    is_number = point["kind"] == "Number"
    first = -(-int(start.timestamp() * 1_000_000) // (every * 1_000_000)) * every
    last = end.timestamp()
    for seconds in range(first, int(last) + 1, every):
        if seconds >= last:
            return
        moment = Moment.at(seconds, climate)
        # sensors occasionally fail for one sample
        failed = is_number and (seconds // every + seed) % _SLOTS_PER_GAP == 0
        yield moment.ts, NA if failed else read(moment, seed)


def has_year(point: Mapping[str, Any]) -> bool:
    """Whether the demo has a year of a point's history: of meters and one AHU."""
    return _YEAR.match(point["id"].id) is not None


def value_at(id: str, at: dt.datetime) -> Any:
    """A point's value at the last quarter of an hour before ``at``."""
    climate, read = _reader(id)
    seconds = int(quarter_of(at).timestamp())
    return read(Moment.at(seconds, climate), seed_of(id))


def reading(id: str, at: dt.datetime) -> Any:
    """A point's current value at any time.

    Numbers are interpolated between values of their signal 5 minutes apart, so that on
    the quarter they equal the sample; totals never decrease. Commands, Bools and Strs
    keep their value of the last quarter of an hour.
    """
    campus, spec = spec_of(id)
    if spec.kind != "Number" or spec.level is not None:
        return value_at(id, at)
    number, elapsed = divmod(at.timestamp(), _INTERVAL)
    before, after = _interval(id, int(number))
    scale = _scale(spec, campus.is_metric)
    value = before + (after - before) * elapsed / _INTERVAL
    return Number(round(value, scale.digits), scale.unit)


@lru_cache(maxsize=8_192)
def _interval(id: str, number: int) -> tuple[float, float]:
    """The values at the start and the end of an interval."""
    climate, read = _reader(id)
    seed, start = seed_of(id), number * _INTERVAL
    ends = (Moment.at(seconds, climate) for seconds in (start, start + _INTERVAL))
    before, after = (read(moment, seed).val for moment in ends)
    return before, after


def quarter_of(at: dt.datetime) -> dt.datetime:
    """The start of the quarter of an hour that contains ``at``, in UTC."""
    every = int(QUARTER.total_seconds())
    return dt.datetime.fromtimestamp(int(at.timestamp()) // every * every, dt.UTC)


def _reader(id: str) -> tuple[Climate, Callable[[Moment, int], Any]]:
    campus, spec = spec_of(id)
    return campus.climate, _value_reader(spec, campus.is_metric)


@lru_cache(maxsize=8_192)
def spec_of(id: str) -> tuple[Campus, PointSpec]:
    """The campus and the point's specification, by id. Raises ValueError."""
    match = _POINT_ID.fullmatch(id)
    if match is not None and match[1] in CAMPUSES:
        for spec in POINTS.get(match[2], ()):
            if spec.name == match[3]:
                return CAMPUSES[match[1]], spec
    raise ValueError(f"@{id} is not a point of the demo")


def unit_of(campus: Campus, spec: PointSpec) -> str | None:
    """The unit of a point on that campus."""
    return _scale(spec, campus.is_metric).unit if spec.kind == "Number" else None


def _scale(spec: PointSpec, is_metric: bool) -> Scale:
    quantity = QUANTITIES[spec.quantity]
    return quantity.metric if is_metric else quantity.us


@cache
def _value_reader(spec: PointSpec, is_metric: bool) -> Callable[[Moment, int], Any]:
    signal = spec.signal
    if spec.kind == "Bool":
        return lambda moment, seed: signal(moment, seed) > 0
    if spec.kind == "Str":
        texts = spec.quantity.split(",")
        return lambda moment, seed: texts[int(signal(moment, seed))]
    scale = _scale(spec, is_metric)
    return lambda moment, seed: Number(scale.value(signal(moment, seed)), scale.unit)
