"""How many lines a second a log gets."""

from __future__ import annotations

import time
from threading import Lock

__all__ = ["LineRate"]


class LineRate:
    """Lets so many lines pass in each second of the clock."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._lock = Lock()

    def allows(self, most: int) -> bool:
        now = int(time.monotonic())
        with self._lock:
            if now != self._second:
                self._second, self._count = now, 0
            self._count += 1
            return self._count <= most
