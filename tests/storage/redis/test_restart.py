"""A server that goes away, comes back, and is killed while it is written to."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis

from haystack_app import breaker
from haystack_app.kinds import MARKER, Number
from haystack_app.storage.errors import CursorExpired
from haystack_app.storage.redis import RedisAdapter, locks
from haystack_app.storage.redis.layout import stored
from tests.patience import PATIENCE, eventually
from tests.soak.redis_server import RedisServer
from tests.storage.building import at, entity, history, ids, numbers, point

NOON = at("2024-03-01 12:00")


def test_a_server_that_was_away(server: RedisServer) -> None:
    """The store raises connection errors, and recovers by itself."""
    store = RedisAdapter(url=server.url)
    store.load_entities([entity("a", site=MARKER), point("p")])
    store.his_write("p", numbers(3, NOON))
    server.stop()
    for call in (
        lambda: store.read("site"),
        lambda: store.read_by_ids(["a"]),
        lambda: store.load_entities([entity("b")]),
        lambda: list(store.his_chunks("p")),
    ):
        with pytest.raises((redis.ConnectionError, redis.TimeoutError)):
            call()
    assert [message.id for message in store.check_server()] == ["haystack.W020"]
    server.start()
    eventually(lambda: answers(store), "the server is used again")
    assert ids(store.read("site")) == ["a"]
    store.load_entities([entity("b", site=MARKER)])
    assert sorted(ids(store.read("site"))) == ["a", "b"]
    assert len(history(store)) == 3
    assert store.differences() == []


@pytest.fixture(autouse=True)
def _no_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a command; another test may have made this process a server."""
    monkeypatch.setattr(breaker, "_is_watching", False)


def test_locks_of_an_outage_are_released_when_the_server_is_back(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept them: writers would wait for their end."""
    monkeypatch.setattr(locks, "LEASE_SECONDS", 1_000.0)
    store = RedisAdapter(url=server.url)
    store.load_entities([point("p"), entity("a")])
    with pytest.raises(redis.RedisError), store.locked(["p"]):
        store.his_write("p", numbers(3, NOON))
        server.stop()
    lost = locks.Lease(store.server, store.keys.locks)
    server.start()
    run = store.server.run

    def unanswered(script: Any, *args: Any) -> Any:
        run(script, *args)
        if script is locks.ACQUIRE:
            raise redis.ConnectionError
        return True

    monkeypatch.setattr(store.server, "run", unanswered)
    with pytest.raises(redis.ConnectionError):
        lost.acquire(["a"])
    monkeypatch.setattr(store.server, "run", run)
    other = RedisAdapter(url=server.url)
    other.his_write("p", numbers(4, NOON))
    other.load_entities([entity("a", x=MARKER)])
    assert len(history(other)) == 4
    assert other.differences() == []


def test_a_server_that_is_killed_under_load(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was acknowledged is lost, nothing is half there."""
    monkeypatch.setattr(locks, "LEASE_SECONDS", 0.3)  # the server keeps those as well
    store = RedisAdapter(url=server.url)
    store.load_entities([point("p")])
    for _ in range(3):
        acknowledged = [0, 0]
        begun = len(history(store))

        def write(acknowledged: list[int] = acknowledged) -> None:
            try:
                for count in range(1, 10_000):
                    store.his_write("p", later_samples(store, 40))
                    acknowledged[0] += 40
                    rows = [entity(f"e{n}", v=Number(count)) for n in range(10)]
                    store.load_entities(rows)
                    acknowledged[1] = count
            except redis.RedisError:
                return

        thread = threading.Thread(target=write)
        thread.start()
        ends = time.monotonic() + PATIENCE
        while acknowledged[1] < 5 and time.monotonic() < ends:
            time.sleep(0.01)
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        server.start()
        eventually(lambda: answers(store), "the server is used again")
        assert store.differences() == []
        assert len(history(store)) >= begun + acknowledged[0]
        assert (len(history(store)) - begun) % 40 == 0
        [value] = {record["v"].val for record in store.read("v")}
        assert value in (acknowledged[1], acknowledged[1] + 1)
        assert acknowledged[1] >= 5


def answers(store: RedisAdapter) -> bool:
    """A breaker, where one is open, is closed by a probe."""
    try:
        store.read_by_ids(["a"])
    except redis.ConnectionError:
        return False
    return True


def later_samples(store: RedisAdapter, count: int) -> list[tuple[object, Number]]:
    """Samples after the last one of the history."""
    record = store.existing("p")
    return numbers(count + 1, record.get("hisEnd", NOON))[1:]


def test_places_of_lost_entries_are_not_used_again(server: RedisServer) -> None:
    """A crash or a failover takes the end of the log along, and others follow it."""
    store = RedisAdapter(url=server.url)
    own = redis.Redis(port=server.port)
    store.load_entities([entity("a", n=Number(0))])
    kept = store.changes_since(None, 1).cursor
    # as the server would be without its last second
    ends = {key: own.get(key) for key in own.scan_iter("{haystack}:2:log:*")}
    store.load_entities([entity(f"lost{n}") for n in range(3)])
    lost = store.changes_since(kept, 10).cursor
    for n in range(3):
        [place] = own.lrange(store.keys.log_of(f"lost{n}"), 0, -1)
        own.xdel(store.keys.log, place)
    own.mset(ends)
    for n in range(5):
        store.load_entities([entity("a", n=Number(n + 1))])
    found = store.changes_since(kept, 10)
    assert [change.id for _, change in found.entries] == ["a"] * 5
    assert found.entries[0][0] > lost
    with pytest.raises(CursorExpired, match="another log"):
        store.changes_since(lost, 10)


def test_a_flushed_server_is_an_empty_one(server: RedisServer) -> None:
    store = RedisAdapter(url=server.url)
    store.load_entities([entity("a", site=MARKER)])
    assert ids(store.read("site")) == ["a"]
    store.load_entities([entity("a", site=MARKER)])
    redis.Redis(port=server.port).flushall()
    assert ids(store.read("site")) == []
    store.load_entities([entity("b", site=MARKER)])
    assert ids(store.read("site")) == ["b"]
    assert stored(store.server, store.keys) is not None
    assert store.differences() == []


def test_a_batch_that_memory_does_not_hold(server: RedisServer) -> None:
    """It is refused as a whole, and what was sent of it is not in others' way."""
    store = RedisAdapter(url=server.url)
    own = redis.Redis(port=server.port)
    store.load_entities([entity("a", n=Number(0)), point("p")])
    own.config_set("maxmemory", own.info("memory")["used_memory"] + 2_000_000)
    with pytest.raises(redis.OutOfMemoryError):
        store.load_entities([entity(f"e{n}", t="x" * 1_000) for n in range(6_000)])
    assert list(own.scan_iter(store.keys.stage("*"))) == []
    store.load_entities([entity("a", n=Number(1))])
    store.his_write("p", numbers(10, NOON))
    assert ids(store.scan()) == ["a", "p"]
    assert store.differences() == []
