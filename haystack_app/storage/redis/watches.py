"""Watches: separate keys, with locks separate from those of the entities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from ...kinds.scalars import is_ref_id
from ...kinds.series import instant_of, microseconds_of
from ..watch_types import Delta, Watch, WatchItem, WatchUpdate
from .entities import BATCH, versions_of
from .keys import Keys
from .locks import Lease
from .reading import RedisReading
from .server import Command, Server
from .transaction import apply

__all__ = ["RedisWatches"]


class _WatchTransaction:
    """The changes of a caller that holds the locks of watches."""

    def __init__(self, server: Server, keys: Keys) -> None:
        self.server = server
        self.lease = Lease(server, keys.watch_locks)
        self.commands: list[Command] = []
        self.items: dict[str, dict[str, WatchItem]] = {}


class RedisWatches(RedisReading):
    # -- watches ---------------------------------------------------------------

    def watch_insert(self, watch: Watch) -> None:
        with self._watching([watch.id]) as work:
            work.commands += self._put(watch)

    def watch_update(self, watch: Watch) -> None:
        with self._watching([watch.id]) as work:
            work.commands += self._put(watch)

    def _put(self, watch: Watch) -> Iterator[Command]:
        end = str(microseconds_of(watch.expires))
        yield "SET", self.keys.watch(watch.id), _text(watch)
        yield "ZADD", self.keys.watches, end, watch.id
        yield "ZADD", self.keys.watches_of(watch.owner), end, watch.id

    @contextmanager
    def locked_watches(self, ids: Collection[str]) -> Iterator[dict[str, Watch]]:
        known = [id for id in ids if is_ref_id(id)]
        with self._watching(known):
            yield self._watches(known)

    @contextmanager
    def _watching(self, ids: Collection[str]) -> Iterator[_WatchTransaction]:
        held: _WatchTransaction | None = getattr(self._local, "watching", None)
        if held is not None:
            held.lease.acquire(list(ids))
            yield held
            return
        self._local.watching = work = _WatchTransaction(self.server, self.keys)
        try:
            work.lease.acquire(list(ids))
            yield work
            apply(self.server, self.keys, work.lease, "", work.commands)
        finally:
            self._local.watching = None
            work.lease.release()

    def _watches(self, ids: Collection[str]) -> dict[str, Watch]:
        wanted = list(ids)
        texts = self.server.mget([self.keys.watch(id) for id in wanted])
        return {
            id: _watch(text)
            for id, text in zip(wanted, texts, strict=True)
            if text is not None
        }

    def watch_drop(self, ids: Collection[str]) -> None:
        with self._watching(ids) as work:
            for id, watch in self._watches(ids).items():
                key = self.keys.watches_of(watch.owner)
                work.commands.append(("ZREM", key, id))
            for id in ids:
                work.commands += (
                    ("UNLINK", self.keys.watch(id), self.keys.watch_items(id)),
                    ("ZREM", self.keys.watches, id),
                )
                work.items.pop(id, None)

    def watch_count(self, owner: str, now: dt.datetime) -> int:
        return self.server.zcount_after(
            self.keys.watches_of(owner), microseconds_of(now)
        )

    def watches_due(self, now: dt.datetime) -> list[str]:
        return self.server.zrange_upto(
            self.keys.watches, microseconds_of(now), most=BATCH
        )

    # -- items -----------------------------------------------------------------

    def watch_items(self, id: str) -> dict[str, WatchItem]:
        work: _WatchTransaction | None = getattr(self._local, "watching", None)
        if work is not None and id in work.items:
            return dict(work.items[id])
        found = self.server.hgetall(self.keys.watch_items(id))
        items = {one: _item(text) for one, text in found.items()}
        if work is not None and work.lease.covers(id):
            work.items[id] = dict(items)
        return items

    def watch_put_items(self, id: str, items: Mapping[str, WatchItem | None]) -> None:
        with self._watching([id]) as work:
            held = self.watch_items(id)
            removed = [it for it, item in items.items() if item is None and it in held]
            changed = {it: item for it, item in items.items() if item is not None}
            key = self.keys.watch_items(id)
            for at in range(0, len(removed), BATCH):
                work.commands.append(("HDEL", key, *removed[at : at + BATCH]))
            pairs = [(it, _item_text(item)) for it, item in changed.items()]
            for at in range(0, len(pairs), BATCH):
                part = pairs[at : at + BATCH]
                words = (word for pair in part for word in pair)
                work.commands.append(("HSET", key, *words))
            others = {it: item for it, item in held.items() if it not in removed}
            work.items[id] = others | changed

    # -- updates ---------------------------------------------------------------

    def watch_changed(
        self,
        watch: Watch,
        *,
        everything: bool = False,
        among: Collection[str] | None = None,
    ) -> Delta:
        """Fetches versions only, for most watches have no changes.

        With a filter or a scope, changes of other entities can affect a result.
        """
        if everything or watch.filter is not None or self.scope is not None:
            return super().watch_changed(watch, everything=everything, among=among)
        items = self.watch_items(watch.id)
        ids = items.keys() if among is None else items.keys() & set(among)
        held = versions_of(self.server, self.keys, ids)
        changed = [id for id in ids if held.get(id) != items[id].sent]
        if not changed:
            return Delta()
        return super().watch_changed(watch, among=changed)

    def watch_updates(
        self,
        acks: Mapping[str, int],
        *,
        subscriber: str,
        now: dt.datetime,
        among: Collection[str] | None = None,
    ) -> dict[str, WatchUpdate]:
        if among is not None:
            affected = self._affected(list(acks), list(among))
            acks = {id: acks[id] for id in affected}
        return super().watch_updates(acks, subscriber=subscriber, now=now, among=among)

    def _affected(self, ids: list[str], among: list[str]) -> list[str]:
        """Those of the watches that a change of ``among`` may affect."""
        if not among:
            return []
        by_filter = {
            id for id, one in self._watches(ids).items() if one.filter is not None
        }
        found = self.server.together(
            *(("HMGET", self.keys.watch_items(id), *among) for id in ids)
        )
        return [
            id
            for id, items in zip(ids, found, strict=True)
            if id in by_filter or any(item is not None for item in items)
        ]


def _text(watch: Watch) -> bytes:
    fields = {name: getattr(watch, name) for name in Watch.__slots__}
    return orjson.dumps({**fields, "expires": microseconds_of(watch.expires)})


def _watch(text: bytes) -> Watch:
    fields: dict[str, Any] = orjson.loads(text)
    return Watch(**{**fields, "expires": instant_of(fields["expires"])})


def _item_text(item: WatchItem) -> str:
    return f"{'' if item.sent is None else item.sent}:{item.seq}"


def _item(text: bytes) -> WatchItem:
    sent, _, seq = text.partition(b":")
    return WatchItem(int(sent) if sent else None, int(seq))
