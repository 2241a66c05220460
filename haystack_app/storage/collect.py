"""Samples that are collected from current values, built on the primitives.

What a point collects is decided by its tags, its current value and its newest sample
alone, under the lock of the point. So a sample is logged once, by any number of calls
in any number of processes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.series import instant_of, microseconds_of
from ..wire.record import Record
from .collection import Collection, CollectionError, status_of
from .errors import InvalidSample, NotHistorized
from .history import HistoryStore
from .samples import Batch, HisPoint, checked

__all__ = ["CollectStore"]

_MILLISECOND = 1_000
_SKEW = 60_000_000
"""Microseconds that the clock of another process may be ahead, which wrote before."""
Logged = dict[str, tuple[Record, int, Any]]
"""Record, time in microseconds, and value of a new sample, by id."""


class CollectStore(HistoryStore):
    def collect(
        self,
        ids: Sequence[str],
        now: dt.datetime | None = None,
        *,
        settles: bool = False,
    ) -> None:
        """Log current values that differ enough from the newest sample.

        A change that comes too soon after the last sample is logged later, by
        ``collect_postponed``. The caller must hold the lock of the points, and has
        changed their current values before. ``settles``: nothing is due any more.
        """
        moment = microseconds_of(now or dt.datetime.now(dt.UTC))
        moment -= moment % _MILLISECOND
        logged: Logged = {}
        later: dict[str, dt.datetime | None] = dict.fromkeys(ids) if settles else {}
        for record, collection in self._collections(ids):
            if collection.tolerance is None:
                continue
            value = collection.value(record)
            last = self._last_sample(record, moment)
            if value is None or (last and not collection.is_change(last[1], value)):
                continue
            due = collection.quiet_until(record)
            if last is not None:
                due = max(due, last[0] + collection.rate_limit)
            id = record["id"].id
            if due > moment:
                later[id] = instant_of(due)
            else:
                logged[id] = record, moment, value
        self._store_samples(logged)
        if later:
            self.postpone(later)

    def collect_postponed(self, now: dt.datetime, limit: int = 1_000) -> int:
        """Log what came too soon, if it still differs; how many points were due."""
        ids = sorted(self.postponed(now, limit))
        if ids:
            with self.locked(ids):
                self.collect(ids, now, settles=True)
        return len(ids)

    def collect_aligned(self, ids: Sequence[str], time: int) -> None:
        """Log current values at an aligned time, unless the history has it already.

        ``time`` is in microseconds since 1970.
        """
        logged: Logged = {}
        with self.locked(ids):
            for record, collection in self._collections(ids):
                value = collection.value(record)
                if (
                    value is not None
                    and collection.interval is not None
                    and collection.quiet_until(record) <= time
                    and not self._has_sample(record, time)
                ):
                    logged[record["id"].id] = record, time, value
            self._store_samples(logged)

    def _collections(self, ids: Sequence[str]) -> Iterator[tuple[Record, Collection]]:
        """The points that collect; their ``hisStatus`` says so if they cannot."""
        for record in self.read_by_ids(ids):
            if record is None or is_trash(record):
                continue
            try:
                collection = Collection.of(record)
            except CollectionError:
                self.set_transient({record["id"].id: status_of(record)})
                continue
            if collection is not None:
                yield record, collection

    def _last_sample(self, record: Record, moment: int) -> tuple[int, Any] | None:
        """The newest sample up to a moment; most often the facts of the history say."""
        end, value = record.get("hisEnd"), record.get("hisEndVal")
        if end is not None and value is not None:
            time = microseconds_of(end.utc)
            if time <= moment + _SKEW:
                return time, value
        elif (size := record.get("hisSize")) is not None and not size.val:
            return None
        return next(self.his_backwards(record["id"].id, moment + 1), None)

    def _has_sample(self, record: Record, time: int) -> bool:
        end = record.get("hisEnd")
        last = 0 if end is None else microseconds_of(end.utc)
        if end is not None and last <= time:
            return last == time
        found = self.his_chunks(record["id"].id, time, time + 1, 1)
        return next(iter(found), None) is not None

    def _store_samples(self, logged: Logged) -> None:
        """Store samples, and say of each point whether that was possible."""
        batches: dict[str, Batch] = {}
        points: dict[str, HisPoint] = {}
        tags: dict[str, Mapping[str, Any]] = {}
        for id, (record, time, value) in logged.items():
            try:
                points[id] = point = HisPoint.of(record)
                sample = DateTime(instant_of(time), point.tz), value
                batches[id] = checked(point, [sample])
                tags[id] = status_of(record)
            except (InvalidSample, NotHistorized) as err:
                text = f"hisCollect: the current value cannot be a sample: {err}"
                tags[id] = {"hisStatus": "fault", "hisErr": text}
        growth = self.his_store(batches) if batches else {}
        self.announce_samples(batches, None)
        for id, batch in batches.items():
            facts = self._facts(points[id], logged[id][0], batch, growth)
            tags[id] = {**tags[id], **facts}
        if tags:
            self.set_transient(tags)
