"""What a hub sends: news of many watches from few looks at the store."""

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
from ..kinds.grid import Grid
from ..ops.watch import update_grid
from ..storage.base import StorageAdapter
from ..wire import hayson_writer
from .notifications import Hints
from .subscription import Subscription
from .threads import LOOKS, SHORT, SLOW_LOOKS, in_thread, in_thread_of

__all__ = ["SLOW_SECONDS", "Group", "ended_text", "groups", "push", "renew"]

SLOW_SECONDS = 1.0
"""Whoever looks longer for the news of a watch by filter is waited for no more."""

Watches = Mapping[str, Subscription]
Ids = Collection[str] | None
Texts = dict[str, tuple[int, str]]
"""By id of a watch, number and message of its news."""


class Group(NamedTuple):
    """Watches that are asked about together, of which store as who may see it, and
    among which ids; None for all."""

    watches: list[Subscription]
    store: StorageAdapter
    among: Ids

    @property
    def by_filter(self) -> bool:
        return self.watches[0].filter is not None

    @property
    def is_slow(self) -> bool:
        return self.watches[0].is_slow


def groups(watches: Iterable[Subscription], hints: Hints) -> list[Group]:
    """Watches that hints are about or that are late, and that have room for news;
    one that has none stays late.

    Those by filter stand alone: one that takes long holds up no other.
    """
    found: dict[Any, Group] = {}
    for watch in watches:
        alias = watch.store.alias
        ids: Ids = hints.ids.get(alias, frozenset())
        if not watch.late and ids is not None and not ids:
            continue
        if not watch.has_room:
            watch.late = True
            continue
        everywhere = watch.late or ids is None or watch.traverses_refs
        watch.late = False
        alone = watch.filter is not None and watch.id
        key = alias, repr(watch.store.scope), everywhere, alone
        group = found.setdefault(
            key, Group([], watch.store, None if everywhere else ids)
        )
        group.watches.append(watch)
    return list(found.values())


async def push(watches: Watches, subscriber: str, group: Group) -> None:
    """News of a group of ``watches``; where that fails they are late, in doubt.

    What was told for a connection that has been replaced meanwhile is told again to
    the one that is there now.
    """
    async with _turns(group.watches) as taken:
        ready = [it for it in taken if _is_ready(watches, it, group.store)]
        found = await _told(group, ready, subscriber) if ready else {}
        for watch in ready:
            if watch.id in found:
                _send(watches, watch, *found[watch.id])


async def _told(group: Group, ready: Sequence[Subscription], subscriber: str) -> Texts:
    asked, threads = _Asked(group.store, subscriber, group.among), _threads(group)
    acks = {watch.id: watch.acked for watch in ready}
    sent = {watch.id: watch.seq for watch in ready if watch.in_doubt}
    for watch in ready:
        watch.in_doubt = False
        watch.is_slow = group.by_filter  # unless it is done in time
    try:
        found, seconds = await in_thread_of(threads, asked.texts, acks, sent)
    except BaseException:
        for watch in ready:
            watch.doubt()
        raise
    for watch in ready:
        watch.is_slow = group.by_filter and seconds > SLOW_SECONDS
    return found


def _threads(group: Group) -> ThreadPoolExecutor:
    if group.is_slow:
        return SLOW_LOOKS
    return LOOKS if group.by_filter and group.among is None else SHORT


def _is_ready(watches: Watches, watch: Subscription, store: StorageAdapter) -> bool:
    """As of when its turn has come; where it has no room by now, or sees something
    else, it is late again."""
    if watches.get(watch.id) is not watch:
        return False
    if watch.connection.has_room and watch.store.scope == store.scope:
        return True
    watch.late = True
    return False


def _send(watches: Watches, watch: Subscription, seq: int, text: str) -> None:
    now = watches.get(watch.id)
    if now is watch:
        watch.sent(seq)
        watch.connection.send_soon(text)
    elif now is not None:
        now.doubt()


@dataclass(frozen=True, slots=True)
class _Asked:
    store: StorageAdapter
    subscriber: str
    among: Ids

    def texts(
        self, acks: Mapping[str, int], sent: Mapping[str, int]
    ) -> tuple[Texts, float]:
        """The news of some watches, of those in ``sent`` also what was told behind
        these numbers; and how many seconds that took."""
        now, began = dt.datetime.now(dt.UTC), time.monotonic()
        with self.store.time_limit(limit("STATEMENT_SECONDS")):
            if sent:
                self.store.watch_requeue(sent, subscriber=self.subscriber, now=now)
            found = self.store.watch_updates(
                acks, subscriber=self.subscriber, now=now, among=self.among
            )
        texts = {
            id: (news.seq, _message({"op": "push"}, update_grid(news, {})))
            for id, news in found.items()
        }
        return texts, time.monotonic() - began


async def renew(watches: Watches, subscriber: str) -> AsyncIterator[list[Subscription]]:
    """Begin leases anew that need it; the watches that are not ours any more.

    A store that fails keeps nothing from the others: its failure is raised last.
    """
    now = asyncio.get_running_loop().time()
    due: dict[Any, list[Subscription]] = {}
    for watch in watches.values():
        if watch.must_renew(now):
            key = watch.store.alias, repr(watch.store.scope)
            due.setdefault(key, []).append(watch)
    asked = [_renew(group, subscriber, now) for group in due.values()]
    found = await asyncio.gather(*asked, return_exceptions=True)
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
async def _turns(watches: Sequence[Subscription]) -> AsyncIterator[list[Subscription]]:
    """The turns of those that nobody has just taken; the others are late."""
    async with AsyncExitStack() as turns:
        taken: list[Subscription] = []
        for watch in watches:
            if watch.turn.locked():
                watch.late = True
            else:
                await turns.enter_async_context(watch.turn)
                taken.append(watch)
        yield taken


def _message(words: Mapping[str, Any], grid: Grid) -> str:
    """A JSON object of some words and a grid."""
    head = orjson.dumps(words).decode()[:-1]
    return f'{head},"grid":{hayson_writer.grid_text(grid)}}}'


def ended_text(id: str) -> str:
    dis = "the watch has ended, or its news goes elsewhere"
    return orjson.dumps({"op": "end", "watchId": id, "dis": dis}).decode()
