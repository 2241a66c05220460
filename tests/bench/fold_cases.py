"""Roll-ups and decimation of a year, beside their statements written by hand.

Both sides return rows to Python; requests and formats are left out, for they cost more
than a roll-up that is stored. The statements need TimescaleDB.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from haystack_app.folds.buckets import Interval
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.kinds.timezones import zone_of
from haystack_app.models import FoldMark, FoldPart, FoldPoint
from haystack_app.sql.tables import FOLD_PARTS, HISTORY
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter

from .cases import Case, same
from .data import FINE_STEP, START, STEP, Building, analyze, insert_samples
from .statements import Raw

__all__ = ["fold_cases"]

_CHART = 1_000
_FOLDS = {
    "avg": "avg(val)",
    "min,avg,max": "min(val), avg(val), max(val)",
    "twa": "sum(val * seconds) / sum(seconds)",
}
_BY_DAY = (
    "SELECT point_id, date_trunc('day', ts, %s) AS day, {}"
    " FROM ({}) AS samples GROUP BY 1, 2 ORDER BY 2"
)
_SAMPLES = "SELECT *{} FROM history WHERE point_id = ANY(%s) AND ts >= %s AND ts < %s"
_SECONDS = (
    ", date_part('epoch', lead(ts) OVER (PARTITION BY point_id ORDER BY ts) - ts)"
    " AS seconds"
)
_CHARTED = (
    "SELECT time_bucket(%s, ts) AS span, min(ts), first(val, ts), min(val), max(val),"
    " last(val, ts), max(ts) FROM history"
    " WHERE point_id = %s AND ts >= %s AND ts < %s GROUP BY 1 ORDER BY 1"
)


def fold_cases(raw: Raw, building: Building, points: int = 100) -> Iterator[Case]:
    """Quarters of an hour by day, of one and of many points; and a year of minutes."""
    store = cast(OrmAdapter, storages["default"])
    tz, ids = _of_a_zone(store, building.points, points + 1)
    *ids, dense = ids
    for model in (FoldMark, FoldPart, FoldPoint):
        model.objects.all().delete()
    for id in ids:
        insert_samples(id, STEP, 368 * 96)
    insert_samples(dense, FINE_STEP, 368 * 1_440)
    analyze(HISTORY)
    year = _Year(store, raw, tz)
    for folds in _FOLDS:
        yield year.case(folds, ids[:1], "samples, 1 point", 1.3)
    yield year.chart(dense)
    while store.fold_dirty(10_000):
        continue
    analyze(FOLD_PARTS)
    for folds in _FOLDS:
        yield year.case(folds, ids[:1], "stored, 1 point", 0.1)
    yield year.case("avg", ids, f"stored, {len(ids)} points", 0.1)


def _of_a_zone(
    store: OrmAdapter, points: Sequence[str], count: int
) -> tuple[str, list[str]]:
    """The last points in the zone of the last one."""
    found: dict[str, list[str]] = {}
    for record in store.read_by_ids(points[::-1]):
        assert record is not None
        ids = found.setdefault(record["tz"], [])
        ids.append(record["id"].id)
        if len(ids) == count:
            return record["tz"], ids
    raise ValueError(f"no {count} points in one zone: ask for more entities")


@dataclass(frozen=True, slots=True)
class _Year:
    store: OrmAdapter
    raw: Raw
    tz: str

    @property
    def start(self) -> dt.datetime:
        return dt.datetime(START.year, START.month, 2, tzinfo=zone_of(self.tz))

    @property
    def end(self) -> dt.datetime:
        return dt.datetime(START.year + 1, START.month, 2, tzinfo=zone_of(self.tz))

    def case(self, folds: str, ids: Sequence[str], what: str, target: float) -> Case:
        sql = _BY_DAY.format(
            _FOLDS[folds], _SAMPLES.format(_SECONDS if folds == "twa" else "")
        )
        params = [zone_of(self.tz).key, list(ids), self.start, self.end]
        theirs = self._rows(sql, params)
        ours = self._rollup(folds, ids)
        same(len(list(ours())), len(theirs()), f"{folds} by day")
        return Case(
            f"{folds} by day, {what}", ours, theirs, "GROUP BY", target, sql=theirs
        )

    def _rollup(self, folds: str, ids: Sequence[str]) -> Callable[[], Any]:
        rollup = Rollup(
            folds.split(","),
            Interval.of(Number(1, "day")),
            self.tz,
            microseconds_of(self.start.astimezone(dt.UTC)),
            microseconds_of(self.end.astimezone(dt.UTC)),
            Meaning("Number", "kW"),
        )

        def read() -> list[Any]:
            return list(self.store.his_fold([(id, rollup) for id in ids]))

        return read

    def _rows(self, sql: str, params: list[Any]) -> Callable[[], list[Any]]:
        return lambda: self.raw.rows(sql, params)

    def chart(self, id: str) -> Case:
        span = (self.end - self.start) / (_CHART // 4)
        theirs = self._rows(_CHARTED, [span, id, self.start, self.end])
        start, end = (
            microseconds_of(at.astimezone(dt.UTC)) for at in (self.start, self.end)
        )

        def read() -> list[Any]:
            with self.store.snapshot():
                return list(self.store.his_decimated(id, start, end, _CHART, end))

        assert _CHART * 0.7 <= len(read()) <= _CHART
        return Case(
            f"maxPoints={_CHART} of a year of minutes",
            read,
            theirs,
            "time_bucket",
            1.5,
            sql=theirs,
        )
