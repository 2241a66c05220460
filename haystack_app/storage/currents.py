"""Current values of points, built on the primitives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..filters import is_trash
from ..kinds.scalars import NA, Number, Ref
from ..kinds.series import microseconds_of
from ..wire.record import Record
from ..wire.zinc_writer import display_text
from .backend import StorageBackend
from .errors import InvalidRecord, InvalidWrite, NotWritable, UnknownEntity
from .priority_array import WritablePoint
from .samples import Batch, HisPoint
from .stored import transient_text

__all__ = ["STATUSES", "Current", "CurrentStore", "sampled"]

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
        return {"curVal": self.val, "curStatus": self.status, "curErr": self.err}


class CurrentStore(StorageBackend):
    def cur_write(self, currents: Mapping[str, Current]) -> None:
        """Set current values of points with the tag ``cur``, all of them or none.

        Persistent tags, change log and index are not touched. Raises UnknownEntity,
        NotWritable or InvalidWrite.
        """
        ids = list(currents)
        with self.locked(ids):
            rows = self.read_by_ids(ids)
            self.set_transient(
                {
                    id: _checked(id, record, currents[id]).tags
                    for id, record in zip(ids, rows, strict=True)
                }
            )


def _checked(id: str, record: Record | None, current: Current) -> Current:
    if record is None:
        raise UnknownEntity(id)
    tags = record.json | {"id": Ref(id)}  # the tags used here are text
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
    return replace(current, val=point.checked(current.val))


def sampled(
    store: StorageBackend,
    point: HisPoint,
    record: Record,
    batch: Batch,
    now: dt.datetime,
) -> dict[str, Any]:
    """Transient tags after a write of samples, whose newest may be the current value.

    It is for a point with the tag ``cur``, if its time is not in the future and the
    history has no newer sample up to now.
    """
    moment = microseconds_of(now)
    last = max((time for time in batch.written if time <= moment), default=None)
    if "cur" not in record or last is None:
        return {}
    end = record.get("hisEnd")
    if end is None or microseconds_of(end.utc) > last:
        newer = store.his_chunks(point.id, last + 1, moment + 1, 1)
        if next(iter(newer), None) is not None:
            return {}
    value = batch.written[last]
    if value is NA:
        return Current(None, "unknown").tags
    return Current(Number(value, point.unit) if type(value) is float else value).tags
