"""Messages that have arrived and are not stored yet."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition, Event

from .messages import Message

__all__ = ["Inbox"]

_BATCH_SECONDS = 1.0
_QUIET_SECONDS = 0.1
"""A broker may wait for acknowledgements before it sends more."""
_BATCH, _BATCH_BYTES = 10_000, 4 * 1024 * 1024


class Inbox:
    """A queue with an end: at most ``most`` messages, and so many bytes.

    Of QoS 0, which has no guarantee, messages that do not fit in are dropped and
    counted. With others the connection waits: not every broker keeps to the receive
    maximum of the client.
    """

    def __init__(self, most: int, most_bytes: int = 64 * 1024 * 1024) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.dropped = 0
        self.arrived = Event()
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._room = Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) >= self.most or self._bytes > self.most_bytes

    def put(self, message: Message, stopping: Event) -> None:
        """Add a message, or wait until it fits in."""
        with self._room:
            if message.qos == 0 and self._is_full:
                self.dropped += 1
                return
            while self._is_full and not stopping.is_set():
                self._room.wait(0.2)
            self._waiting.append(message)
            self._bytes += len(message.payload)
        if not self.arrived.is_set():
            self.arrived.set()

    def take(self, stopping: Event) -> list[Message]:
        """The messages of up to a second, or what there is when no more come.

        Empty if none came for a second.
        """
        if not self.arrived.wait(_BATCH_SECONDS):
            return []
        end = time.monotonic() + _BATCH_SECONDS - self._age()
        count = 0
        while count < len(self._waiting) < _BATCH and time.monotonic() < end:
            count = len(self._waiting)
            if stopping.wait(_QUIET_SECONDS):
                break
        with self._room:
            self.arrived.clear()
            batch: list[Message] = []
            size = 0
            while self._waiting and len(batch) < _BATCH and size < _BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].payload)
            self._bytes -= size
            if self._waiting:
                self.arrived.set()
            self._room.notify_all()
        return batch

    def taken_drops(self) -> int:
        """How many were dropped since the last call."""
        with self._room:
            count, self.dropped = self.dropped, 0
        return count

    def _age(self) -> float:
        """For how many seconds the oldest message has waited, at most a second."""
        with self._room:
            if not self._waiting:
                return 0.0
            age = time.time() - self._waiting[0].received / 1e6
        return min(max(age, 0.0), _BATCH_SECONDS)

    def drop_unacknowledged(self) -> None:
        """Drop what the broker sends again."""
        with self._room:
            kept = [message for message in self._waiting if not message.qos]
            self._waiting = deque(kept)
            self._bytes = sum(len(message.payload) for message in kept)
            self._room.notify_all()
