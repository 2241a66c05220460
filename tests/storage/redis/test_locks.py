"""Locks: who may write, with holders that were delayed or died."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.errors import UnknownEntity
from haystack_app.storage.redis import RedisAdapter, locks, transaction
from haystack_app.storage.redis.locks import Lease, LeaseLost, LockTimeout
from tests.storage.building import at, entity, history, ids, numbers, point

Store = RedisAdapter
NOON = at("2024-03-01 12:00")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases end soon, and nothing renews them."""
    monkeypatch.setattr(locks, "LEASE_SECONDS", 0.05)
    monkeypatch.setattr(locks._keeper, "add", lambda lease: None)


def aside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def lease(store: Store) -> Lease:
    return Lease(store.server, store.keys.locks)


def test_a_lock_of_all_excludes_those_of_some_and_the_other_way_round(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.05)
    first, second, third = (lease(redis_store) for _ in range(3))
    first.acquire(["a", "b"])
    second.acquire(["c"])
    for wanted in (["b"], ["c", "d"], None):
        with pytest.raises(LockTimeout):
            third.acquire(wanted)
    first.release()
    second.release()
    time.sleep(0.25)  # the wish for all has been forgotten by then
    third.acquire(None)
    for wanted in (["b"], None):
        with pytest.raises(LockTimeout):
            first.acquire(wanted)
    third.release()
    first.acquire(["b"])
    first.release()


def test_the_lock_of_all_is_not_starved(redis_store: Store) -> None:
    stop = threading.Event()
    redis_store.load_entities([point(f"p{n}") for n in range(4)])

    def write(number: int) -> None:
        while not stop.is_set():
            redis_store.set_transient({f"p{number}": {"curVal": Number(1)}})

    threads = [aside(lambda n=n: write(n)) for n in range(4)]
    for _ in range(5):
        redis_store.load_entities([entity("x", n=Number(time.time()))], replace=False)
        with redis_store.locked():
            pass
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_a_holder_that_slept_is_refused(redis_store: Store, short: None) -> None:
    redis_store.load_entities([entity("a", n=Number(0)), point("p")])
    other = RedisAdapter(url=redis_store.server.url, prefix=redis_store.keys.prefix)
    with pytest.raises(LeaseLost), redis_store.locked():
        redis_store.load_entities([entity("a", n=Number(1)), entity("b")])
        redis_store.his_write("p", numbers(5, NOON))
        time.sleep(0.1)
        aside(lambda: other.load_entities([entity("a", n=Number(2))])).join(10)
    assert redis_store.existing("a")["n"] == Number(2)
    assert redis_store.read_by_ids(["b"]) == [None]
    assert history(redis_store, "p") == []
    assert redis_store.differences() == []


def test_a_holder_of_one_entity_that_slept_is_refused(
    redis_store: Store, short: None
) -> None:
    redis_store.load_entities([point("p"), point("q")])
    for others in (["p"], None):
        with pytest.raises(LeaseLost), redis_store.locked(["p"]):
            redis_store.his_write("p", numbers(5, NOON))
            time.sleep(0.1)
            second = lease(redis_store)
            second.acquire(others)
            second.release()
    with redis_store.locked(["p"]):  # no other holder meanwhile
        redis_store.his_write("p", numbers(5, NOON))
        time.sleep(0.1)
    assert len(history(redis_store, "p")) == 5


