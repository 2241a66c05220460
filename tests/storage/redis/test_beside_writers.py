"""Checks and reindexing go on beside writers: each lock is short, and of a slice."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.changeset import EntityRow
from haystack_app.storage.redis import RedisAdapter, layout
from haystack_app.storage.redis.entities import page
from haystack_app.storage.redis.index.sets import SetIndex
from haystack_app.storage.redis.keys import Keys
from haystack_app.storage.redis.locks import EVERYTHING, Lease
from haystack_app.storage.redis.maintenance import conversion, reindex
from haystack_app.storage.redis.server import SEARCH, Server
from tests.storage.building import at, entity, ids, numbers, point

Store = RedisAdapter
NOON = at("2024-03-01 12:00")
POINTS = 300


def again(store: Store) -> Store:
    """As another process sees it."""
    return Store(url=store.server.url, prefix=store.keys.prefix)


@pytest.fixture
def filled(redis_store: Store) -> Store:
    sites = [entity(f"s{n}", site=MARKER, dis=f"S {n}") for n in range(3)]
    points = (point(f"p{n}", siteRef=Ref(f"s{n % 3}")) for n in range(POINTS))
    redis_store.load_entities([*sites, *points])
    return redis_store


@contextmanager
def writing(store: Store) -> Iterator[None]:
    """Samples, current values, tags, refs, creations and removals all the time."""
    stopped, failures = threading.Event(), []

    def run(seed: int) -> None:
        own, dice, turns = again(store), Random(seed), count(1)
        try:
            while not stopped.is_set():
                id, turn = f"p{dice.randrange(POINTS)}", next(turns)
                new = point(f"new{seed}-{turn}", siteRef=Ref("s1"))
                own.load_entities(
                    [new, point(id, siteRef=Ref(f"s{turn % 3}"), x=MARKER)]
                )
                own.his_write(id, numbers(3, at(f"2024-03-{1 + turn % 27:02} 12:00")))
                own.set_transient({id: {"curVal": Number(turn)}})
                if turn % 2:
                    own.commit([], remove=[f"new{seed}-{turn}"])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """The locks of entities that maintenance takes in this thread."""
    taken: list[frozenset[str]] = []
    acquire, main = Lease.acquire, threading.current_thread()

    def noted(self: Lease, ids: Any) -> None:
        acquire(self, ids)
        if threading.current_thread() is main and self.key.endswith(":locks"):
            taken.append(self.fields)

    monkeypatch.setattr(Lease, "acquire", noted)
    return taken


@pytest.mark.parametrize("work", [Store.differences, Store.reindex, Store.repair])
def test_writers_disturb_nothing(
    filled: Store, leases: list[frozenset[str]], work: Callable[[Store], Any]
) -> None:
    with writing(filled):
        for _ in range(3):
            found = work(filled)
            if work is Store.differences:
                assert found == []
    assert filled.differences() == []
    if work is not Store.repair:
        # it also names entities again, in short transactions of the whole store,
        # because names go into the refs of any entity
        assert EVERYTHING not in frozenset().union(*leases)
    assert max(map(len, leases), default=0) <= reindex.SLICE


def test_a_real_difference_is_found_beside_writers(filled: Store) -> None:
    filled.server.redis.srem(filled.keys.referrers("s9"), "p9")
    filled.server.redis.sadd(filled.keys.term("odd"), "p9")
    with writing(filled):
        assert filled.differences() == ["index, term odd: @p9 must not be in it"]
        filled.reindex()
        assert filled.differences() == []


def test_repairs_of_histories(filled: Store) -> None:
    filled.his_write("p1", numbers(3, NOON))
    redis, keys = filled.server.redis, filled.keys
    [member] = filled.server.zrange(keys.blocks("p1"))
    redis.expire(keys.numbers(member[16:], "p1"), 500)
    later = microseconds_of(NOON.utc) + 86_400_000_000
    redis.append(keys.numbers(member[16:], "p1"), struct.pack("<qd", later, 7.0))
    redis.set(keys.numbers("lost", "p2"), "")
    redis.zadd(keys.due, {"8:p3": 5})
    found = filled.differences()
    assert len(found) == 4, found
    assert filled.repair() == 4
    assert filled.differences() == []
    assert filled.existing("p1")["hisSize"] == Number(4)


# -- another kind of index -----------------------------------------------------------


class OtherIndex(SetIndex):
    """Stands for the index of a server with modules, which few machines have."""

    def __init__(self, server: Server, keys: Keys) -> None:
        super().__init__(server, keys)
        self.keys = Keys(keys.prefix)
        self.keys.term_sets = keys.documents

    def ensure(self) -> None:
        """It needs nothing."""

    def drop(self) -> None:
        """It has nothing beside its sets."""

    def candidates(self, *_: Any) -> Iterator[dict[str, EntityRow]]:
        """Everything: the matcher decides."""
        kind = self.server.hget(self.keys.meta, "index")
        if kind is None or not kind.startswith(b"search"):
            raise self.server.changed("another kind")
        after = ""
        while rows := page(self.server, self.keys, after, 1_000):
            after = max(rows)
            yield rows

    def ids(self, *_: Any) -> None:
        return None


@pytest.fixture
def modules(filled: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What all servers of this process have."""
    filled.server._wanted = True
    held: dict[str, int] = {}
    monkeypatch.setattr(Server, "installed", property(lambda self: held))
    monkeypatch.setattr(layout, "SearchIndex", OtherIndex)
    monkeypatch.setattr(reindex, "SearchIndex", OtherIndex)
    monkeypatch.setattr(conversion, "drop_index", lambda *_: None)
    return held


