"""Samples of the demo's points: functions of the point's id and the time."""

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
_SLOTS_A_GAP = 997
_SPAN = 300
"""Seconds from one value of a signal to the next, between which sensors glide."""


def samples(
    point: Mapping[str, Any],
    start: dt.datetime,
    end: dt.datetime,
    step: dt.timedelta = QUARTER,
) -> Iterator[Sample]:
    """Samples with start <= ts < end, at multiples of ``step`` since 1970.

    ``point`` is a record of ``entities``. The same times give the same values
    whatever the bounds. Raises ValueError for a point of somebody else.
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
        # now and then a sensor is lost for one sample
        lost = is_number and (seconds // every + seed) % _SLOTS_A_GAP == 0
        yield moment.ts, NA if lost else read(moment, seed)


def value_at(id: str, at: dt.datetime) -> Any:
    """What a point reads at the last quarter of an hour before ``at``."""
    climate, read = _reader(id)
    seconds = int(quarter_of(at).timestamp())
    return read(Moment.at(seconds, climate), seed_of(id))


def reading(id: str, at: dt.datetime) -> Any:
    """What a point shows at any time.

    Numbers glide between values of their signal 5 minutes apart, on the quarter
    through the sample; whatever counts only rises. Commands, flags and texts stay
    what they were at the last quarter of an hour.
    """
    campus, spec = spec_of(id)
    if spec.kind != "Number" or spec.level is not None:
        return value_at(id, at)
    span, into = divmod(at.timestamp(), _SPAN)
    before, after = _span(id, int(span))
    scale = _scale(spec, campus.is_metric)
    glided = before + (after - before) * into / _SPAN
    return Number(round(glided, scale.digits), scale.unit)


@lru_cache(maxsize=8_192)
def _span(id: str, number: int) -> tuple[float, float]:
    climate, read = _reader(id)
    seed, start = seed_of(id), number * _SPAN
    ends = (Moment.at(seconds, climate) for seconds in (start, start + _SPAN))
    before, after = (read(moment, seed).val for moment in ends)
    return before, after


def quarter_of(at: dt.datetime) -> dt.datetime:
    """The last quarter of an hour, in UTC."""
    every = int(QUARTER.total_seconds())
    return dt.datetime.fromtimestamp(int(at.timestamp()) // every * every, dt.UTC)


def _reader(id: str) -> tuple[Climate, Callable[[Moment, int], Any]]:
    campus, spec = spec_of(id)
    return campus.climate, _of_spec(spec, campus.is_metric)


@lru_cache(maxsize=8_192)
def spec_of(id: str) -> tuple[Campus, PointSpec]:
    """The campus and the kind of point that an id tells."""
    match = _POINT_ID.fullmatch(id)
    if match is not None and match[1] in CAMPUSES:
        for spec in POINTS.get(match[2], ()):
            if spec.name == match[3]:
                return CAMPUSES[match[1]], spec
    raise ValueError(f"@{id} is no point of the demo")


def unit_of(campus: Campus, spec: PointSpec) -> str | None:
    """The unit of a point of that campus."""
    return _scale(spec, campus.is_metric).unit if spec.kind == "Number" else None


def _scale(spec: PointSpec, is_metric: bool) -> Scale:
    quantity = QUANTITIES[spec.quantity]
    return quantity.metric if is_metric else quantity.us


@cache
def _of_spec(spec: PointSpec, is_metric: bool) -> Callable[[Moment, int], Any]:
    signal = spec.signal
    if spec.kind == "Bool":
        return lambda moment, seed: signal(moment, seed) > 0
    if spec.kind == "Str":
        texts = spec.quantity.split(",")
        return lambda moment, seed: texts[int(signal(moment, seed))]
    scale = _scale(spec, is_metric)
    return lambda moment, seed: Number(scale.value(signal(moment, seed)), scale.unit)
