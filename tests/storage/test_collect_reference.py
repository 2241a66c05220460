"""Random writes, ticks and restarts: the collected samples equal a plain reference.

The reference is written from the documentation, with a list of samples and no store.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from haystack_app.collector import Collector
from haystack_app.kinds import MARKER, NA, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.memory import InMemoryAdapter
from tests.storage.building import point

START = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
MILLISECOND = dt.timedelta(milliseconds=1)
STATUSES = ["ok", "ok", "ok", "ok", "down"]


@dataclass
class Reference:
    """Times are milliseconds. Zero for no interval, None for no tolerance."""

    interval: int
    tolerance: float | None
    limit: int
    logs_na: bool
    samples: dict[int, Any] = field(default_factory=dict)
    value: Any = None
    due: int | None = None
    handled: int | None = None

    def write(self, now: int, val: float, status: str) -> None:
        ok = status == "ok"
        self.value = val if ok else NA if self.logs_na else None
        self._change(now)

    def _change(self, now: int) -> None:
        if self.tolerance is None or self.value is None:
            return
        last = max((time for time in self.samples if time <= now), default=None)
        if last is not None:
            if not self._differs(self.samples[last]):
                return
            if now < last + self.limit:
                self.due = last + self.limit
                return
        self.samples[now] = self.value

    def _differs(self, last: Any) -> bool:
        if last is NA or self.value is NA:
            return last is not self.value
        return abs(last - self.value) >= (self.tolerance or 1e-9)

    def tick(self, now: int) -> None:
        if self.due is not None and self.due <= now:
            self.due = None
            self._change(now)
        if not self.interval:
            return
        aligned = now - now % self.interval
        if now - aligned >= 60_000 or self.handled == aligned:
            return
        self.handled = aligned
        if self.value is not None:
            self.samples.setdefault(aligned, self.value)

    def restart(self) -> None:
        self.handled = None


def check(store: StorageAdapter, seed: int, events: int) -> None:
    chance = random.Random(seed)
    interval = chance.choice([0, 1_000, 10_000, 60_000, 3_600_000])
    tolerance = chance.choice([None, 0, 0, 2]) if interval else chance.choice([0, 2])
    limit = chance.choice([None, 1, 700, 5_000])
    usual = min((interval or 3_600_000) // 10, 60_000)
    logs_na = chance.random() < 0.5
    tags: dict[str, Any] = {"cur": MARKER, "tz": "UTC"}
    if interval:
        tags["hisCollectInterval"] = Number(interval / 1_000, "sec")
    if tolerance is not None:
        tags["hisCollectCov"] = Number(tolerance) if tolerance else MARKER
    if limit is not None:
        tags["hisCollectCovRateLimit"] = Number(limit, "ms")
    if logs_na:
        tags["hisCollectNA"] = MARKER
    store.load_entities([point(**tags)], replace=True)
    before = NA if logs_na else None  # there is no current value yet
    reference = Reference(interval, tolerance, limit or usual, logs_na, value=before)
    collector = Collector(store, 0)
    now = 0
    for _ in range(events):
        now += chance.choice([1, 3, 250, 999, 1_000, 4_000, 30_000, 61_000])
        at = START + now * MILLISECOND
        event = chance.random()
        if event < 0.55:
            val, status = chance.randint(0, 5), chance.choice(STATUSES)
            store.cur_write({"p": Current(Number(val), status)}, at)
            reference.write(now, val, status)
        elif event < 0.95:
            collector.tick(at)
            reference.tick(now)
        else:  # the process dies, and another one goes on when its lease has ended
            now += 15_000
            collector = Collector(store, 0)
            reference.restart()
    found = {
        round((row["ts"].utc - START) / MILLISECOND): getattr(
            row["val"], "val", row["val"]
        )
        for row in store.his_read("p")
    }
    assert found == dict(sorted(reference.samples.items())), seed
    record = store.existing("p")
    assert record.get("hisSize", Number(0)).val == len(found)


@pytest.mark.parametrize("seed", range(4))
def test_every_store(store: StorageAdapter, seed: int) -> None:
    check(store, seed, 120)


def test_many() -> None:
    for seed in range(300):
        check(InMemoryAdapter(), seed, 60)
