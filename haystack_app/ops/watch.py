"""The ops ``watchSub``, ``watchPoll`` and ``watchUnsub``.

Source: docHaystack Ops. Extensions: meta ``filter`` watches whatever matches;
``gone`` names what is not there any more; ``ack`` says up to which ``seq`` answers
have arrived, for clients that want to hear again what they missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..kinds.grid import Col, Grid
from ..kinds.scalars import Number, Ref
from ..storage.errors import UnknownWatch
from ..storage.watch_types import Watch, WatchUpdate
from .arguments import filter_of, refs_of, seconds_of, text_of
from .registry import Context, OpError, op

__all__ = ["update_grid"]

_LEASE, _LONGEST_LEASE = 60.0, 3_600.0
"""Seconds."""


@op(
    "watchSub",
    permission="view_entity",
    side_effects=True,
    only_asks=True,
    tells_in_meta=True,
)
def watch_sub(context: Context, request: Grid) -> Grid:
    """Watch the entities of the rows, in a new watch or in that of meta ``watchId``.

    A new one needs meta ``watchDis``; meta ``filter`` makes it one of whatever
    matches. Meta ``lease`` is a minute unless it says otherwise, an hour at most.
    The answer has a row for each id, null for an unknown one, or what matches.
    """
    lease = _lease(request.meta.get("lease"))
    ids = [ref.id for ref in refs_of(request)]
    if request.meta.get("watchId") is not None:
        if "filter" in request.meta:
            raise OpError("meta filter is for a new watch, without meta watchId")
        return _sub(context, _watch_id(request), ids, lease)
    dis = text_of(request.meta.get("watchDis"), "meta watchDis")
    tree = request.meta.get("filter")
    if tree is not None:
        filter_of(tree)
        if ids:
            raise OpError("a watch has rows of ids or meta filter, not both")
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
        news = context.storage.watch_poll(
            watch.id, now=context.now, subscriber=context.subscriber
        )
    except Exception:
        with suppress(Exception):  # or its lease ends it
            context.storage.watch_close(watch.id)  # nobody would know its id
        raise
    return update_grid(news, _meta(news.watch))


@op("watchPoll", permission="view_entity", side_effects=True, only_asks=True)
def watch_poll(context: Context, request: Grid) -> Grid:
    """What of the watch of meta ``watchId`` has changed since the last poll.

    With meta ``refresh`` all that is watched. With meta ``ack``, the ``seq`` of the
    last answer that arrived, what was told behind it is told again.
    """
    news = context.storage.watch_poll(
        _watch_id(request),
        refresh=request.meta.get("refresh") not in (None, False),
        since=_ack(request.meta.get("ack")),
        now=context.now,
        subscriber=context.subscriber,
    )
    return update_grid(news, _meta(news.watch))


@op("watchUnsub", permission="view_entity", side_effects=True, only_asks=True)
def watch_unsub(context: Context, request: Grid) -> Grid:
    """Take the entities of the rows off a watch; meta ``close`` ends it.

    A watch that is unknown or has ended is as good as closed.
    """
    id = _watch_id(request)
    if request.meta.get("close") not in (None, False):
        context.storage.watch_close(id)
        return Grid()
    ids = [ref.id for ref in refs_of(request)]
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


def update_grid(news: WatchUpdate, meta: Mapping[str, Any]) -> Grid:
    """News as ``watchPoll`` answers it, and as it is pushed."""
    told = {**meta, "watchId": news.watch.id, "seq": Number(news.seq)}
    if news.gone:
        told["gone"] = [Ref(id) for id in news.gone]
    return Grid.of(news.records.rows, news.records.names, told)


def _meta(watch: Watch) -> dict[str, Any]:
    meta = {
        "watchId": watch.id,
        "lease": Number(watch.lease, "s"),
        "seq": Number(watch.seq),
    }
    return meta if watch.filter is None else meta | {"filter": watch.filter}


def _watch_id(request: Grid) -> str:
    return text_of(request.meta.get("watchId"), "meta watchId")


def _lease(value: Any) -> float | None:
    """Seconds; None where the request is silent."""
    if value is None:
        return None
    seconds = seconds_of(value, "meta lease")
    if not seconds > 0:
        raise OpError(f"meta lease must be positive, not {value}")
    return min(seconds, _LONGEST_LEASE)


def _ack(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Number) or value.unit or not value.val.is_integer():
        raise OpError(f"meta ack must be a whole number, not {value}")
    return int(value.val)
