"""Counts of requests: exact in one process, and nearly so in several."""

from __future__ import annotations

import threading

import pytest

from haystack_app.auth import request_counts
from haystack_app.auth.request_counts import RequestCounts


class Shared:
    """A cache of several processes."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.calls = 0

    def add(self, key: str, n: int) -> int:
        self.calls += 1
        self.counts[key] = self.counts.get(key, 0) + n
        return self.counts[key]


@pytest.fixture
def shared() -> Shared:
    return Shared()


def count(counts: RequestCounts, limit: int, window: int = 1, name: str = "a") -> int:
    return counts.count(name, window, lambda: f"{name} {window}", limit)


def test_one_process_counts_exactly(shared: Shared) -> None:
    counts = RequestCounts(shared.add)
    assert [count(counts, 10_000) for _ in range(500)] == list(range(1, 501))
    assert shared.calls < 15
    assert count(counts, 10_000, window=2) == 1
    assert count(counts, 10_000, name="b") == 1


def test_small_limits_are_exact_in_all(shared: Shared) -> None:
    one, two = RequestCounts(shared.add), RequestCounts(shared.add)
    found = [count(counts, 199) for _ in range(10) for counts in (one, two)]
    assert found == list(range(1, 21))


def test_each_process_exceeds_a_limit_by_little(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_counts, "SECONDS", 1e9)
    processes = [RequestCounts(shared.add) for _ in range(4)]
    limit, allowed = 2_000, 0
    for _ in range(limit):
        for counts in processes:
            allowed += count(counts, limit) <= limit
    assert limit <= allowed <= limit + 4 * (limit // 200 + 1)


def test_others_are_seen_after_a_second(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = RequestCounts(shared.add)
    count(counts, 10_000)
    shared.add("a 1", 100)
    assert count(counts, 10_000) == 2
    monkeypatch.setattr(request_counts, "SECONDS", 0.0)
    assert count(counts, 10_000) == 103


def test_threads_lose_none(shared: Shared) -> None:
    counts = RequestCounts(shared.add)

    def work() -> None:
        for _ in range(1_000):
            count(counts, 100_000)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(counts, 100_000) == 4_001
