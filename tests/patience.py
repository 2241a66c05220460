"""Waiting and limits that hold on a slow, busy machine as well.

A limit of wall-clock time fails where others use the machine. What must come is
waited for, for as long as it takes; what must be cheap is measured in CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["PATIENCE", "cpu_limit", "eventually"]

PATIENCE = 300
"""Seconds after which something that was waited for is taken to never come."""
_LONGEST = 0.25


def eventually(is_so: Callable[[], object], what: str = "") -> None:
    deadline, pause = time.monotonic() + PATIENCE, 0.01
    while not is_so():
        assert time.monotonic() < deadline, f"never: {what or is_so}"
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST)  # asking takes CPU, often of a server, too


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Of this process, with all its threads."""
    begun = time.process_time()
    yield
    used = time.process_time() - begun
    assert used < seconds, f"took {used:.2f} s of CPU"
