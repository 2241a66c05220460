"""Time limits of what stores evaluate in Python, as databases limit statements."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import TypeVar

from .errors import StatementTimeout

__all__ = ["TimeLimit"]

T = TypeVar("T")
_STEP = 100
"""Items between two looks at the clock, each of some 0.01 to 1 ms."""


class TimeLimit(local):
    """The limit of a thread; ``seconds`` is None outside of ``within``."""

    seconds: int | None = None
    _ends = 0.0

    @contextmanager
    def within(self, seconds: int) -> Iterator[None]:
        """Limit what is evaluated inside, all of it together."""
        before = self.seconds, self._ends
        self.seconds, self._ends = seconds, time.monotonic() + seconds
        try:
            yield
        finally:
            self.seconds, self._ends = before

    def check(self) -> None:
        """Raises StatementTimeout after the end of the time."""
        if self.seconds is not None and time.monotonic() > self._ends:
            raise StatementTimeout(self.seconds)

    def each(self, items: Iterable[T], step: int = _STEP) -> Iterator[T]:
        """The items, with a look at the clock after each ``step`` of them.

        An answer that is sent in parts outlives its limit: it is checked only while
        the block is open. Raises StatementTimeout.
        """
        for count, item in enumerate(items, 1):
            yield item
            if count % step == 0:
                self.check()
