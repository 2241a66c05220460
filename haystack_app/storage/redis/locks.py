"""Locks between processes, with leases.

A lock is a field of a hash: the id of an entity, or ``*`` for all. It expires some
seconds after its holder died; a thread of each process renews the locks of the
process. A new holder of an expired lock removes the token of the previous one, and the
script that writes checks the token: a previous holder that was only delayed is
rejected.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from os import register_at_fork

from redis.exceptions import ConnectionError, RedisError, TimeoutError

from ...kinds.scalars import is_ref_id
from .scripts import ACQUIRE, RELEASE, RENEW
from .server import Server

__all__ = ["Lease", "LeaseLost", "LockTimeout"]

EVERYTHING = "*"
LEASE_SECONDS = 5.0
"""How long writers wait for a holder that was killed; a thread renews it four times as
often."""
WAIT_SECONDS = 60.0
_MOST = 500
"""Entities that are locked one by one; for more the lock of all is taken."""
_LATE_PAUSE = 0.25
_FIRST_PAUSE, _LONGEST_PAUSE = 0.000_5, 0.02


class LockTimeout(TimeoutError):
    """Other processes held a lock for too long."""


class LeaseLost(ConnectionError):
    """The lock expired before the changes were applied; nothing was stored."""


class Lease:
    """The locks that one transaction holds at a key: ids, or ``*``."""

    def __init__(self, server: Server, key: str) -> None:
        self.server, self.key = server, key
        self.token = secrets.token_hex(12)
        self.fields: frozenset[str] = frozenset()

    def covers(self, id: str) -> bool:
        """Whether the lock covers this entity."""
        return EVERYTHING in self.fields or id in self.fields

    def acquire(self, ids: Sequence[str] | None) -> None:
        """Wait for the locks of these ids; None means all entities.

        Raises LockTimeout.
        """
        fields = self._missing(ids)
        if not fields:
            return
        ends, pause = time.monotonic() + WAIT_SECONDS, _FIRST_PAUSE
        while not self._attempted(fields):
            if time.monotonic() > ends:
                raise LockTimeout(f"timed out waiting for the store lock ({self.key})")
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        # replaced, never changed in place: the thread of the keeper reads it
        self.fields = self.fields.union(fields)
        _keeper.add(self)

    def _missing(self, ids: Sequence[str] | None) -> list[str]:
        if EVERYTHING in self.fields:
            return []
        if ids is None or len(ids) > _MOST:
            return [EVERYTHING]
        # an invalid id has no entity, and must not name another lock
        wanted = sorted(filter(is_ref_id, set(ids)))
        return [field for field in wanted if field not in self.fields]

    def _attempted(self, fields: list[str]) -> bool:
        try:
            return self._try(fields)
        except RedisError:
            # the server may hold the locks: only its answer was lost
            _keeper.release_later(partial(self._released, frozenset(fields)))
            raise

    def _try(self, fields: list[str]) -> bool:
        lease, nested = int(LEASE_SECONDS * 1000), int(bool(self.fields))
        args = (self.token, lease, nested, *fields)
        return self.server.run(ACQUIRE, [self.key], *args)

    def check(self) -> None:
        """Raises LeaseLost if the lock of all entities expired meanwhile."""
        held = self.server.hget(self.key, EVERYTHING)
        if held is None or held.decode().split()[0] != self.token:
            raise LeaseLost("the lock of the store expired meanwhile: try again")

    def renew(self) -> None:
        lease = int(LEASE_SECONDS * 1000)
        fields = list(self.fields)
        self.server.run(RENEW, [self.key], self.token, lease, *fields)

    def release(self) -> None:
        """Release the locks, later if the server does not answer now.

        It may have them when it is back, and they expire at the latest.
        """
        fields = self.fields
        self.end()
        if fields and not self._released(fields):
            _keeper.release_later(partial(self._released, fields))

    def _released(self, fields: frozenset[str]) -> bool:
        """Whether the server has released the locks."""
        try:
            self.server.run(RELEASE, [self.key], self.token, *fields)
        except RedisError:
            return False
        return True

    def end(self) -> None:
        """Forget the locks, which a script has released together with its writes."""
        self.fields = frozenset()
        _keeper.discard(self)


class _Keeper:
    """One thread that renews the leases of this process.

    It also releases locks that a server without an answer may still have.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start without leases, also after a fork, which has no such thread."""
        self._lock = threading.Lock()
        self._leases: set[Lease] = set()
        self._late: list[tuple[float, Callable[[], bool]]] = []
        """Until when to try, and what releases locks."""
        self._running = False

    def add(self, lease: Lease) -> None:
        with self._lock:
            self._leases.add(lease)
            self._start()

    def release_later(self, release: Callable[[], bool]) -> None:
        """Try until the locks have expired."""
        with self._lock:
            self._late.append((time.monotonic() + LEASE_SECONDS, release))
            self._start()

    def _start(self) -> None:
        if not self._running:
            self._running = True
            threading.Thread(
                target=self._run, name="haystack-redis-leases", daemon=True
            ).start()

    def discard(self, lease: Lease) -> None:
        with self._lock:
            self._leases.discard(lease)

    def _run(self) -> None:
        renewed = time.monotonic()
        while True:
            time.sleep(min(_LATE_PAUSE, LEASE_SECONDS / 4))
            self._release_late()
            if time.monotonic() < renewed + LEASE_SECONDS / 4:
                continue
            renewed = time.monotonic()
            with self._lock:
                leases = list(self._leases)
            for lease in leases:
                # if it fails, the token decides whether the changes are applied
                with suppress(RedisError):
                    lease.renew()

    def _release_late(self) -> None:
        with self._lock:
            late, self._late = self._late, []
        now = time.monotonic()
        held = [(ends, one) for ends, one in late if ends > now and not one()]
        with self._lock:
            self._late += held


_keeper = _Keeper()
register_at_fork(after_in_child=_keeper.reset)
