"""The quality of points' histories: for the REST API and a command.

The store says what a period of a history has; here is what each point should have, and
how much what is missing counts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..conf import limit
from ..filters import And, Has, without_trash
from ..filters.ast import Filter
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number
from ..kinds.series import instant_of, microseconds_of
from ..kinds.timezones import UnknownTimeZone, city_name, zone_of
from ..kinds.units import converted, preferred_symbol
from ..storage.quality import GAP, Findings, Window
from ..wire.record import Record
from .arguments import require_filter
from .his_range import parse_range
from .registry import Context, OpError

__all__ = ["DAYS", "FLAT_HOURS", "SORTS", "PointQuality", "quality", "read_hours"]

DAYS = 30
"""Days up to now that are examined without a range."""
FLAT_HOURS = 24
_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
_LONGEST_FLAT = 24 * 366 * 100
_HISTORIZED = (Has(("point",)), Has(("his",)))


@dataclass(frozen=True, slots=True)
class PointQuality:
    """One point. Durations and ages are seconds, shares 0 to 1.

    ``share`` is that of the samples which the usual interval leads to expect in the
    period, from the first sample of the history on; it and the gaps are None for
    points that log changes of value (``hisMode`` cov, ``hisCollectCov``). ``flat`` is
    None unless the point is a sensor of kind Number.
    """

    id: str
    dis: str | None
    score: float
    newest: DateTime | None
    age: float | None
    samples: int
    interval: float | None
    share: float | None
    gaps: int | None
    gap: float | None
    gapStart: DateTime | None  # noqa: N815  names of the answer
    flat: float | None
    flatStart: DateTime | None  # noqa: N815
    outside: int
    mismatched: int
    future: int
    na: float | None


SORTS = tuple(field.name for field in fields(PointQuality))


@dataclass(frozen=True, slots=True)
class _Point:
    """What to expect of a point, by its tags."""

    id: str
    dis: str | None
    tz: str
    is_cov: bool
    first: int | None
    window: Window

    @classmethod
    def of(
        cls, record: Record, span: Any, flat: int, now: dt.datetime
    ) -> _Point:
        tags = record.tags
        id, tz, kind, dis = tags["id"].id, _zone(tags), tags.get("kind"), tags.get("dis")
        start, end = _period(span, tz, now)
        is_number = kind == "Number"
        window = Window(
            id,
            start,
            end,
            microseconds_of(now),
            kind if isinstance(kind, str) else None,
            _bound(tags, "minVal") if is_number else None,
            _bound(tags, "maxVal") if is_number else None,
            flat if is_number and "sensor" in tags else None,
            _time(tags.get("hisEnd")),
        )
        is_cov = tags.get("hisMode") == "cov" or "hisCollectCov" in tags
        return cls(
            id,
            dis if isinstance(dis, str) else None,
            tz,
            is_cov,
            _time(tags.get("hisStart")),
            window,
        )


def quality(
    context: Context,
    filter: str | None = None,
    range: str | None = None,
    flat_hours: float = FLAT_HOURS,
    sort: str = "score",
) -> list[PointQuality]:
    """The points with history that match, the worst first unless sorted otherwise.

    ``range`` is one of hisRead, in the zone of each point; what is later than now is
    not examined, but counted. ``sort`` is a field, with ``-`` in front for descending
    order. Raises ParseError for the filter or the range, and OpError.
    """
    order = _order(sort)
    records = _records(context, filter)
    flat = round(flat_hours * _HOUR)
    points = [_Point.of(record, range, flat, context.now) for record in records]
    found = context.storage.his_quality([point.window for point in points])
    rows = map(_judged, points, found)
    return _sorted(rows, *order)


def read_hours(text: str) -> float:
    """Hours that a number may stay the same. Raises OpError."""
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours <= _LONGEST_FLAT:  # not for NaN either
        raise OpError(
            f"flat must be a number of hours, more than 0 and at most {_LONGEST_FLAT},"
            f" not {text[:40]!r}"
        )
    return hours


def _order(sort: str) -> tuple[str, bool]:
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise OpError(f"sort must be one of {', '.join(SORTS)}, not {sort[:40]!r}")
    return name, sort.startswith("-")


def _records(context: Context, filter: str | None) -> Sequence[Record]:
    tree: Filter = And(_HISTORIZED)
    if filter is not None:
        tree = And((require_filter(filter), *_HISTORIZED))
    cap = limit("ROWS")
    found = context.storage.read(without_trash(tree), cap + 1)
    if len(found) > cap:
        raise OpError(
            f"more than {cap} points with history match (cap ROWS):"
            " use a filter that matches fewer"
        )
    return found


# -- what to expect ------------------------------------------------------------


def _zone(tags: Any) -> str:
    """The point's zone; UTC if it is missing or unknown, for then nothing is read."""
    tz = tags.get("tz")
    try:
        city = city_name(tz) if isinstance(tz, str) else "UTC"
        zone_of(city)
    except UnknownTimeZone:
        return "UTC"
    return city