def test_locks_are_renewed(redis_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lease(redis_store)
    held.acquire(["a"])
    monkeypatch.setattr(locks, "LEASE_SECONDS", 500.0)
    held.renew()
    left = redis_store.server.redis.hget(redis_store.keys.locks, "a")
    assert left is not None
    assert int(left.split()[1]) / 1000 > time.time() + 400
    held.release()
    held.renew()
    assert redis_store.server.redis.hgetall(redis_store.keys.locks) == {}


def test_a_repeated_application_changes_nothing_more(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost, and the client sent the script again."""
    redis_store.load_entities([point("p")])
    server, run = redis_store.server, redis_store.server.run

    def twice(script: Any, *args: Any) -> Any:
        run(script, *args)
        return run(script, *args)

    monkeypatch.setattr(server, "run", twice)
    redis_store.his_write("p", numbers(5, NOON))
    redis_store.his_write("p", numbers(3, at("2024-03-02 12:00")))
    redis_store.load_entities([entity("a", n=Number(1))])
    monkeypatch.setattr(server, "run", run)
    assert len(history(redis_store, "p")) == 8
    assert len(redis_store.changes_of("a")) == 1
    assert redis_store.differences() == []


def test_words_that_were_sent_twice_are_refused(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "_AT_ONCE", 10)
    monkeypatch.setattr(transaction, "_STAGED", 7)
    redis_store.load_entities([entity("a", n=Number(1), dis="A")])
    staged = transaction._stage

    def twice(server: Any, key: str, words: Any) -> int:
        every = list(words)
        staged(server, key, iter(every[-3:]))
        return staged(server, key, iter(every))

    monkeypatch.setattr(transaction, "_stage", twice)
    with pytest.raises(LeaseLost, match="incomplete"):
        redis_store.load_entities([entity("a", n=Number(2)), entity("b")])
    monkeypatch.setattr(transaction, "_stage", staged)
    assert redis_store.existing("a")["n"] == Number(1)
    staged_keys = redis_store.server.redis.scan_iter(redis_store.keys.stage("*"))
    assert list(staged_keys) == []
    redis_store.load_entities([entity("b")])
    assert ids(redis_store.scan()) == ["a", "b"]
    assert redis_store.differences() == []


def test_a_failure_inside_leaves_nothing(redis_store: Store) -> None:
    redis_store.load_entities([entity("a", n=Number(0)), point("p", writable=MARKER)])
    with pytest.raises(KeyError), redis_store.locked():
        redis_store.load_entities([entity("a", n=Number(1)), entity("b")])
        redis_store.his_write("p", numbers(5, NOON))
        redis_store.point_write("p", 9, Number(3), "joe")
        redis_store.load_defs({"lib": []})
        assert ids(redis_store.read("n == 1")) == ["a"]
        raise KeyError
    assert ids(redis_store.read("n == 0")) == ["a"]
    assert ids(redis_store.scan()) == ["a", "p"]
    assert history(redis_store, "p") == []
    assert redis_store.levels_of("p") == {}
    assert redis_store.read_libs() == {}
    assert redis_store.differences() == []


def test_an_inner_failure_takes_only_its_own_part(redis_store: Store) -> None:
    redis_store.load_entities([point("p")])
    with redis_store.locked(["p"]):
        redis_store.his_write("p", numbers(2, NOON))
        with pytest.raises(UnknownEntity):
            redis_store.his_write_all({"p": numbers(9, NOON), "missing": []})
        with pytest.raises(KeyError), redis_store.locked(["p"]):
            redis_store.set_transient({"p": {"curVal": Number(1)}})
            redis_store.his_write("p", numbers(4, NOON))
            raise KeyError
        assert len(history(redis_store, "p")) == 2
    assert len(history(redis_store, "p")) == 2
    assert "curVal" not in redis_store.existing("p")
    assert redis_store.differences() == []


def test_what_is_to_be_is_read_inside_and_not_outside(redis_store: Store) -> None:
    store = redis_store
    store.load_entities([entity("a", site=MARKER), point("p", siteRef=Ref("a"))])
    store.his_write("p", numbers(3, NOON))
    seen: list[Any] = []

    def outside() -> None:
        seen.append(
            [
                ids(store.read("site")),
                ids(store.scan()),
                len(history(store, "p")),
                store.referrers(["a"], 5),
                len(store.changes_of("a")),
            ]
        )

    with store.locked():
        aside(outside).join(10)
        store.load_entities([entity("c", site=MARKER), entity("b", x=Ref("a"))])
        store.commit([], remove=["p"])
        store.load_entities([entity("a", site=MARKER, dis="new")])
        assert sorted(ids(store.read("site"))) == ["a", "c"]
        assert ids(store.scan()) == ["a", "b", "c"]
        assert ids(store.page("id", "a", 5)) == ["b", "c"]
        assert store.referrers(["a"], 5) == ["b"]
        assert [one.kind for one in store.changes_of("a")] == ["update", "add"]
        store.load_entities([point("p", siteRef=Ref("c"))])
        assert history(store, "p") == []
        store.his_write("p", numbers(2, NOON))
        store.his_write("p", [(NOON, Number(7)), *numbers(1, at("2024-04-01 12:00"))])
        assert [value.val for _, value in history(store, "p")] == [7, 1, 0]
        assert store.his_extent("p").size == 3
        aside(outside).join(10)
    assert seen[0] == seen[1] == [["a"], ["a", "p"], 3, ["p"], 1]
    assert [value.val for _, value in history(store, "p")] == [7, 1, 0]
    assert store.existing("p")["hisSize"] == Number(3)
    assert store.differences() == []


def test_a_task_is_one_holders(redis_store: Store) -> None:
    store = redis_store
    now = dt.datetime.now(dt.UTC)
    later, end = now + dt.timedelta(seconds=5), now + dt.timedelta(seconds=9)
    assert store.take_task("beat", "one", now, later)
    assert not store.take_task("beat", "two", now, later)
    assert store.take_task("other", "two", now, later)
    assert store.take_task("beat", "one", now, end)
    assert not store.take_task("beat", "two", later, end)
    assert store.take_task("beat", "two", end, end)
    found: list[bool] = []
    with pytest.raises(KeyError), store.locked():
        assert store.take_task("beat", "one", end, later)
        raise KeyError
    with store.locked(["p"]):
        assert store.take_task("beat", "three", end, end + dt.timedelta(seconds=1))
        other = aside(lambda: found.append(store.take_task("beat", "one", end, end)))
        other.join(0.1)
        assert not found  # it waits for the outcome
    other.join(10)
    assert found == [False]


def test_a_fork_has_its_own_leases(redis_store: Store) -> None:
    redis_store.load_entities([entity("a", n=Number(0))])
    child = os.fork()
    if child == 0:
        try:
            redis_store.load_entities([entity("b")])
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    redis_store.load_entities([entity("c")])
    assert ids(redis_store.scan()) == ["a", "b", "c"]
