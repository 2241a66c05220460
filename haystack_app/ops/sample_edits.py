"""Edits of the samples of one point: a value is corrected, a range marked or removed.

An edit is a change with a reason, which can be undone as that of an import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..kinds.datetimes import DateTime
from ..kinds.scalars import NA, REMOVE
from ..kinds.series import instant_of, microseconds_of
from ..storage.base import StorageAdapter
from ..storage.sample_edits import EDIT, Origin
from ..storage.samples import HisPoint
from .his_range import parse_range
from .registry import Context, OpError

__all__ = ["ACTIONS", "LONGEST_REASON", "MOST", "edit_samples"]

ACTIONS = ("set", "na", "remove")
MOST = 100_000
"""Samples of one edit."""
LONGEST_REASON = 500


def edit_samples(
    context: Context,
    id: str,
    action: str,
    reason: str,
    *,
    ts: DateTime | None = None,
    value: Any = None,
    range: str | None = None,
) -> dict[str, Any]:
    """Set the sample at ``ts`` to ``value``, or mark or remove those of a range.

    The action ``na`` marks samples as not available. The range is one of hisRead: its
    start is included, its end is not. Returns ``change``, the id for the undo, which is
    None if nothing is kept of it, and ``samples``, how many were edited. Raises
    OpError, UnknownEntity, NotHistorized or InvalidSample.
    """
    store = context.storage
    origin = Origin(context.username, EDIT, reason=reason)
    with store.locked([id]):
        [(point, _)] = store.his_writable([id])
        if action == "set":
            if ts is None or value is None:
                raise OpError("set needs ts and value")
            samples = [(ts, value)]
            _check_exists(store, point, ts)
        else:
            if range is None:
                raise OpError(f"{action} needs range")
            to = NA if action == "na" else REMOVE
            samples = [(at, to) for at in _times(context, point, range)]
        known, batches = store.his_checked({id: samples})
        is_kept = bool(samples) and store.write_batches(
            known, batches, origin, context.now
        )
    return {"change": origin.change if is_kept else None, "samples": len(samples)}


def _check_exists(store: StorageAdapter, point: HisPoint, ts: DateTime) -> None:
    time = microseconds_of(ts.utc)
    if time not in store.his_at({point.id: [time]}).get(point.id, {}):
        raise OpError(f"@{point.id} has no sample at {ts.iso}: add one with hisWrite")


def _times(context: Context, point: HisPoint, range: str) -> Iterator[DateTime]:
    """The times of the samples in a range. Raises ParseError, or OpError for many."""
    span = parse_range(range, point.tz, context.now)
    first = microseconds_of(span.start.utc)
    until = None if span.until is None else microseconds_of(span.until)
    count = 0
    for chunk in context.storage.his_chunks(point.id, first, until):
        count += len(chunk.times)
        if count > MOST:
            raise OpError(f"the range has more than {MOST:,} samples: edit fewer")
        for time in chunk.times:
            yield DateTime(instant_of(time), point.tz)
