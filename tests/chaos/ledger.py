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


class Acks:
    """Times of all acknowledgements, and answers that do not acknowledge a write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: list[float] = []
        self.refused: Counter[str] = Counter()
        """Broken connections and answers with status 503 or 507, by kind."""
        self.odd: list[str] = []
        """Other answers, which no client can understand as an outage."""

    def note(self, ledger: Ledger, number: int) -> None:
        with self._lock:
            ledger.acked.add(number)
            self._times.append(time.monotonic())

    def gap(self, begin: float, end: float) -> float:
        """The longest time between without an acknowledgement."""
        with self._lock:
            inside = [at for at in self._times if begin <= at <= end]
        marks = [begin, *inside, end]
        return max(after - before for before, after in pairwise(marks))
