"""The ops ``watchSub``, ``watchPoll`` and ``watchUnsub``.

Source: docHaystack Ops. Extensions: meta ``filter`` watches all entities that match;
``gone`` lists entities that are no longer in the watch; ``ack`` is the ``seq`` of the
last answer that arrived, so that the server repeats updates that were lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref
from ..storage.errors import UnknownWatch
from ..storage.watch_types import Watch, WatchUpdate
from ..wire.zinc_writer import display_text
from .arguments import require_filter, require_seconds, require_str, row_ids
from .registry import Context, OpError, op

__all__ = ["update_grid"]

_LEASE, _LONGEST_LEASE = 60.0, 3_600.0
"""Seconds."""


@op(
    "watchSub",
    permission="view_entity",
    side_effects=True,
    read_scope=True,
    requires_meta=True,
)
def watch_sub(context: Context, request: Grid) -> Grid:
    """Watch the entities of the rows, in a new watch or in that of meta ``watchId``.

    A new watch requires meta ``watchDis``; with meta ``filter`` it covers all entities
    that match. Meta ``lease`` defaults to a minute and is an hour at most. The answer
    has one row per id, null for an unknown id, or the entities that match.
    """
    lease = _lease(request.meta.get("lease"))
    ids = [ref.id for ref in row_ids(request)]
    if request.meta.get("watchId") is not None:
        if "filter" in request.meta:
            raise OpError("meta filter and meta watchId are mutually exclusive")
        return _sub(context, _watch_id(request), ids, lease)
    dis = require_str(request.meta.get("watchDis"), "meta watchDis")
    tree = request.meta.get("filter")
    if tree is not None:
        require_filter(tree)
        if ids:
            raise OpError("meta filter and rows with ids are mutually exclusive")
    watch = context.storage.watch_open(
        dis,
        owner=context.username,
        lease=_LEASE if lease is None else lease,
        filter=None if tree is None else str(tree),
        now=context.now,
    )
    try:
        if tree is None:
            return _sub(context, watch.id, ids, None)
        update = context.storage.watch_poll(
            watch.id, now=context.now, subscriber=context.subscriber
        )
    except Exception:
        # the client does not learn the id
        with suppress(Exception):  # the watch ends with its lease
            context.storage.watch_close(watch.id)
        raise
    return update_grid(update, _meta(update.watch))


@op("watchPoll", permission="view_entity", side_effects=True, read_scope=True)
def watch_poll(context: Context, request: Grid) -> Grid:
    """Entities of the watch of meta ``watchId`` that changed since the last poll.

    With meta ``refresh``, all entities of the watch. With meta ``ack``, the ``seq`` of
    the last answer that arrived, also the updates that were sent after it.
    """
    update = context.storage.watch_poll(
        _watch_id(request),
        refresh=request.meta.get("refresh") not in (None, False),
        since=_ack(request.meta.get("ack")),
        now=context.now,
        subscriber=context.subscriber,
    )
    return update_grid(update, _meta(update.watch))


@op("watchUnsub", permission="view_entity", side_effects=True, read_scope=True)
def watch_unsub(context: Context, request: Grid) -> Grid:
    """Remove the entities of the rows from a watch; meta ``close`` ends it.

    An unknown or expired watch is not an error.
    """
    id = _watch_id(request)
    if request.meta.get("close") not in (None, False):
        context.storage.watch_close(id)
        return Grid()
    ids = [ref.id for ref in row_ids(request)]
    with suppress(UnknownWatch):
        context.storage.watch_unsub(id, ids, now=context.now)
    return Grid()


def _sub(context: Context, id: str, ids: Sequence[str], lease: float | None) -> Grid:
    watch, records = context.storage.watch_sub(
        id, ids, lease=lease, now=context.now, subscriber=context.subscriber or None
    )
    rows: list[Mapping[str, Any]] = [row if row else {} for row in records]
    meta = _meta(watch)
    return Grid.of(rows, meta=meta) if any(rows) else Grid([Col("id")], rows, meta)


def update_grid(update: WatchUpdate, meta: Mapping[str, Any]) -> Grid:
    """An update as the answer of ``watchPoll`` and the grid of a push."""
    meta = {**meta, "watchId": update.watch.id, "seq": Number(update.seq)}
    if update.gone:
        meta["gone"] = [Ref(id) for id in update.gone]
    return Grid.of(update.records.rows, update.records.names, meta)


def _meta(watch: Watch) -> dict[str, Any]:
    meta = {
        "watchId": watch.id,
        "lease": Number(watch.lease, "s"),
        "seq": Number(watch.seq),
    }
    return meta if watch.filter is None else meta | {"filter": watch.filter}


def _watch_id(request: Grid) -> str:
    return require_str(request.meta.get("watchId"), "meta watchId")


def _lease(value: Any) -> float | None:
    """Seconds; None if the request has no lease."""
    if value is None:
        return None
    seconds = require_seconds(value, "meta lease")
    if not seconds > 0:
        raise OpError(f"meta lease must be positive, not {display_text(value)}")
    return min(seconds, _LONGEST_LEASE)


def _ack(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Number) or value.unit or not value.val.is_integer():
        shown = display_text(value)
        raise OpError(f"meta ack must be a whole number, not {shown}")
    return int(value.val)
