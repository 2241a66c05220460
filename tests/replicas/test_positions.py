"""What users must see of their writes, in a cache that may fail or forget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from haystack_app.replicas import positions
from haystack_app.replicas.lsn import position_of
from haystack_app.replicas.replica import Replica, State
from haystack_app.replicas.trail import Trail

SINCE = "haystack.position.since"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    cache.clear()
    monkeypatch.setattr(positions, "_owes_mark", False)
    monkeypatch.setattr(positions, "_not_before", 0.0)
    yield
    cache.clear()


def test_positions_of_a_user_and_of_everyone() -> None:
    cache.set(SINCE, time.time() - 11, None)
    assert positions.required(1) == 0
    cache.set("haystack.position.user.1", 70)
    assert (positions.required(1), positions.required(2)) == (70, 0)
    cache.set("haystack.position.everyone", 90)
    assert (positions.required(1), positions.required(2)) == (90, 90)


def test_a_cache_that_has_forgotten_is_not_relied_on() -> None:
    assert positions.required(1) is None
    assert cache.get(SINCE) == pytest.approx(time.time(), abs=60)
    assert positions.required(1) is None  # there was less than ten seconds to lose
    cache.set(SINCE, time.time() - 11, None)
    assert positions.required(1) == 0


def test_a_cache_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set(SINCE, time.time() - 11, None)

    def fail(*_: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(type(cache._connections["default"]), "get_many", fail)
        assert positions.required(1) is None
    assert positions.required(1) is None  # it is not asked again for a second
    monkeypatch.setattr(positions, "_not_before", 0.0)
    assert positions.required(1) == 0


def test_a_position_that_was_not_kept(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """No process uses replicas until ten seconds later."""
    cache.set(SINCE, time.time() - 11, None)
    settings.HAYSTACK = {**settings.HAYSTACK, "REPLICATION": {"REPLICAS": ["replica"]}}
    monkeypatch.setattr(positions, "has_shared_cache", lambda: True)
    positions.note(1)  # SQLite has no positions
    assert positions.required(1) is None
    monkeypatch.setattr(positions, "_not_before", 0.0)
    assert positions.settle()
    assert cache.get(SINCE) > time.time() - 5
    assert positions.required(1) is None


@pytest.mark.parametrize(
    ("given", "found"),
    [(8_192, 8_192), (8_216, 8_192), (8_232, 8_192), (8_240, 8_240), (70, 70)],
)
def test_positions_at_the_end_of_a_page(given: int, found: int) -> None:
    assert position_of(given) == found


def test_the_lag() -> None:
    trail = Trail()
    assert trail.complete_to(100) == float("-inf")
    for at, position in ((1.0, 10), (2.0, 20), (3.0, 20), (4.0, 30)):
        trail.add(at, position)
    assert [trail.complete_to(n) for n in (9, 10, 19, 20, 29, 30, 99)] == [
        float("-inf"), 1.0, 1.0, 3.0, 3.0, 4.0, 4.0
    ]  # fmt: skip
    trail.clear()
    assert trail.complete_to(100) == float("-inf")


def test_states_of_a_replica() -> None:
    trail, replica = Trail(), Replica("replica_1")
    trail.add(time.monotonic(), 10)
    assert replica.state(3) is State.STARTING
    replica.answered(10, trail)
    assert replica.state(3) is State.FRESH and replica.is_fresh(3)
    replica.answered(9, trail)
    assert replica.state(3) is State.LAGGING and not replica.is_fresh(3)
    replica.is_unusable(State.DOWN)
    assert replica.state(3) is State.DOWN and not replica.is_fresh(3)


def test_a_replica_that_has_what_the_primary_has_not() -> None:
    """It stays out, also when the primary has as much, until it begins anew."""
    trail, replica = Trail(), Replica("replica_1")
    trail.add(time.monotonic(), 10)
    replica.answered(50, trail)
    replica.compare(time.monotonic() - 60, 40)  # asked before the replica was
    assert replica.is_fresh(3)
    replica.compare(time.monotonic(), 40)
    assert replica.state(3) is State.DIVERGED
    trail.add(time.monotonic(), 60)
    replica.answered(50, trail)
    assert replica.state(3) is State.DIVERGED
    replica.is_unusable(State.DOWN)
    replica.answered(60, trail)
    assert replica.is_fresh(3)
