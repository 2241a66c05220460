"""Where the primary was in its log at which time, to tell how much a replica lags.

Nothing is written to measure it, and no clocks are compared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from threading import Lock

__all__ = ["Trail"]

_MOST = 600


class Trail:
    """Times of the monotonic clock and positions, in order."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times: deque[float] = deque(maxlen=_MOST)
        self._positions: deque[int] = deque(maxlen=_MOST)

    def add(self, time: float, position: int) -> None:
        """The primary was not further at ``time``."""
        with self._lock:
            self._times.append(time)
            self._positions.append(position)

    def clear(self) -> None:
        """Forget the positions of another primary."""
        with self._lock:
            self._times.clear()
            self._positions.clear()

    def complete_to(self, position: int) -> float:
        """Until when what was committed is before a position; -inf if unknown."""
        with self._lock:
            found = bisect_right(self._positions, position)
            return self._times[found - 1] if found else float("-inf")
