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

from ..filters import with_history, without_trash
from ..kinds.datetimes import DateTime
from ..kinds.display import quoted
from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref
from ..kinds.series import instant_of, microseconds_of
from ..kinds.timezones import UnknownTimeZone, city_name, zone_of
from ..kinds.units import converted, preferred_symbol
from ..storage.quality import GAP, Findings, Window
from ..wire.record import Record
from .arguments import require_filter
from .his_range import parse_range
from .registry import Context, OpError

__all__ = [
    "DAYS",
    "FLAT_HOURS",
    "SORTS",
    "PointQuality",
    "as_grid",
    "as_json",
    "quality",
    "read_hours",
]

DAYS = 30
"""Days up to now that are examined without a range."""
FLAT_HOURS = 24
_SECOND = 1_000_000
_HOUR = 3_600 * _SECOND
_DAY = 24 * _HOUR
_LONGEST_FLAT = 24 * 366 * 100


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
    gapStart: DateTime | None
    flat: float | None
    flatStart: DateTime | None
    outside: int
    mismatched: int
    future: int
    na: float | None


SORTS = tuple(field.name for field in fields(PointQuality))


def as_json(row: PointQuality) -> dict[str, Any]:
    """Times are ISO texts with the offset of the point's zone."""
    cells = ((name, getattr(row, name)) for name in SORTS)
    return {
        name: cell.iso if isinstance(cell, DateTime) else cell for name, cell in cells
    }


def as_grid(rows: Iterable[PointQuality]) -> Grid:
    return Grid(tuple(map(Col, SORTS)), [_row(row) for row in rows])


def _row(row: PointQuality) -> dict[str, Any]:
    cells = {name: getattr(row, name) for name in SORTS} | {"id": Ref(row.id)}
    return {
        name: Number(cell) if isinstance(cell, int | float) else cell
        for name, cell in cells.items()
        if cell is not None
    }


@dataclass(frozen=True, slots=True)
class _Point:
    """What to expect of a point, by its tags."""

    dis: str | None
    tz: str
    is_cov: bool
    first: int | None
    window: Window

    @classmethod
    def of(cls, record: Record, periods: _Periods, flat: int) -> _Point:
        tags = record.tags
        tz, kind, dis = _zone(tags), tags.get("kind"), tags.get("dis")
        start, end = periods(tz)
        is_number = kind == "Number"
        window = Window(
            tags["id"].id,
            start,
            end,
            microseconds_of(periods.now),
            kind if isinstance(kind, str) else None,
            _bound(tags, "minVal") if is_number else None,
            _bound(tags, "maxVal") if is_number else None,
            flat if is_number and "sensor" in tags else None,
            _time(tags.get("hisEnd")),
        )
        is_cov = tags.get("hisMode") == "cov" or "hisCollectCov" in tags
        name = dis if isinstance(dis, str) else None
        return cls(name, tz, is_cov, _time(tags.get("hisStart")), window)


class _Periods:
    """What a range means in each zone: from a time up to another, at most up to now."""

    def __init__(self, range: str | None, now: dt.datetime) -> None:
        self.range, self.now = range, now
        self.known: dict[str, tuple[int, int]] = {}

    def __call__(self, tz: str) -> tuple[int, int]:
        """In microseconds. Raises ParseError."""
        if tz not in self.known:
            self.known[tz] = self._period(tz)
        return self.known[tz]

    def _period(self, tz: str) -> tuple[int, int]:
        now = microseconds_of(self.now)
        if self.range is None:
            return now - DAYS * _DAY, now + 1
        span = parse_range(self.range, tz, self.now)
        end = now + 1 if span.until is None else microseconds_of(span.until)
        end = min(end, now + 1)
        return min(microseconds_of(span.start.utc), end), end


def quality(
    context: Context,
    filter: str | None = None,
    range: str | None = None,
    flat_hours: float = FLAT_HOURS,
    sort: str = "score",
    cap: int | None = None,
) -> list[PointQuality]:
    """The points with history that match, the worst first unless sorted otherwise.

    ``range`` is one of hisRead, in the zone of each point; what is later than now is
    not examined, but counted. ``sort`` is a field, with ``-`` in front for descending
    order. Raises ParseError for the filter or the range, and OpError, also for more
    than ``cap`` points.
    """
    order, periods = _order(sort), _Periods(range, context.now)
    periods("UTC")  # an invalid range is an error without points, too
    records = _records(context, filter, cap)
    flat = round(flat_hours * _HOUR)
    points = [_Point.of(record, periods, flat) for record in records]
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
            f" not {quoted(text)}"
        )
    return hours


def _order(sort: str) -> tuple[str, bool]:
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise OpError(f"sort must be one of {', '.join(SORTS)}, not {quoted(sort)}")
    return name, sort.startswith("-")


def _records(context: Context, filter: str | None, cap: int | None) -> Sequence[Record]:
    tree = with_history(None if filter is None else require_filter(filter))
    most = None if cap is None else cap + 1
    found = context.storage.read(without_trash(tree), most)
    if cap is not None and len(found) > cap:
        raise OpError(
            f"more than {cap} points with history match (cap IDS):"
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


def _bound(tags: Any, name: str) -> float | None:
    """The tag in the unit of the point; None if it has none that can be compared."""
    bound = tags.get(name)
    if not isinstance(bound, Number) or not math.isfinite(bound.val):
        return None
    if bound.unit is None:
        return bound.val
    try:
        unit = preferred_symbol(tags.get("unit") or "")
        return (
            bound.val if unit == bound.unit else converted(bound.val, bound.unit, unit)
        )
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
        point.window.id,
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
