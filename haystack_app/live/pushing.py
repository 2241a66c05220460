"""What a hub sends: news of many watches from few looks at the store."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import (
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Any

import orjson

from ..conf import limit
from ..kinds.grid import Grid
from ..ops.watch import news_grid
from ..storage.base import StorageAdapter
from ..wire import hayson_writer
from .hints import Hints
from .pushed import Pushed
from .threads import in_thread

__all__ = ["ended_text", "push", "renew"]

Watches = Mapping[str, Pushed]
Ids = Collection[str] | None


async def push(watches: Watches, holder: str, hints: Hints) -> None:
    """News of all watches that hints are about or that are late.

    One that has no room for news stays late. So does one that fails; the last
    failure is raised when all others have been looked at.
    """
    failure: Exception | None = None
    for group, among in _groups(watches.values(), hints):
        ready = [it for it in group if watches.get(it.id) is it and it.has_room]
        try:
            await _push(ready, holder, among)
        except Exception as error:
            failure = error
            for watch in ready:
                watch.late = True
    if failure is not None:
        raise failure


def _groups(
    watches: Iterable[Pushed], hints: Hints
) -> Iterator[tuple[list[Pushed], Ids]]:
    """Watches that are asked about together, and among which ids; None for all.

    Those by filter stand alone: one that takes long holds up no other.
    """
    groups: dict[Any, tuple[list[Pushed], Ids]] = {}
    for watch in watches:
        alias = watch.store.alias
        ids: Ids = hints.ids.get(alias, frozenset())
        if not watch.late and ids is not None and not ids:
            continue
        if not watch.has_room:
            watch.late = True
            continue
        everywhere = watch.late or ids is None or watch.reaches_out
        watch.late = False
        alone = watch.filter is not None and watch.id
        key = alias, repr(watch.store.scope), everywhere, alone
        groups.setdefault(key, ([], None if everywhere else ids))[0].append(watch)
    yield from groups.values()


async def _push(watches: Sequence[Pushed], holder: str, among: Ids) -> None:
    if not watches:
        return
    async with _turns(watches):
        acks = {watch.id: watch.acked for watch in watches}
        found = await in_thread(_texts, watches[0].store, acks, holder, among)
        for watch in watches:
            if watch.id in found:
                seq, text = found[watch.id]
                watch.sent(seq)
                watch.connection.send_soon(text)


def _texts(
    store: StorageAdapter, acks: Mapping[str, int], holder: str, among: Ids
) -> dict[str, tuple[int, str]]:
    """Number and message of the news of some watches."""
    now = dt.datetime.now(dt.UTC)
    with store.time_limit(limit("STATEMENT_SECONDS")):
        found = store.watch_news(acks, holder=holder, now=now, among=among)
    return {
        id: (news.seq, _message({"op": "push"}, news_grid(news, {})))
        for id, news in found.items()
    }


async def renew(watches: Watches, holder: str) -> list[Pushed]:
    """Begin leases anew that need it; the watches that are not ours any more."""
    now = asyncio.get_running_loop().time()
    due: dict[Any, list[Pushed]] = {}
    for watch in watches.values():
        if watch.must_renew(now):
            key = watch.store.alias, repr(watch.store.scope)
            due.setdefault(key, []).append(watch)
    lost: list[Pushed] = []
    for group in due.values():
        ids = [watch.id for watch in group]
        valid = await in_thread(_renewed, group[0].store, ids, holder)
        for watch in group:
            watch.renewed = now
        lost += [watch for watch in group if watch.id not in valid]
    return lost


def _renewed(store: StorageAdapter, ids: Sequence[str], holder: str) -> set[str]:
    return store.watch_renew(ids, holder=holder, now=dt.datetime.now(dt.UTC))


@asynccontextmanager
async def _turns(watches: Sequence[Pushed]) -> AsyncIterator[None]:
    """All turns at once, for nobody had one a moment ago: this does not wait."""
    for watch in watches:
        await watch.turn.acquire()
    try:
        yield
    finally:
        for watch in watches:
            watch.turn.release()


def _message(words: Mapping[str, Any], grid: Grid) -> str:
    """A JSON object of some words and a grid."""
    head = orjson.dumps(words).decode()[:-1]
    return f'{head},"grid":{hayson_writer.grid_text(grid)}}}'


def ended_text(id: str) -> str:
    dis = "the watch has ended, or its news goes elsewhere"
    return orjson.dumps({"op": "end", "watchId": id, "dis": dis}).decode()
