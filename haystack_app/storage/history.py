"""Reading and writing samples, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, cast

from ..conf import app_settings
from ..filters import is_trash
from ..instruments import SAMPLES_READ, SAMPLES_WRITTEN
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number
from ..kinds.series import LARGEST_CHUNK, Chunk, Series, instant_of, microseconds_of
from ..kinds.transient import HIS_FACTS, HIS_WRITE_TS
from ..wire.record import Record
from . import signals
from .backend import StorageBackend
from .collection import collects
from .currents import resampled, sampled
from .errors import InvalidSample, NotHistorized, UnknownEntity
from .policies import Policy, Readable, policy_of
from .sample_edits import Origin, SampleEdit, edited
from .samples import Batch, Extent, HisPoint, Sample, checked

__all__ = ["HistoryStore"]


class HistoryStore(StorageBackend):
    def his_read(
        self,
        id: str,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> Series:
        """Samples with start <= ts < end, read from the store lazily.

        Raises UnknownEntity or NotHistorized.
        """
        return self.his_series(self.his_points([id])[0], start, end)

    def his_points(self, ids: Sequence[str]) -> list[HisPoint]:
        """The points of these ids. Raises UnknownEntity or NotHistorized."""
        return [HisPoint.of(record) for record in self._historized(ids)]

    def _historized(self, ids: Sequence[str]) -> Iterator[Record]:
        for id, record in zip(ids, self.read_by_ids(ids), strict=True):
            if record is None:
                raise UnknownEntity(id)
            yield record

    def his_series(
        self,
        point: HisPoint,
        start: dt.datetime | None,
        end: dt.datetime | None,
        size: int = LARGEST_CHUNK,
    ) -> Series:
        """Samples of a known point; each iteration reads one snapshot of the store.

        At most ``size`` of them are in memory at a time.
        """
        first, last = (
            None if at is None else microseconds_of(at) for at in (start, end)
        )

        def read() -> Iterator[Chunk]:
            if (short := self.his_short(point.id, first, last, size)) is not None:
                yield from self._counted(short)
                return
            with self.snapshot():
                chunks = self.his_chunks(point.id, first, last, size)
                yield from self._counted(chunks)

        return Series(point.tz, point.unit, read)

    def _counted(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            SAMPLES_READ.labels(self.alias).inc(len(chunk.times))
            yield chunk

    def his_write(
        self,
        id: str,
        samples: Iterable[Sample],
        now: dt.datetime | None = None,
        *,
        origin: Origin | None = None,
    ) -> None:
        """Upsert samples of one point; Remove as a value deletes one."""
        self.his_write_all({id: samples}, now, origin=origin)

    def his_write_all(
        self,
        samples: Mapping[str, Iterable[Sample]],
        now: dt.datetime | None = None,
        *,
        origin: Origin | None = None,
    ) -> None:
        """Upsert samples of points, all of them or none.

        Updates hisSize, hisStart, hisEnd and hisEndVal of the points, and curVal if
        the newest sample up to ``now`` was written or removed. Samples that are
        replaced or removed are kept with their ``origin``. Raises UnknownEntity,
        NotHistorized or InvalidSample.
        """
        ids = list(samples)
        moment = now or dt.datetime.now(dt.UTC)
        with self.locked(ids):
            known, batches = self.his_checked(samples)
            self.write_batches(known, batches, origin, moment)

    def his_checked(
        self, samples: Mapping[str, Iterable[Sample]]
    ) -> tuple[list[tuple[HisPoint, Record]], dict[str, Batch]]:
        """Points with their records, and validated samples, for ``write_batches``.

        Raises UnknownEntity, NotHistorized or InvalidSample.
        """
        known = self.his_writable(list(samples))
        batches = {point.id: checked(point, samples[point.id]) for point, _ in known}
        for point, _ in known:
            self.check_late(point, batches[point.id])
        return known, batches

    def his_writable(self, ids: Sequence[str]) -> list[tuple[HisPoint, Record]]:
        """Points with their records. Raises UnknownEntity or NotHistorized."""
        known = [(HisPoint.of(record), record) for record in self._historized(ids)]
        for point, record in known:
            if is_trash(record):
                raise NotHistorized(f"@{point.id} is in the trash")
        return known

    def write_batches(
        self,
        points: Sequence[tuple[HisPoint, Record]],
        batches: Mapping[str, Batch],
        origin: Origin | None,
        now: dt.datetime,
    ) -> bool:
        """``his_write_all`` of validated samples, for callers that hold the lock.

        Returns whether any of what was there is kept for an undo.
        """
        edits = self._overwritten(points, batches, origin, now)
        growth = self.his_store(batches)
        self.announce_samples(batches, origin)
        SAMPLES_WRITTEN.labels(self.alias).inc(
            sum(len(batch.written) + len(batch.removed) for batch in batches.values())
        )
        for point, _ in points:
            batch = batches[point.id]
            if point.dropped in batch.written or point.dropped in batch.removed:
                self.fold_now(point.id)  # it is in the last dropped day, too
        if edits:
            self.log_edits(edits)
        self.set_transient(
            {
                point.id: self._facts(point, record, batches[point.id], growth)
                | _written(point, record, batches[point.id], now)
                | sampled(self, point, record, batches[point.id], now)
                for point, record in points
                if batches[point.id]
            }
        )
        return bool(edits)

    def _overwritten(
        self,
        points: Sequence[tuple[HisPoint, Record]],
        batches: Mapping[str, Batch],
        origin: Origin | None,
        now: dt.datetime,
    ) -> list[SampleEdit]:
        """What the batches are about to replace or remove."""
        if not app_settings.SAMPLE_UNDO_DAYS:
            return []
        by = origin or Origin()
        times = {
            point.id: sorted([*batch.written, *batch.removed])
            for point, record in points
            if (batch := batches[point.id]) and not _appends(record, batch)
        }
        held = self.his_at(times) if times else {}
        ids = [point.id for point, _ in points] if by.is_whole else times
        found = (
            (id, edited(batches[id], held.get(id, {}), is_whole=by.is_whole))
            for id in ids
        )
        return [SampleEdit(now, by, id, samples) for id, samples in found if samples]

    def check_late(self, point: HisPoint, batch: Batch) -> None:
        """Raises InvalidSample for samples where those of before were dropped."""
        if point.dropped is None:
            return
        times = [*islice(batch.written, 1), *batch.removed]  # written are in order
        if min(times, default=point.dropped) >= point.dropped:
            return
        policy = self._policy_of(point)
        if policy is None or policy.refuses_late:
            time, end = (
                DateTime(instant_of(at), point.tz).iso
                for at in (min(times), point.dropped)
            )
            named = "" if policy is None else f" by policy {policy.name!r}"
            raise InvalidSample(
                f"@{point.id}: {time} is before {end}, from where on samples are kept:"
                f" earlier ones were dropped{named}"
            )

    def _policy_of(self, point: HisPoint) -> Policy | None:
        # its filter may lead through entities that the caller does not see
        return policy_of(cast("Readable", self.visible_to(None)), point.id)

    def refuses_late(self, point: HisPoint) -> bool:
        """Whether samples are refused where those of before were dropped."""
        policy = self._policy_of(point)
        return policy is None or policy.refuses_late

    def his_restore(self, id: str, batch: Batch) -> None:
        """Store validated samples of a point and update ``hisSize`` and the like.

        Its current value stays, for the samples are old. Raises UnknownEntity or
        NotHistorized.
        """
        with self.locked([id]):
            record = next(self._historized([id]))
            point = HisPoint.of(record)
            growth = self.his_store({id: batch})
            self.announce_samples({id: batch}, None)
            self.set_transient({id: self._facts(point, record, batch, growth)})

    def announce_samples(
        self, batches: Mapping[str, Batch], origin: Origin | None
    ) -> None:
        """Send ``samples_written`` after the commit."""
        if not signals.samples_written.receivers:
            return
        if found := signals.spans(batches):
            what = {"alias": self.alias, "samples": found, "origin": origin}
            self.after_commit(partial(signals.send, signals.samples_written, **what))

    def his_extents(self, ids: Sequence[str]) -> dict[str, Extent]:
        """``his_extent`` of several points."""
        return {id: self.his_extent(id) for id in ids}

    def his_recount(self, ids: Sequence[str]) -> None:
        """Set ``hisSize`` and the like to what the histories have.

        Likewise current values that are samples. An entity that is not a point with a
        history loses the facts. Unknown ids are ignored.
        """
        now = dt.datetime.now(dt.UTC)
        with self.locked(ids):
            extents = self.his_extents(ids)
            changes: dict[str, dict[str, Any]] = {}
            for id, record in zip(ids, self.read_by_ids(ids), strict=True):
                if record is None:
                    continue
                try:
                    point = HisPoint.of(record)
                except NotHistorized:
                    changes[id] = dict.fromkeys(HIS_FACTS)
                    continue
                extent = extents[id]
                current = resampled(self, point, record, extent, now)
                changes[id] = _tags(point, extent) | current
            self.set_transient(changes)

    def his_settle(self, newest: Mapping[str, int | None]) -> None:
        """``his_recount`` after writes that have stored their samples and no more.

        ``newest`` has the times of the newest samples that they wrote, which may be
        the current values. Unknown ids are ignored.
        """
        ids = list(newest)
        with self.locked(ids):
            self.his_recount(ids)
            now = dt.datetime.now(dt.UTC)
            times = {id: [at] for id, at in newest.items() if at is not None}
            held = self.his_at(times) if times else {}
            changes: dict[str, dict[str, Any]] = {}
            for id, record in zip(ids, self.read_by_ids(ids), strict=True):
                # of one that collects, the value was there before its sample
                if record is None or not held.get(id) or collects(record):
                    continue
                with suppress(NotHistorized):
                    point, batch = HisPoint.of(record), Batch(held[id], [])
                    changes[id] = sampled(self, point, record, batch, now)
            self.set_transient(changes)

    def _facts(
        self, point: HisPoint, record: Record, batch: Batch, growth: Mapping[str, int]
    ) -> dict[str, Any]:
        """``hisSize`` and the like after a write."""
        extent = _extended(record, batch, growth[point.id])
        return _tags(point, self.his_extent(point.id) if extent is None else extent)


def _appends(record: Record, batch: Batch) -> bool:
    """Whether all samples are later, or earlier, than those of the history."""
    if batch.removed:
        return False
    size = record.get("hisSize")
    if isinstance(size, Number) and not size.val:
        return True
    ends = record.get("hisStart"), record.get("hisEnd")
    if not all(isinstance(end, DateTime) for end in ends):
        return False
    start, end = (microseconds_of(it.utc) for it in ends if it is not None)
    first, last = next(iter(batch.written)), next(reversed(batch.written))
    return bool(first > end or last < start)


def _written(
    point: HisPoint, record: Record, batch: Batch, now: dt.datetime
) -> dict[str, Any]:
    """When others wrote samples of now to a point that collects its own."""
    if not collects(record):
        return {}
    moment = microseconds_of(now)
    last = next((time for time in reversed(batch.written) if time <= moment), None)
    if last is None:
        return {}
    held = record.get(HIS_WRITE_TS)
    if isinstance(held, DateTime) and microseconds_of(held.utc) >= last:
        return {}
    return {HIS_WRITE_TS: DateTime(instant_of(last), point.tz)}


def _extended(record: Record, batch: Batch, growth: int) -> Extent | None:
    """The extent after a write, computed from the tags before, without the history.

    None if the tags are missing, or if the first or last sample was removed.
    """
    if not record.keys() >= HIS_FACTS or not batch.written:
        return None
    start, end = (microseconds_of(record[tag].utc) for tag in ("hisStart", "hisEnd"))
    if start in batch.removed or end in batch.removed:
        return None
    first, last = next(iter(batch.written)), next(reversed(batch.written))
    value = batch.written[last] if last >= end else record["hisEndVal"]
    size = int(record["hisSize"].val) + growth
    return Extent(size, min(start, first), max(end, last), value)


def _tags(point: HisPoint, extent: Extent) -> dict[str, Any]:
    if not extent.size:
        return dict.fromkeys(HIS_FACTS) | {"hisSize": Number(0)}
    value = extent.value
    return {
        "hisSize": Number(extent.size),
        "hisStart": DateTime(instant_of(extent.first), point.tz),
        "hisEnd": DateTime(instant_of(extent.last), point.tz),
        "hisEndVal": Number(value, point.unit) if type(value) is float else value,
    }
