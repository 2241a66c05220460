"""What a block has changed in the memory store, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from threading import RLock

__all__ = ["Journal"]

Undo = Callable[[], object]
Announce = Callable[[Collection[str], bool], None]


class Journal:
    """One lock for all, and the steps that undo what its holder has done so far."""

    def __init__(self) -> None:
        self.lock = RLock()
        self._steps: list[Undo] = []
        self._said: list[tuple[Collection[str], bool]] = []
        self._depth = 0

    @contextmanager
    def block(
        self, announce: Callable[[Collection[str], bool], None]
    ) -> Iterator[None]:
        """What is done inside is kept, or taken back where the block raises.

        ``announce`` is told at the end of the outermost block what was ``say``-ed.
        """
        said: list[tuple[Collection[str], bool]] = []
        with self.lock:
            steps, words = len(self._steps), len(self._said)
            self._depth += 1
            try:
                yield
            except BaseException:
                while len(self._steps) > steps:
                    self._steps.pop()()
                del self._said[words:]
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._steps.clear()
                    said, self._said = self._said, []
        for ids, logged in said:
            announce(ids, logged)

    def add(self, undo: Undo) -> None:
        """To be called inside of a block, with each step."""
        self._steps.append(undo)

    def say(self, ids: Collection[str], logged: bool) -> None:
        self._said.append((ids, logged))
