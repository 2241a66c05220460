"""Handshakes that could not be stored, because another writer had locked SQLite."""

from __future__ import annotations

import datetime as dt
from threading import Lock

from django.utils import timezone

from ..models import Handshake

__all__ = ["IN_MEMORY"]

_MOST = 10_000


class HandshakesInMemory:
    """Those of this process, until they expire; beyond a number, the oldest go."""

    def __init__(self) -> None:
        self._held: dict[str, Handshake] = {}
        self._used: dict[str, dt.datetime] = {}
        """When they expire, of handshakes whose rows may still be there."""
        self._lock = Lock()

    def __contains__(self, token: str) -> bool:
        return token in self._held

    def add(self, handshake: Handshake) -> None:
        with self._lock:
            self._sweep(timezone.now())
            self._held[handshake.token] = handshake

    def get(self, token: str, now: dt.datetime) -> Handshake | None:
        found = self._held.get(token)
        return found if found is not None and found.expires > now else None

    def was_used(self, token: str) -> bool:
        return token in self._used

    def take(self, token: str, client_first: bytes, server_first: str) -> bool:
        """Note the answer to the first message; False if there was one."""
        with self._lock:
            found = self._held.get(token)
            if found is None or found.server_first:
                return False
            found.client_first, found.server_first = client_first, server_first
            return True

    def use(self, handshake: Handshake) -> bool:
        """End a handshake, also one that has a row; False if it was ended before."""
        with self._lock:
            if handshake.token in self._used:
                return False
            self._sweep(timezone.now())
            self._held.pop(handshake.token, None)
            self._used[handshake.token] = handshake.expires
            return True

    def _sweep(self, now: dt.datetime) -> None:
        """Both are in the order in which they expire."""
        while self._held and (
            len(self._held) >= _MOST or next(iter(self._held.values())).expires <= now
        ):
            del self._held[next(iter(self._held))]
        while self._used and (
            len(self._used) >= _MOST or next(iter(self._used.values())) <= now
        ):
            del self._used[next(iter(self._used))]


IN_MEMORY = HandshakesInMemory()
