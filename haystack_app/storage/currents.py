"""Current values of points, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..filters import is_trash
from ..kinds.datetimes import DateTime
from ..kinds.scalars import NA, Number, Ref
from ..kinds.series import instant_of, microseconds_of
from ..kinds.transient import CUR_TS, SAMPLE_TS
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .backend import StorageBackend
from .collection import logs
from .errors import InvalidRecord, InvalidWrite, NotWritable, UnknownEntity
from .freshness import TIMES, can_be_stale, is_stale, kept_period, period_of, stamp
from .priority_array import WritablePoint
from .samples import Batch, Extent, HisPoint
from .stored import transient_text

__all__ = ["STATUSES", "Current", "CurrentStore", "resampled", "sampled"]

STATUSES = frozenset(
    {
        "ok",
        "stale",
        "fault",
        "disabled",
        "down",
        "unknown",
        "remoteFault",
        "remoteDown",
        "remoteDisabled",
        "remoteUnknown",
    }
)
"""Values of ``curStatus``. Source: docHaystack Points."""


@dataclass(frozen=True, slots=True)
class Current:
    """A value or None, its status, and a text for an error."""

    val: Any
    status: str = "ok"
    err: str | None = None

    @property
    def tags(self) -> dict[str, Any]:
        """Transient tags; ``curSampleTs`` goes, for no sample gave this value."""
        return {
            "curVal": self.val,
            "curStatus": self.status,
            "curErr": self.err,
            SAMPLE_TS: None,
        }


class CurrentStore(StorageBackend):
    def cur_write(
        self, currents: Mapping[str, Current], now: dt.datetime | None = None
    ) -> None:
        """Set current values of points with the tag ``cur``, all of them or none.

        Points with ``hisCollectCov`` get a sample if the value has changed enough.
        Persistent tags, change log and index are not touched. Raises UnknownEntity,
        NotWritable or InvalidWrite.
        """
        ids = list(currents)
        with self.locked(ids):
            rows = self.read_by_ids(ids)
            at = now or dt.datetime.now(dt.UTC)
            self.set_transient(
                {
                    id: _written(id, record, currents[id], at)
                    for id, record in zip(ids, rows, strict=True)
                }
            )
            if due := [id for id, row in zip(ids, rows, strict=True) if logs(row)]:
                self.collect(due, now)


def _written(
    id: str, record: Record | None, current: Current, now: dt.datetime
) -> dict[str, Any]:
    """The tags to set."""
    if record is None:
        raise UnknownEntity(id)
    tags = record.json
    checked = _checked(id, tags, current)
    return checked.tags | stamp(tags, now)


def _checked(id: str, json: dict[str, Any], current: Current) -> Current:
    tags = json | {"id": Ref(id)}  # the tags used here are text
    point = WritablePoint.of(tags, "cur")
    if is_trash(tags):
        raise NotWritable(f"@{id} is in the trash")
    if current.status not in STATUSES:
        known = ", ".join(sorted(STATUSES))
        raise InvalidWrite(
            f"@{id}: status must be one of {known}, not {display_text(current.status)}"
        )
    if current.err is not None:
        try:
            transient_text({"curErr": current.err})
        except InvalidRecord as err:
            raise InvalidWrite(f"@{id}: {err}") from None
    if current.val is None:
        return current
    return Current(point.checked(current.val), current.status, current.err)


def sampled(
    store: StorageBackend,
    point: HisPoint,
    record: Record,
    batch: Batch,
    now: dt.datetime,
) -> dict[str, Any]:
    """Transient tags after a write of samples, whose newest may be the current value.

    It is for a point with the tag ``cur``, if its time is not in the future and the
    history has no newer sample up to now. If the sample that is the current value was
    removed, the newest one before it takes its place; a current value that was
    written otherwise stays.
    """
    if "cur" not in record:
        return {}
    moment = microseconds_of(now)
    last = next((time for time in reversed(batch.written) if time <= moment), None)
    if last is not None and _newest_is(store, point, record, last, moment):
        status = _status(record, batch, last, moment)
        return _as_current(point, last, batch.written[last], status)
    given = record.get(SAMPLE_TS)
    if given is None or (time := microseconds_of(given.utc)) not in batch.removed:
        return {}
    sample = _newest(store, point, time, moment)
    if sample is None:
        return dict.fromkeys(("curVal", "curStatus", "curErr", SAMPLE_TS, CUR_TS))
    status = _status(record, batch, sample[0], moment)
    return _as_current(point, *sample, status)


def _status(record: Record, batch: Batch, time: int, moment: int) -> str:
    """The status of a current value that is a sample of this time."""
    if not can_be_stale(record):
        return "ok"
    period = kept_period(record) or period_of([*batch.written][-TIMES:])
    tags = record.tags | {SAMPLE_TS: DateTime(instant_of(time)), CUR_TS: None}
    return "stale" if is_stale(tags, period, moment) else "ok"


def resampled(
    store: StorageBackend,
    point: HisPoint,
    record: Record,
    extent: Extent,
    now: dt.datetime,
) -> dict[str, Any]:
    """Transient tags of a point whose current value is a sample, which may be gone.

    Empty if the current value was written otherwise.
    """
    if "cur" not in record or SAMPLE_TS not in record:
        return {}
    moment = microseconds_of(now)
    sample: tuple[int, Any] | None = None
    if extent.size and extent.last <= moment:
        sample = extent.last, extent.value
    elif extent.size:
        sample = next(store.his_backwards(point.id, moment + 1), None)
    if sample is None:
        return dict.fromkeys(("curVal", "curStatus", "curErr", SAMPLE_TS, CUR_TS))
    status = _status(record, Batch({}, []), sample[0], moment)
    return _as_current(point, *sample, status)


def _newest_is(
    store: StorageBackend, point: HisPoint, record: Record, time: int, moment: int
) -> bool:
    """Whether the history has no sample after ``time`` up to a moment."""
    end = record.get("hisEnd")
    if end is not None and microseconds_of(end.utc) <= time:
        return True
    newer = store.his_chunks(point.id, time + 1, moment + 1, 1)
    return next(iter(newer), None) is None


def _newest(
    store: StorageBackend, point: HisPoint, time: int, moment: int
) -> tuple[int, Any] | None:
    """The newest sample up to a moment; there are few, if any, after ``time``."""
    after = deque(store.his_chunks(point.id, time, moment + 1), maxlen=1)
    if after:
        last = after[0].values(point.unit)[-1]
        return after[0].times[-1], last
    return next(store.his_backwards(point.id, time), None)


def _as_current(point: HisPoint, time: int, value: Any, status: str) -> dict[str, Any]:
    ts = DateTime(instant_of(time), point.tz)
    if type(value) is float:
        value = Number(value, point.unit)
    known = value is not NA
    current = Current(value, status) if known else Current(None, "unknown")
    return current.tags | {SAMPLE_TS: ts, CUR_TS: None}