def _period(range: str | None, tz: str, now: dt.datetime) -> tuple[int, int]:
    last = microseconds_of(now) + 1
    if range is None:
        return last - 1 - DAYS * _DAY, last
    span = parse_range(range, tz, now)
    end = last if span.until is None else min(last, microseconds_of(span.until))
    return min(microseconds_of(span.start.utc), end), end


def _bound(tags: Any, name: str) -> float | None:
    """The tag in the unit of the point; None if it has none that can be compared."""
    bound = tags.get(name)
    if not isinstance(bound, Number) or math.isnan(bound.val):
        return None
    if bound.unit is None:
        return bound.val
    try:
        unit = preferred_symbol(tags.get("unit") or "")
        return bound.val if unit == bound.unit else converted(bound.val, bound.unit, unit)
    except (TypeError, ValueError):
        return None


def _time(value: Any) -> int | None:
    return microseconds_of(value.utc) if isinstance(value, DateTime) else None


# -- judging -------------------------------------------------------------------


def _judged(point: _Point, found: Findings) -> PointQuality:
    age = None if found.newest is None else point.window.now - found.newest
    share = None if point.is_cov else _share(point, found)

    def shown(time: int | None) -> DateTime | None:
        return None if time is None else DateTime(instant_of(time), point.tz)

    return PointQuality(
        point.id,
        point.dis,
        _score(point, found, share, age),
        shown(found.newest),
        _seconds(age),
        found.size,
        _seconds(found.interval),
        None if share is None else round(share, 4),
        None if point.is_cov else found.gaps,
        None if point.is_cov else _seconds(found.gap),
        None if point.is_cov else shown(found.gap_start),
        _seconds(found.flat),
        shown(found.flat_start),
        found.outside,
        found.mismatched,
        found.future,
        round(found.na / found.size, 4) if found.size else None,
    )


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / _SECOND


def _share(point: _Point, found: Findings) -> float | None:
    """Samples of those expected since the period, or the history, began; at most 1."""
    if not found.interval:
        return None
    begin = max(point.window.start, point.first or point.window.start)
    expected = (point.window.end - begin) // found.interval
    return min(1.0, found.size / expected) if expected > 0 else 1.0


def _score(
    point: _Point, found: Findings, share: float | None, age: int | None
) -> float:
    """100 if nothing is wrong, 0 if there are no samples; see docs/api.md."""
    if not found.size:
        return 0.0
    is_open = point.window.end > point.window.now
    late = bool(
        is_open
        and not point.is_cov
        and found.interval
        and age is not None
        and age > GAP * found.interval
    )
    lost = [
        40 * (1 - (1 if share is None else share)),
        20 * late,
        5 * (not point.is_cov and found.gaps > 0),
        20 * (found.flat is not None),
        30 * found.outside / found.size,
        30 * found.mismatched / found.size,
        30 * found.na / found.size,
        10 * (found.future > 0),
    ]
    return max(0.0, round(100 - sum(lost), 1))


def _sorted(
    rows: Iterable[PointQuality], name: str, descending: bool
) -> list[PointQuality]:
    """By a field, then by id; rows without a value are the last ones."""
    ordered = sorted(rows, key=lambda row: row.id)
    known = [row for row in ordered if getattr(row, name) is not None]
    known.sort(key=lambda row: _key(getattr(row, name)), reverse=descending)
    return known + [row for row in ordered if getattr(row, name) is None]


def _key(value: Any) -> Any:
    return value.utc if isinstance(value, DateTime) else value
