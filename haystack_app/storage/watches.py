"""Watches: subscriptions to entities, and which versions were sent to the client.

A watch stores the version of each entity that it sent last. An update has all
entities with another version now, so that no order of commits can hide a change and
concurrent polls lose none. Updates are numbered: a client that names the last one it
received gets all later changes again, in their current state.

Source: docHaystack Ops (watchSub, watchPoll, watchUnsub); watches by filter and
numbers of updates are extensions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..conf import limit
from ..filters import NOT_TRASH, is_relative, parse, without_trash
from ..filters.ast import Filter
from ..wire.record import Record
from .changes import Records
from .errors import InvalidWatch, UnknownWatch
from .namespaces import NamespaceStore
from .watch_types import UNKNOWN, Delta, Watch, WatchItem, WatchUpdate

__all__ = ["WatchStore"]

_RENEWED = 0.9
"""A lease is saved again when less than this part of it is left."""
_LONGEST_DIS = 1_000


class WatchStore(NamespaceStore):
    """``now`` is an aware datetime; unknown watches raise UnknownWatch."""

    # -- backends may override these ------------------------------------------

    def watch_size(self, id: str) -> int:
        return len(self.watch_items(id))

    def watch_changed(
        self,
        watch: Watch,
        *,
        everything: bool = False,
        among: Collection[str] | None = None,
    ) -> Delta:
        """What a watch must send, of all entities or ``among`` some ids only.

        ``everything``: unchanged entities as well.
        """
        items = self.watch_items(watch.id)
        of_interest = items.keys() if among is None else items.keys() & set(among)
        shown = self.watch_shown(watch)
        ids = of_interest if watch.filter is None else among
        held = self.versions(shown, ids)
        changed = [
            id
            for id, version in held.items()
            if everything or id not in items or items[id].sent != version
        ]
        rows = self.versioned(shown, changed)
        gone = [
            id for id in of_interest if id not in held and items[id].sent is not None
        ]
        return Delta(
            {id: version for id, (version, _) in rows.items()},
            Records.of(record for _, record in rows.values()),
            sorted(gone),
            {id: items[id].sent or UNKNOWN for id in rows if id in items},
        )

    def watch_mark_unconfirmed(self, id: str, since: int) -> None:
        """Updates after number ``since`` may not have arrived: send them again."""
        items = self.watch_items(id).items()
        late = {one: WatchItem(UNKNOWN, it.seq) for one, it in items if it.seq > since}
        self.watch_put_items(id, late)

    def watch_prune_removed(self, id: str, upto: int) -> None:
        """Delete items of entities whose removal was sent in updates up to a number."""
        items = self.watch_items(id).items()
        sent = [one for one, it in items if it.sent is None and it.seq <= upto]
        self.watch_put_items(id, dict.fromkeys(sent))

    def watch_updates(
        self,
        acks: Mapping[str, int],
        *,
        subscriber: str,
        now: dt.datetime,
        among: Collection[str] | None = None,
    ) -> dict[str, WatchUpdate]:
        """Updates of watches, by id, for their subscriber.

        Watches without changes, expired ones and those of other subscribers are left
        out. ``acks`` are the numbers of the last updates that arrived. Leases are not
        renewed. A watch by filter that has grown too large is closed.
        """
        found = {}
        for id, ack in acks.items():
            try:
                with self.locked_watches([id]) as held:
                    watch = self.watch_valid(held.get(id), now, subscriber)
                    if watch and (
                        update := self.watch_collect_update(watch, ack, among=among)
                    ):
                        found[id] = update
            except InvalidWatch:
                self.watch_drop([id])
        return found

    def watch_requeue(
        self, sent: Mapping[str, int], *, subscriber: str, now: dt.datetime
    ) -> None:
        """Updates after these numbers, by id, were not delivered: send them again."""
        with self.locked_watches(sent) as held:
            for one in held.values():
                watch = self.watch_valid(one, now, subscriber)
                if watch and watch.seq > sent[watch.id]:
                    self.watch_mark_unconfirmed(watch.id, sent[watch.id])

    def watch_renew(
        self, ids: Collection[str], *, subscriber: str, now: dt.datetime
    ) -> set[str]:
        """Renew leases; returns the ids of the watches that are still valid."""
        with self.locked_watches(ids) as held:
            valid = [
                one for one in held.values() if self.watch_valid(one, now, subscriber)
            ]
            for watch in valid:
                self.watch_update(replace(watch, expires=watch.end(now)))
        return {watch.id for watch in valid}

    # -- operations -----------------------------------------------------------

    def watch_open(
        self,
        dis: str,
        *,
        owner: str,
        lease: float,
        now: dt.datetime,
        filter: str | None = None,
    ) -> Watch:
        """A new watch, of ids to add later or of entities that match a filter.

        Raises ParseError, or InvalidWatch if the owner has too many.
        """
        if filter is not None:
            self.parsed(filter)
            if is_relative(parse(filter)):
                raise InvalidWatch(
                    "filter: times such as now and today are not allowed in a watch,"
                    " which notices changes and not the passing of time"
                )
        if "\0" in dis:
            raise InvalidWatch("watchDis: U+0000 cannot be stored")
        if len(dis) > _LONGEST_DIS:
            raise InvalidWatch(f"watchDis: at most {_LONGEST_DIS} characters")
        most = limit("WATCHES")
        if self.watch_count(owner, now) >= most:
            raise InvalidWatch(f"{most} watches are open already (cap WATCHES)")
        watch = Watch(
            secrets.token_hex(16),
            dis,
            owner,
            self._key(),
            filter,
            lease,
            now + dt.timedelta(seconds=lease),
        )
        self.watch_insert(watch)
        return watch

    def watch_sub(
        self,
        id: str,
        ids: Sequence[str],
        *,
        now: dt.datetime,
        lease: float | None = None,
        subscriber: str | None = None,
    ) -> tuple[Watch, list[Record | None]]:
        """Add entities; returns a record or None for each id, in the given order.

        Unknown ids are not watched. Raises InvalidWatch.
        """
        with self._watch(id, now, lease, subscriber) as watch:
            if ids and watch.filter is not None:
                raise InvalidWatch("a watch by filter takes no ids")
            distinct = list(dict.fromkeys(ids))
            found = self.versioned(NOT_TRASH, distinct)
            seq = watch.seq + bool(found)
            versions = {one: version for one, (version, _) in found.items()}
            self.watch_put_items(id, Delta(versions).items(seq))
            self._check_size(id)
            watch = replace(watch, seq=seq)
            if found:
                self.watch_update(watch)
        return watch, [found[one][1] if one in found else None for one in ids]

    def watch_unsub(self, id: str, ids: Sequence[str], *, now: dt.datetime) -> None:
        """Remove entities from a watch; ids that it does not have are ignored."""
        with self._watch(id, now) as watch:
            if ids and watch.filter is not None:
                raise InvalidWatch("a watch by filter can only be closed")
            self.watch_put_items(id, dict.fromkeys(ids))

    def watch_close(self, id: str) -> None:
        """Close a watch, if it exists."""
        with self.locked_watches([id]) as held:
            if id in held and held[id].key == self._key():
                self.watch_drop([id])

    def watch_poll(
        self,
        id: str,
        *,
        now: dt.datetime,
        refresh: bool = False,
        since: int | None = None,
        subscriber: str = "",
    ) -> WatchUpdate:
        """What has changed since the last poll, or all watched entities.

        ``since`` is the number of the last update that arrived, for callers that may
        have missed later ones: these changes are sent again. ``subscriber`` receives
        the updates from now on.
        """
        with self._watch(id, now, subscriber=subscriber) as watch:
            if since is not None and not 0 <= since <= watch.seq:
                raise InvalidWatch(f"watch @{id} has not sent update number {since}")
            ack = watch.seq if since is None else since
            if ack < watch.seq:
                self.watch_mark_unconfirmed(id, ack)
            return self.watch_collect_update(watch, ack, everything=refresh)

    def watch_expire(self, now: dt.datetime) -> int:
        """Close the watches whose lease has expired; returns how many."""
        if not (due := self.watches_due(now)):
            return 0
        with self.locked_watches(due) as held:
            ended = [one.id for one in held.values() if one.expires <= now]
            self.watch_drop(ended)
        return len(ended)

    # -- helpers --------------------------------------------------------------

    def watch_shown(self, watch: Watch) -> Filter:
        """Filter of the entities that a watch sends."""
        if watch.filter is None:
            return NOT_TRASH
        return without_trash(self.parsed(watch.filter))

    def _key(self) -> str:
        if self.scope is None:
            return ""
        return hashlib.sha256(repr(self.scope).encode()).hexdigest()

    def watch_valid(
        self, watch: Watch | None, now: dt.datetime, subscriber: str | None = None
    ) -> Watch | None:
        """The watch, if it has not ended, is the caller's, and has this subscriber."""
        if watch is None or watch.expires <= now or watch.key != self._key():
            return None
        return watch if subscriber in (None, watch.subscriber) else None

    @contextmanager
    def _watch(
        self,
        id: str,
        now: dt.datetime,
        lease: float | None = None,
        subscriber: str | None = None,
    ) -> Iterator[Watch]:
        """Lock a watch and renew its lease. Raises UnknownWatch."""
        with self.locked_watches([id]) as held:
            if (watch := self.watch_valid(held.get(id), now)) is None:
                raise UnknownWatch(id)
            left = (watch.expires - now).total_seconds()
            renewed = replace(
                watch,
                lease=watch.lease if lease is None else lease,
                subscriber=watch.subscriber if subscriber is None else subscriber,
            )
            if renewed != watch or left < _RENEWED * watch.lease:
                renewed = replace(renewed, expires=renewed.end(now))
                self.watch_update(renewed)
            yield renewed

    def watch_collect_update(
        self,
        watch: Watch,
        ack: int,
        *,
        everything: bool = False,
        among: Collection[str] | None = None,
    ) -> WatchUpdate:
        found = self.watch_changed(watch, everything=everything, among=among)
        if not found:
            return WatchUpdate.of(watch, Delta())
        watch = replace(watch, seq=watch.seq + 1)
        if watch.filter is not None:
            self.watch_prune_removed(watch.id, ack)
        self.watch_put_items(watch.id, found.items(watch.seq))
        if watch.filter is not None:
            self._check_size(watch.id)
        self.watch_update(watch)
        return WatchUpdate.of(watch, found)

    def _check_size(self, id: str) -> None:
        if (size := self.watch_size(id)) > (most := limit("WATCHED")):
            raise InvalidWatch(
                f"the watch would have {size} entities, at most {most} (cap WATCHED)"
            )
