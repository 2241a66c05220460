"""The sweep that marks current values as stale, one process at a time.

It goes through the points whose value is older than it may be, in order of their ids
and in pages, and begins again after a rest. Values that a connector has marked as
faulty stay as they are.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Sequence
from typing import Any

from .filters import without_trash
from .filters.ast import And, Compare, Filter, Has, Missing, Or
from .kinds.datetimes import DateTime
from .kinds.series import microseconds_of
from .kinds.transient import CUR_TS, HIS_PERIOD, SAMPLE_TS
from .storage.base import StorageAdapter
from .storage.collection import logs
from .storage.freshness import (
    LEAST,
    STALE_TIME,
    TIMES,
    can_be_stale,
    is_stale,
    kept_period,
    period_number,
    period_of,
)
from .wire.record import Record

__all__ = ["StaleSweep"]

_TASK = "stale"
_LEASE = dt.timedelta(seconds=30)
_PAGE = 500
_POINTS_PER_SECOND = 5_000
_SECONDS_PER_TICK = 0.5
_REST_SECONDS = 5.0
_REST = 20
"""A sweep takes at most this part of the time."""
_MOST_KNOWN = 200_000
_MICROSECOND = dt.timedelta(microseconds=1)
_CHANGED = 0.1
"""By how much of it the tag ``hisPeriod`` may differ from the usual interval."""


class StaleSweep:
    """The sweep of one store, in one thread."""

    def __init__(self, store: StorageAdapter, rest_seconds: float = _REST_SECONDS):
        self.store = store
        self.rest_seconds = rest_seconds
        self.holder = secrets.token_hex(8)
        self._after: str | None = None
        self._filters: list[int] = []
        self._began = self._next = 0.0
        self._ticked = -1.0
        self._known: dict[str, tuple[Any, int | None]] = {}
        """The end of a history and its usual interval, by the id of the point."""

    def tick(self, now: dt.datetime) -> int:
        """Continue the sweep for half a second; how many values are stale now."""
        began = time.monotonic()
        if not self._filters:
            if began < self._next:
                return 0
            self._filters, self._after, self._began = [0, 1], "", began
        with self.store.locked([]):
            if not self.store.take_task(_TASK, self.holder, now, now + _LEASE):
                self._rest()
                return 0
        marked = points = 0
        allowed = _POINTS_PER_SECOND * min(1.0, began - self._ticked)
        self._ticked = began
        while (
            self._filters
            and points < allowed
            and time.monotonic() - began < _SECONDS_PER_TICK
        ):
            page = self.store.page(
                _old(self._filters[0], now), self._after or "", _PAGE
            )
            marked += self._mark(page, now)
            points += len(page)
            self._after = page[-1]["id"].id if len(page) == _PAGE else ""
            if not self._after:
                self._filters.pop(0)
        if not self._filters:
            self._rest()
        return marked

    def _rest(self) -> None:
        took = time.monotonic() - self._began
        self._filters = []
        self._next = time.monotonic() + max(self.rest_seconds, _REST * took)

    def _mark(self, page: Sequence[Record], now: dt.datetime) -> int:
        moment = microseconds_of(now)
        periods = self._periods(page, moment)
        old = [
            id for row in page if is_stale(row, periods.get(id := row["id"].id), moment)
        ]
        tags: dict[str, dict[str, Any]] = {
            id: {HIS_PERIOD: period_number(period)}
            for row in page
            if (period := periods.get(id := row["id"].id))
            and abs((kept_period(row) or 0) - period) > _CHANGED * period
        }
        if not old and not tags:
            return 0
        marked = []
        with self.store.locked(sorted({*old, *tags})):
            for row in self.store.read_by_ids(old):
                if row is None or row.get("curStatus") != "ok":
                    continue
                if is_stale(row, periods.get(id := row["id"].id), moment):
                    tags.setdefault(id, {})["curStatus"] = "stale"
                    marked.append(row)
            self.store.set_transient(tags)
            if collecting := [row["id"].id for row in marked if logs(row)]:
                self.store.collect(collecting, now)
        return len(marked)

    def _periods(self, page: Sequence[Record], moment: int) -> dict[str, int | None]:
        """Usual intervals of the points that do not say when they are stale."""
        ends = {
            row["id"].id: row.get("hisEnd")
            for row in page
            if STALE_TIME not in row and can_be_stale(row)
        }
        unknown = [
            id
            for id, end in ends.items()
            if id not in self._known or self._known[id][0] != end
        ]
        found = self.store.his_times(unknown, moment + 1, TIMES) if unknown else {}
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known.update((id, (ends[id], period_of(found[id]))) for id in unknown)
        return {id: self._known[id][1] for id in ends if id in self._known}


def _old(number: int, now: dt.datetime) -> Filter:
    """Points with a value that may be too old: 0 those that say so, 1 sensors."""
    start = now - (LEAST if number else 0) * _MICROSECOND
    old = Or(
        (
            Compare((CUR_TS,), "<", DateTime(start)),
            Compare((SAMPLE_TS,), "<", DateTime(start)),
        )
    )
    ok = Compare(("curStatus",), "==", "ok")
    if not number:
        return without_trash(And((Has((STALE_TIME,)), ok, old)))
    sensor = (Has(("sensor",)), Has(("his",)), Missing((STALE_TIME,)))
    return without_trash(And((*sensor, Compare(("kind",), "==", "Number"), ok, old)))
