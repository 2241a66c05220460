"""A watch that is pushed, and the connection that it is pushed to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any, Protocol

from ..filters import parse, traverses_refs
from ..storage.base import StorageAdapter
from .tag_changes import tag_changes

__all__ = ["RECORDS", "TAGS", "Connection", "Subscription"]

RECORDS, TAGS = "records", "tags"
"""Forms of updates: whole records, or their changed tags."""
WINDOW = 8
"""Pushes of a watch that may be unconfirmed; then the server waits for an ack."""
_LONGEST = 20.0
"""Seconds until a watch is found to be closed or taken over by another process."""


class Connection(Protocol):
    """The connection that updates are sent to."""

    @property
    def has_room(self) -> bool:
        """Whether messages can be queued without exceeding the limits."""

    @property
    def user_pk(self) -> Any:
        """The primary key of the user who is logged in."""

    def send_soon(self, text: str) -> None: ...

    def ended(self, watch: Subscription) -> None:
        """The watch has ended or was taken over by another connection."""


class Subscription:
    """A watch that is pushed to a connection.

    - ``seq``: the number of the last update that was sent
    - ``acked``: the number of the last update that the client acknowledged
    - ``unconfirmed``: numbers of updates that were sent and are not acknowledged
    - ``is_pending``: the store has to be checked for updates
    - ``needs_requeue``: the store may have recorded updates as sent that were not
    - ``is_slow``: checking for updates takes long
    - ``is_paused``: the last check failed
    - ``form``: RECORDS or TAGS
    - ``start``: a moment of ``tag_changes``, after which the client got whole records

    Callers must hold ``lock`` to send updates, so that they are sent in the order of
    their numbers. ``meta`` is that of the last answer of an op to the watch.
    """

    def __init__(
        self,
        meta: Mapping[str, Any],
        connection: Connection,
        store: StorageAdapter,
        is_slow: bool = False,
        form: str = RECORDS,
    ) -> None:
        self.form = form
        self.id: str = meta["watchId"]
        self.filter: str | None = meta.get("filter")
        self.connection = connection
        self.lock = asyncio.Lock()
        self.acked = self.seq = 0
        self.is_slow = is_slow and self.filter is not None
        self.needs_requeue = self.is_paused = False
        self.unconfirmed: deque[int] = deque()
        self.set_store(store)
        self.record_answer(meta)

    def set_store(self, store: StorageAdapter) -> None:
        """``store`` shows what the user of the connection may see.

        A user with another scope does not know the watch, so it is renewed soon.
        """
        self.store = store
        self.start = tag_changes.start()
        self.renewed = -inf
        trees = [store.scope] if store.scope else []
        if self.filter is not None:
            trees.append(parse(self.filter))
        # then a change of one entity may affect others
        self.traverses_refs = any(map(traverses_refs, trees))
        self.is_pending = True

    def record_answer(self, meta: Mapping[str, Any]) -> None:
        """Record an answer of an op, which also renewed the lease."""
        self.lease: float = meta["lease"].val
        self.renewed = asyncio.get_running_loop().time()
        self.sent(int(meta["seq"].val))
        self.start = tag_changes.start()
        self.is_pending = True

    @property
    def has_room(self) -> bool:
        return (
            not (self.lock.locked() or self.is_paused)
            and len(self.unconfirmed) <= WINDOW
            and self.connection.has_room
        )

    def mark_unconfirmed(self) -> None:
        """Record that sending an update failed."""
        self.needs_requeue = self.is_pending = True

    def sent(self, seq: int) -> None:
        self.seq = max(self.seq, seq)
        if not self.unconfirmed or self.unconfirmed[-1] < seq:
            self.unconfirmed.append(seq)

    def ack(self, seq: int) -> bool:
        """Confirm updates up to a number; whether the watch is pending."""
        while self.unconfirmed and self.unconfirmed[0] <= seq:
            self.acked = self.unconfirmed.popleft()
        return self.is_pending

    def must_renew(self, now: float) -> bool:
        return now - self.renewed > min(self.lease / 3, _LONGEST)
