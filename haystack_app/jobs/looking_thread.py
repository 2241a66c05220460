"""A thread of a server process that looks after something once a second."""

from __future__ import annotations

import logging
from threading import Event, Thread

from django.db import close_old_connections, connections

__all__ = ["LookingThread"]

logger = logging.getLogger(__name__)

_SECONDS = 1.0


class LookingThread(Thread):
    """Calls ``look`` until it is ``stopped``. Of failures in a row, it logs the first.

    ``what`` completes "looking for ... failed".
    """

    def __init__(self, name: str, what: str) -> None:
        super().__init__(name=f"haystack-{name}", daemon=True)
        self.what = what
        self.stopped = Event()
        self.is_failing = False

    def run(self) -> None:
        while not self.wait():
            try:
                self.look()
                self.is_failing = False
                close_old_connections()
            except Exception:
                if not self.is_failing:
                    logger.exception("looking for %s failed; trying again", self.what)
                self.is_failing = True
                connections.close_all()

    def wait(self) -> bool:
        """Wait for the next look; True once stopped."""
        return self.stopped.wait(_SECONDS)

    def look(self) -> None:
        raise NotImplementedError
