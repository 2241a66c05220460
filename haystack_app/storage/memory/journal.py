"""Transactions of the memory store: undo steps of the changes in a block."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from threading import RLock

__all__ = ["Journal"]

Undo = Callable[[], object]
Announce = Callable[[Collection[str], bool], None]


class Journal:
    """The store's lock, and the steps that undo the changes of its holder."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._steps: list[Undo] = []
        self._queued: list[tuple[Collection[str], bool]] = []
        self._depth = 0

    @contextmanager
    def block(
        self, announce: Callable[[Collection[str], bool], None]
    ) -> Iterator[None]:
        """Changes inside are kept, or undone if the block raises.

        After the outermost block ``announce`` is called for what was queued.
        """
        queued: list[tuple[Collection[str], bool]] = []
        with self.lock:
            steps, announced = len(self._steps), len(self._queued)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._steps) > steps:
                    self._steps.pop()()
                del self._queued[announced:]
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._steps.clear()
                    queued, self._queued = self._queued, []
        for ids, logged in queued:
            announce(ids, logged)

    def add(self, undo: Undo) -> None:
        """Add an undo step; must be called inside a block, for each change."""
        self._steps.append(undo)

    def queue(self, ids: Collection[str], logged: bool) -> None:
        self._queued.append((ids, logged))