def kind(store: Store) -> str | None:
    found = layout.stored(store.server, store.keys)
    return found and found.index


def keys_of(store: Store, first: str) -> int:
    return sum(1 for _ in store.server.scan(first))


def test_the_kind_changes_beside_writers(
    filled: Store, modules: dict[str, int], leases: list[frozenset[str]]
) -> None:
    with writing(filled):
        modules[SEARCH] = 21_000
        filled.reindex()
        assert kind(filled) == "search"
    assert filled.differences() == []
    assert keys_of(filled, filled.keys.term_sets) == 0
    with writing(filled):
        parts = {"url": filled.server.url, "prefix": filled.keys.prefix}
        store = Store(**parts, modules=False)
        store.reindex()
        assert kind(store) == "sets"
    assert store.differences() == []
    assert keys_of(store, store.keys.documents) == 0
    assert sorted(ids(store.read("site"))) == ["s0", "s1", "s2"]
    assert EVERYTHING not in frozenset().union(*leases)


def test_a_killed_reindexing_goes_on(
    filled: Store, modules: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers and writers use the store meanwhile, and no slice is indexed twice."""
    modules[SEARCH] = 21_000
    added: list[str] = []
    add = reindex._add

    def killed(*args: Any) -> None:
        if len(added) == 200:
            raise KeyboardInterrupt
        add(*args)
        added.extend(args[-1])

    monkeypatch.setattr(reindex, "_add", killed)
    with pytest.raises(KeyboardInterrupt):
        filled.reindex()
    assert kind(filled) == "sets+search"
    assert "run haystack_redis_reindex again" in "".join(filled.differences())
    other = again(filled)
    other.load_entities(
        [entity("a", site=MARKER), entity("s0", site=MARKER, gone=MARKER)]
    )
    other.commit([], remove=["p1"])
    assert sorted(ids(other.read("site"))) == ["a", "s0", "s1", "s2"]
    monkeypatch.setattr(
        reindex, "_add", lambda *args: (add(*args), added.extend(args[-1]))
    )
    assert other.reindex() == POINTS + 3
    assert len(added) == len(set(added)) < POINTS + 4
    assert kind(other) == "search"
    for store in (filled, other):
        assert store.differences() == []
        assert sorted(ids(store.read("site"))) == ["a", "s0", "s1", "s2"]


def test_one_reindexing_at_a_time(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(filled.server, filled.keys.reindexing)
    lease.acquire(None)
    done = threading.Thread(target=again(filled).reindex)
    done.start()
    time.sleep(0.2)
    assert done.is_alive()
    filled.load_entities([entity("a", site=MARKER)])  # writers do not wait
    lease.release()
    done.join()
    assert filled.differences() == []
