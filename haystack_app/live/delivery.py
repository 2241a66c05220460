"""Delivery of updates: those of many watches by few queries of the store."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from ..conf import limit
from ..instruments import PUSH_SECONDS, PUSHES
from ..kinds.grid import Grid
from ..kinds.scalars import Ref
from ..ops.watch import update_grid
from ..replicas.positions import note
from ..storage.base import StorageAdapter
from ..storage.watch_types import WatchUpdate
from ..wire import hayson_writer
from ..wire.record import Record
from .notifications import Hints
from .subscription import TAGS, Subscription
from .tag_changes import tag_changes
from .threads import CHECKS, SHORT, SLOW_CHECKS, in_thread, in_thread_of

__all__ = ["SLOW_SECONDS", "Group", "Query", "end_message", "groups", "push", "renew"]

SLOW_SECONDS = 1.0
"""The hub does not wait longer for the updates of a watch by filter."""

Watches = Mapping[str, Subscription]
Ids = Collection[str] | None
Texts = dict[str, tuple[int, str]]
"""Number and message of an update, by the id of its watch."""


class Group(NamedTuple):
    """Watches whose updates are queried together.

    ``store`` shows what their users may see; ``among`` are the ids that may have
    changed, None for any. The change was noticed at ``since``, by the monotonic clock;
    None if nothing gave notice.
    """

    watches: list[Subscription]
    store: StorageAdapter
    among: Ids
    since: float | None

    @property
    def by_filter(self) -> bool:
        return self.watches[0].filter is not None

    @property
    def is_slow(self) -> bool:
        return self.watches[0].is_slow


def groups(watches: Iterable[Subscription], hints: Hints) -> list[Group]:
    """Group the watches that hints concern or that are pending.

    Watches without room for an update remain pending. A watch by filter is a group by
    itself, so that a slow one does not delay others.
    """
    found: dict[Any, Group] = {}
    for watch in watches:
        alias = watch.store.alias
        ids: Ids = hints.ids.get(alias, frozenset())
        if not watch.is_pending and ids is not None and not ids:
            continue
        if not watch.has_room:
            watch.is_pending = True
            continue
        everywhere = watch.is_pending or ids is None or watch.traverses_refs
        watch.is_pending = False
        single = watch.filter is not None and watch.id
        key = alias, repr(watch.store.scope), everywhere, single
        group = found.setdefault(
            key,
            Group(
                [],
                watch.store,
                None if everywhere else ids,
                hints.since if hints else None,
            ),
        )
        group.watches.append(watch)
    return list(found.values())


async def push(watches: Watches, subscriber: str, group: Group) -> None:
    """Send the updates of a group of ``watches``; on failure, mark them unconfirmed."""
    async with _locked(group.watches) as taken:
        ready = [it for it in taken if _is_ready(watches, it, group.store)]
        found = await _updates(group, ready, subscriber) if ready else {}
        for watch in ready:
            if watch.id in found:
                _send(watches, watch, *found[watch.id])
    if found and group.since is not None:
        PUSH_SECONDS.observe(time.monotonic() - group.since)


async def _updates(
    group: Group, ready: Sequence[Subscription], subscriber: str
) -> Texts:
    starts = {watch.id: watch.start for watch in ready if watch.form == TAGS}
    users = {watch.connection.user_pk for watch in ready}
    query = Query(group.store, subscriber, group.among, starts, tuple(users))
    threads = _threads(group)
    acks = {watch.id: watch.acked for watch in ready}
    sent = {watch.id: watch.seq for watch in ready if watch.needs_requeue}
    for watch in ready:
        watch.needs_requeue = False
        watch.is_slow = group.by_filter  # until it has finished in time
    try:
        found, seconds = await in_thread_of(threads, query.texts, acks, sent)
    except BaseException:
        for watch in ready:
            watch.mark_unconfirmed()
        raise
    for watch in ready:
        watch.is_slow = group.by_filter and seconds > SLOW_SECONDS
    return found


def _threads(group: Group) -> ThreadPoolExecutor:
    if group.is_slow:
        return SLOW_CHECKS
    return CHECKS if group.by_filter and group.among is None else SHORT


def _is_ready(watches: Watches, watch: Subscription, store: StorageAdapter) -> bool:
    """Whether an update can be sent, now that the lock is held.

    The watch becomes pending again if its connection has no room any more or its
    scope has changed.
    """
    if watches.get(watch.id) is not watch:
        return False
    if watch.connection.has_room and watch.store.scope == store.scope:
        return True
    watch.is_pending = True
    return False


def _send(watches: Watches, watch: Subscription, seq: int, text: str) -> None:
    """Send an update, unless the connection was closed in the meantime.

    Then it is not confirmed, and is sent again when the client resumes the watch.
    """
    if watches.get(watch.id) is watch:
        watch.sent(seq)
        watch.connection.send_soon(text)
        PUSHES.inc()


@dataclass(frozen=True, slots=True)
class Query:
    """A look for the updates of watches that are pushed by ``subscriber``."""

    store: StorageAdapter
    subscriber: str
    among: Ids
    starts: Mapping[str, int]
    """``Subscription.start`` of the watches that are pushed in the form ``tags``."""
    users: Sequence[Any] = ()
    """Primary keys of their users, who must not read older states afterwards."""

    def texts(
        self, acks: Mapping[str, int], sent: Mapping[str, int]
    ) -> tuple[Texts, float]:
        """The updates of watches by ``acks``, and the seconds that this took.

        Updates after the numbers in ``sent`` are requeued first.
        """
        now, began = dt.datetime.now(dt.UTC), time.monotonic()
        with self.store.time_limit(limit("STATEMENT_SECONDS")):
            if sent:
                self.store.watch_requeue(sent, subscriber=self.subscriber, now=now)
            found = self.store.watch_updates(
                acks, subscriber=self.subscriber, now=now, among=self.among
            )
        if found:
            note(*self.users)
        texts = {
            id: (update.seq, _message({"op": "push"}, self._grid(id, update)))
            for id, update in found.items()
        }
        return texts, time.monotonic() - began

    def _grid(self, id: str, update: WatchUpdate) -> Grid:
        if id not in self.starts:
            return update_grid(update, {})
        view = self.store.alias, repr(self.store.scope)
        return _in_tags(update, view, self.starts[id])


def _in_tags(update: WatchUpdate, view: tuple[str, str], start: int) -> Grid:
    """An update with the changed tags alone, where they are known.

    Meta ``whole`` has the ids of rows that are whole records.
    """
    rows, whole, names = [], [], {"id"}
    of_rows = zip(update.versions.items(), update.records, strict=True)
    for (id, version), record in of_rows:
        before = update.before.get(id)
        key = (*view, id)
        found = tag_changes.since(key, before, version, record.raw, start)
        if found is None:
            whole.append(Ref(id))
        rows.append(record if found is None else Record(found.text))
        names |= found.names if found else frozenset()
    if len(whole) == len(rows):
        return update_grid(update, {})
    if whole:
        names |= update.records.names
    meta = {"form": TAGS, **({"whole": whole} if whole else {})}
    plain = update_grid(update, meta)
    return Grid.of(rows, names, plain.meta)


async def renew(watches: Watches, subscriber: str) -> AsyncIterator[list[Subscription]]:
    """Renew leases that are due; yields watches that this process no longer owns.

    The failure of one store is raised after the others have been renewed.
    """
    now = asyncio.get_running_loop().time()
    due: dict[Any, list[Subscription]] = {}
    for watch in watches.values():
        if watch.must_renew(now):
            key = watch.store.alias, repr(watch.store.scope)
            due.setdefault(key, []).append(watch)
    renewals = [_renew(group, subscriber, now) for group in due.values()]
    found = await asyncio.gather(*renewals, return_exceptions=True)
    for lost in found:
        if not isinstance(lost, BaseException):
            yield lost
    for failure in found:
        if isinstance(failure, BaseException):
            raise failure


async def _renew(
    group: Sequence[Subscription], subscriber: str, now: float
) -> list[Subscription]:
    ids = [watch.id for watch in group]
    valid = await in_thread(_renewed, group[0].store, ids, subscriber)
    for watch in group:
        watch.renewed = now
    return [watch for watch in group if watch.id not in valid]


def _renewed(store: StorageAdapter, ids: Sequence[str], subscriber: str) -> set[str]:
    return store.watch_renew(ids, subscriber=subscriber, now=dt.datetime.now(dt.UTC))


@asynccontextmanager
async def _locked(watches: Sequence[Subscription]) -> AsyncIterator[list[Subscription]]:
    """Lock the watches that are not locked; the others become pending."""
    async with AsyncExitStack() as locks:
        taken: list[Subscription] = []
        for watch in watches:
            if watch.lock.locked():
                watch.is_pending = True
            else:
                await locks.enter_async_context(watch.lock)
                taken.append(watch)
        yield taken


def _message(members: Mapping[str, Any], grid: Grid) -> str:
    """A JSON object of ``members`` and a grid."""
    head = orjson.dumps(members).decode()[:-1]
    return f'{head},"grid":{hayson_writer.grid_text(grid)}}}'


def end_message(id: str) -> str:
    dis = "the watch has ended or was taken over by another connection"
    return orjson.dumps({"op": "end", "watchId": id, "dis": dis}).decode()
