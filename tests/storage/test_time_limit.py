"""Stores that evaluate in Python end what takes longer than its limit, as SQL does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage import time_limit
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import StatementTimeout
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.redis import entities, reading
from haystack_app.storage.redis.index import query
from tests.conftest import _REDIS, _redis_store
from tests.ops.test_his_folds import asked
from tests.storage.building import at, entity, numbers, point

Store = StorageAdapter
NOON = at("2024-03-01 12:00")
ENTITIES = 250


class Clock:
    """Ten seconds pass between two looks at it."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 10
        return self.now


@pytest.fixture(params=["memory", *_REDIS])
def slow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Store:
    memory = request.param == "memory"
    store: Store = InMemoryAdapter() if memory else _redis_store(request)
    store.load_entities([entity("s", site=MARKER), point("p")])
    store.load_entities(entity(f"e{n}", siteRef=Ref("s")) for n in range(ENTITIES))
    store.his_write("p", numbers(3_000, NOON))
    for module in (entities, reading):
        monkeypatch.setattr(module, "BATCH", 50)
    for clocked in (time_limit, query):
        monkeypatch.setattr(clocked, "time", Clock())
    return store


CALLS: dict[str, Callable[[Store], Any]] = {
    "read": lambda store: store.read("not site"),
    "path": lambda store: store.read("siteRef->site and not dis"),
    "versions": lambda store: store.versions(parse("not site")),
    "scope": lambda store: list(store.visible_to(parse("not dis")).scan()),
    "scoped read": lambda store: store.visible_to(parse("siteRef")).read("not site"),
    "samples": lambda store: list(store.his_read("p").pairs()),
    "roll-up": lambda store: list(
        asked(
            store,
            microseconds_of(NOON.utc),
            range="2024-03-01,2024-12-01",
            rollup="avg,max",
            interval=Number(1, "day"),
        )
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_takes_too_long_is_ended(slow: Store, call: str) -> None:
    """And the next call goes on with a clock of its own."""
    whole = repr(CALLS[call](slow))
    for _ in range(2):
        with slow.time_limit(5), pytest.raises(StatementTimeout, match="5 s"):
            CALLS[call](slow)
    with slow.time_limit(1_000_000):
        assert repr(CALLS[call](slow)) == whole


def test_an_answer_outlives_its_limit(slow: Store) -> None:
    """What is sent in parts is read after the op, for as long as it takes."""
    [own] = slow.his_points(["p"])
    with slow.time_limit(5):
        pairs = iter(slow.his_series(own, None, None, 100).pairs())
        next(pairs)
    assert len(list(pairs)) == 2_999
