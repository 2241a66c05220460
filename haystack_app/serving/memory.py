"""Gives memory back to the system after large requests.

The rows of an answer are freed when it has been sent, but glibc keeps the pages: each
thread has a heap of its own, from whose middle nothing is returned. ``malloc_trim``
returns all free pages of all heaps. Other C libraries do not have it, and do not need
it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Lock, Timer
from typing import Any

__all__ = ["LARGE", "Trimmer", "trimmer"]

LARGE = 1024 * 1024
"""Bytes of a body and its answer after which memory is given back."""
_SECONDS = 1.0


class Trimmer:
    """Calls ``trim`` once after any number of calls of ``trim_soon``.

    Not at once: the next large request would take the same pages again.
    """

    def __init__(self, trim: Callable[[], Any], seconds: float = _SECONDS) -> None:
        self._trim, self._seconds = trim, seconds
        self._lock = Lock()
        self._is_due = False

    def trim_soon(self) -> None:
        with self._lock:
            if self._is_due:
                return
            self._is_due = True
        timer = Timer(self._seconds, self._run)
        timer.daemon = True
        timer.start()

    def _run(self) -> None:
        with self._lock:
            self._is_due = False
        self._trim()


def _malloc_trim() -> None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return
    trim(0)


trimmer = Trimmer(_malloc_trim)
