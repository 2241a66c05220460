"""Reading and writing samples, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.scalars import Number
from ..kinds.series import LARGEST_CHUNK, Chunk, Series, instant_of, microseconds_of
from ..kinds.transient import HIS_FACTS, HIS_WRITE_TS
from ..wire.record import Record
from .backend import StorageBackend
from .collection import collects
from .currents import sampled
from .errors import NotHistorized, UnknownEntity
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
                yield from short
                return
            with self.snapshot():
                yield from self.his_chunks(point.id, first, last, size)

        return Series(point.tz, point.unit, read)

    def his_write(
        self, id: str, samples: Iterable[Sample], now: dt.datetime | None = None
    ) -> None:
        """Upsert samples of one point; Remove as a value deletes one."""
        self.his_write_all({id: samples}, now)

    def his_write_all(
        self,
        samples: Mapping[str, Iterable[Sample]],
        now: dt.datetime | None = None,
    ) -> None:
        """Upsert samples of points, all of them or none.

        Updates hisSize, hisStart, hisEnd and hisEndVal of the points, and curVal if
        the newest sample up to ``now`` was written or removed. Raises UnknownEntity,
        NotHistorized or InvalidSample.
        """
        ids = list(samples)
        moment = now or dt.datetime.now(dt.UTC)
        with self.locked(ids):
            records = list(self._historized(ids))
            points = [HisPoint.of(record) for record in records]
            for point, record in zip(points, records, strict=True):
                if is_trash(record):
                    raise NotHistorized(f"@{point.id} is in the trash")
            batches = {point.id: checked(point, samples[point.id]) for point in points}
            growth = self.his_store(batches)
            self.set_transient(
                {
                    point.id: self._facts(point, record, batches[point.id], growth)
                    | _written(point, record, batches[point.id], moment)
                    | sampled(self, point, record, batches[point.id], moment)
                    for point, record in zip(points, records, strict=True)
                    if batches[point.id]
                }
            )

    def his_restore(self, id: str, batch: Batch) -> None:
        """Store validated samples of a point and update ``hisSize`` and the like.

        Its current value stays, for the samples are old. Raises UnknownEntity or
        NotHistorized.
        """
        with self.locked([id]):
            record = next(self._historized([id]))
            point = HisPoint.of(record)
            growth = self.his_store({id: batch})
            self.set_transient({id: self._facts(point, record, batch, growth)})

    def his_facts(self, point: HisPoint) -> dict[str, Any]:
        """``hisSize`` and the like, computed from the whole history."""
        return _tags(point, self.his_extent(point.id))

    def _facts(
        self, point: HisPoint, record: Record, batch: Batch, growth: Mapping[str, int]
    ) -> dict[str, Any]:
        """``hisSize`` and the like after a write."""
        extent = _extended(record, batch, growth[point.id])
        return _tags(point, self.his_extent(point.id) if extent is None else extent)


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
