"""A watch that is pushed, and the connection that it is pushed to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any, Protocol

from ..filters import parse, traverses_refs
from ..storage.base import StorageAdapter

__all__ = ["Connection", "Subscription"]

WINDOW = 8
"""Pushes of a watch that may be under way; then the server waits for an ack."""
_LONGEST = 20.0
"""Seconds until one sees that a watch was closed, or is asked for elsewhere."""


class Connection(Protocol):
    """Whoever is at the other end takes one message after the other."""

    @property
    def has_room(self) -> bool:
        """Whether it takes what it gets, so that more would not pile up here."""

    def send_soon(self, text: str) -> None: ...

    def ended(self, watch: Subscription) -> None:
        """Its news goes elsewhere from now on, or nowhere."""


class Subscription:
    """``acked`` is the number of the last news that arrived, ``unacked`` are those
    under way, ``seq`` is the last that was sent. ``late``: nobody has looked for
    news, or there was no room for them. ``in_doubt``: the store may take news for
    told that never were sent. ``is_slow``: looking for news takes long.
    ``is_paused``: it failed just now.

    Whoever has ``turn`` may send news of the watch: so that they are sent in the
    order of their numbers. ``meta`` is that of the answer of the op that last told
    news of it.
    """

    def __init__(
        self,
        meta: Mapping[str, Any],
        connection: Connection,
        store: StorageAdapter,
        is_slow: bool = False,
    ) -> None:
        self.id: str = meta["watchId"]
        self.filter: str | None = meta.get("filter")
        self.connection = connection
        self.turn = asyncio.Lock()
        self.acked = self.seq = 0
        self.is_slow = is_slow and self.filter is not None
        self.in_doubt = self.is_paused = False
        self.unacked: deque[int] = deque()
        self.look_as(store)
        self.told(meta)

    def look_as(self, store: StorageAdapter) -> None:
        """``store`` is as far as who is connected may see it.

        Whoever sees something else does not know the watch: renewing it tells.
        """
        self.store = store
        self.renewed = -inf
        trees = [store.scope] if store.scope else []
        if self.filter is not None:
            trees.append(parse(self.filter))
        # then a hint about one entity may be about another one, too
        self.traverses_refs = any(map(traverses_refs, trees))
        self.late = True

    def told(self, meta: Mapping[str, Any]) -> None:
        """An op told something: the lease has begun anew."""
        self.lease: float = meta["lease"].val
        self.renewed = asyncio.get_running_loop().time()
        self.sent(int(meta["seq"].val))
        self.late = True

    @property
    def has_room(self) -> bool:
        return (
            not (self.turn.locked() or self.is_paused)
            and len(self.unacked) <= WINDOW
            and self.connection.has_room
        )

    def doubt(self) -> None:
        """Something went wrong while news was told."""
        self.in_doubt = self.late = True

    def sent(self, seq: int) -> None:
        self.seq = max(self.seq, seq)
        if not self.unacked or self.unacked[-1] < seq:
            self.unacked.append(seq)

    def ack(self, seq: int) -> bool:
        """News up to a number have arrived; whether others wait for that."""
        while self.unacked and self.unacked[0] <= seq:
            self.acked = self.unacked.popleft()
        return self.late

    def must_renew(self, now: float) -> bool:
        return now - self.renewed > min(self.lease / 3, _LONGEST)
