"""Transactions of the memory store: undo steps of the changes in a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock

__all__ = ["Journal"]

Undo = Callable[[], object]


class Journal:
    """The store's lock, and the steps that undo the changes of its holder."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._steps: list[Undo] = []
        self._queued: list[Callable[[], object]] = []
        self._depth = 0

    @contextmanager
    def block(self) -> Iterator[None]:
        """Changes inside are kept, or undone if the block raises.

        What was queued is called after the outermost block.
        """
        queued: list[Callable[[], object]] = []
        with self.lock:
            steps, calls = len(self._steps), len(self._queued)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._steps) > steps:
                    self._steps.pop()()
                del self._queued[calls:]
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._steps.clear()
                    queued, self._queued = self._queued, []
        for call in queued:
            call()

    def add(self, undo: Undo) -> None:
        """Add an undo step; must be called inside a block, for each change."""
        self._steps.append(undo)

    def queue(self, call: Callable[[], object]) -> None:
        self._queued.append(call)
