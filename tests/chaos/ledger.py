"""What clients tried, what was acknowledged, and when."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Acks", "Ledger"]


@dataclass
class Ledger:
    """The writes of one kind, by number."""

    kind: str
    tried: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)
    times: dict[int, tuple[float, float]] = field(default_factory=dict)
    """When an acknowledged write began, and when it was acknowledged."""

    def overlaps(self, number: int, span: tuple[float, float]) -> bool:
        """Whether a write was under way at some moment of a span of time."""
        begin, end = self.times[number]
        return begin <= span[1] and span[0] <= end


class Acks:
    """Times of all acknowledgements, and answers that do not acknowledge a write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: list[float] = []
        self.refused: Counter[str] = Counter()
        """Broken connections and answers with status 503 or 507, by kind."""
        self.odd: list[str] = []
        """Other answers, which no client can understand as an outage."""
        self.risks: list[tuple[float, float]] = []
        """Spans of time in which a store may forget what it has acknowledged."""

    def note(self, ledger: Ledger, number: int, begin: float) -> None:
        """A write that began at ``begin`` has been acknowledged."""
        with self._lock:
            now = time.monotonic()
            ledger.acked.add(number)
            ledger.times[number] = begin, now
            self._times.append(now)

    def gap(self, begin: float, end: float) -> float:
        """The longest time between without an acknowledgement."""
        with self._lock:
            inside = [at for at in self._times if begin <= at <= end]
        marks = [begin, *inside, end]
        return max(after - before for before, after in pairwise(marks))
