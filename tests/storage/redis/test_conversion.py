"""A store of the version before: refused as it is, and the same store when converted."""

from __future__ import annotations

import threading
import time
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import call_command

from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.kinds.series import instant_of
from haystack_app.outages import is_outage
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter, locks
from haystack_app.storage.redis.layout import RENAMED, StoreOutdated, TwoStores
from haystack_app.storage.redis.locks import LockTimeout
from haystack_app.storage.redis.maintenance import conversion
from haystack_app.storage.redis.scripts import CONVERT
from tests.soak.redis_server import RedisServer
from tests.storage.building import at, entity, history, ids, numbers, point
from tests.storage.redis.former import make_former

NOON = at("2024-03-01 12:00")
TITLE = 'of,"holder": "x" and {"holder":1}'


def fill(store: RedisAdapter) -> str:
    """Some of everything; the id of a watch."""
    store.load_entities([entity("s", site=MARKER, dis="S"), entity("b:1", x=MARKER)])
    store.load_entities(point(f"p{n}", siteRef=Ref("s")) for n in range(20))
    store.load_entities([point("p", writable=MARKER, siteRef=Ref("s"))], who="joe")
    store.his_write("p", numbers(3_000, NOON))
    store.his_write("p", [(NOON, Number(float("nan")))])
    odd = DateTime(instant_of(1_000_001), "New_York")
    store.his_write("p", [(odd, Number(7))])
    ends = NOON.utc.replace(year=2999)
    store.point_write("p", 8, Number(1), "joe", ends)
    store.point_write("p", 12, Number(2), "ann")
    store.load_defs({"lib": [{"def": "x"}], "other": []})
    store.take_task("beat", "one", NOON.utc, ends)
    watch = store.watch_open(TITLE, owner="joe", lease=600.25, now=NOON.utc)
    store.watch_sub(watch.id, ["p", "s"], now=NOON.utc, subscriber="holder")
    store.commit([], remove=["p7"], who="ann")
    return watch.id


def content(store: RedisAdapter, watch: str) -> dict[str, Any]:
    with store.locked_watches([watch]) as held:
        watches = dict(held)
    return {
        "records": [record.raw for record in store.scan()],
        "versions": store.versions("id"),
        "found": [
            sorted(ids(store.read(text)))
            for text in ("site", "point and siteRef->dis", "not point", "x or site")
        ],
        "referrers": store.referrers(["s"], 50),
        "samples": [history(store, id) for id in ("p", "p1")],
        "extent": repr(store.his_extent("p")),
        "levels": store.levels_of("p"),
        "due": store.due_points(NOON.utc.replace(year=3000)),
        "log": store.changes_since(_first(store), 100),
        "changes": [store.changes_of(id) for id in ("p", "p7")],
        "libs": (store.libs_state(), store.read_libs()),
        "task": store.server.hgetall(store.keys.tasks),
        "watch": (watches, store.watch_items(watch)),
        "open": (store.watch_count("joe", NOON.utc), store.watches_due(NOON.utc)),
        "made": store.server.hgetall(store.keys.meta),
    }


def _first(store: RedisAdapter) -> int:
    place = store.server.get(store.keys.log_oldest)
    assert place is not None
    return int(place)


def names(store: RedisAdapter) -> set[str]:
    """What is left of the former names."""
    return set(store.server.unguarded().scan(store.keys.former))


def again(store: RedisAdapter) -> RedisAdapter:
    """As another process would see it."""
    return RedisAdapter(
        url=store.server.url,
        prefix=store.keys.prefix,
        modules=bool(store.server.unguarded().modules),
    )


def test_it_is_the_same_store(redis_store: RedisAdapter) -> None:
    watch = fill(redis_store)
    before = content(redis_store, watch)
    assert before["watch"][0][watch].subscriber == "holder"
    make_former(redis_store)
    assert redis_store.reindex() == 22
    assert names(redis_store) == {"meta"}
    for store in (redis_store, again(redis_store)):
        assert content(store, watch) == before
        assert store.differences() == []
    assert redis_store.reindex() == 22
    assert content(redis_store, watch) == before
    redis_store.his_write("p", numbers(5, at("2025-03-01 12:00")))
    redis_store.load_entities([entity("new", site=MARKER)])
    assert sorted(ids(redis_store.read("site"))) == ["new", "s"]
    assert redis_store.differences() == []


CALLS: dict[str, Any] = {
    "read": lambda store: store.read("site"),
    "by id": lambda store: store.read_by_ids(["s"]),
    "scan": lambda store: list(store.scan()),
    "commit": lambda store: store.load_entities([entity("s")]),
    "samples": lambda store: list(store.his_chunks("p")),
    "levels": lambda store: store.levels_of("p"),
    "due": lambda store: store.due_points(NOON.utc),
    "log": lambda store: store.changes_since(None, 1),
    "changes": lambda store: store.changes_of("p"),
    "libs": lambda store: store.read_libs(),
    "task": lambda store: store.take_task("a", "b", NOON.utc, NOON.utc),
    "watch": lambda store: store.watch_open("w", owner="o", lease=9, now=NOON.utc),
    "watches": lambda store: store.watches_due(NOON.utc),
    "check": lambda store: store.differences(),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_empty_store_is_shown(redis_store: RedisAdapter, call: str) -> None:
    fill(redis_store)
    make_former(redis_store)
    for store in (redis_store, again(redis_store)):
        with pytest.raises(StoreOutdated, match="haystack_redis_reindex") as refusal:
            CALLS[call](store)
        assert is_outage(refusal.value)
    assert list(redis_store.server.unguarded().scan(redis_store.keys.base)) == []


def test_the_check_names_the_command(server: RedisServer) -> None:
    store = RedisAdapter(url=server.url)
    fill(store)
    assert store.check_server() == []
    make_former(store)
    [message] = store.check_server()
    assert message.id == "haystack.E022"
    assert "haystack_redis_reindex" in str(message.hint)


def test_the_command(
    redis_store: RedisAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(redis_store)
    make_former(redis_store)
    monkeypatch.setattr(type(storages), "__getitem__", lambda self, alias: redis_store)
    out = StringIO()
    call_command("haystack_redis_reindex", stdout=out)
    assert "22 entities indexed" in out.getvalue()
    assert ids(redis_store.read("site")) == ["s"]


def test_a_kill_before_the_index_is_made(
    redis_store: RedisAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names are those of now already: all is there, and it may be run again."""
    watch = fill(redis_store)
    before = content(redis_store, watch)
    make_former(redis_store)

    def killed(*_: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("haystack_app.storage.redis.adapter.moved", killed)
    with pytest.raises(KeyboardInterrupt):
        redis_store.reindex()
    monkeypatch.undo()
    assert content(again(redis_store), watch) == before
    assert again(redis_store).reindex() == 22
    assert content(redis_store, watch) == before
    assert redis_store.differences() == []


def test_a_server_that_is_killed_meanwhile(server: RedisServer) -> None:
    """It has all keys by one name when it is back, or all by the other."""
    store = RedisAdapter(url=server.url)
    watch = fill(store)
    before = content(store, watch)
    make_former(store)
    own = redis.Redis(port=server.port)
    pipeline = own.pipeline()
    for n in range(200_000):
        pipeline.set(f"haystack:1:b:{n:016x}:other", "")
    pipeline.execute()
    outcomes = set()
    for pause in (0.02, 0.05, 0.1, 0.2, 5):
        thread = threading.Thread(target=_convert, args=(store,))
        thread.start()
        time.sleep(pause)
        server.stop()
        thread.join(30)
        server.start()
        _loaded(server)
        old, new = (
            sum(1 for _ in own.scan_iter(pattern, count=10_000))
            for pattern in ("haystack:1:*", "{haystack}:2:*")
        )
        assert (new == 0) != (old == 1)
        outcomes.add(old == 1)
        if old == 1:
            break
    else:
        conversion.convert(store.server.unguarded(), store.keys)
    assert content(again(store), watch) == before


def _convert(store: RedisAdapter) -> None:
    try:
        conversion.convert(store.server.unguarded(), store.keys)
    except redis.RedisError:
        return


def _loaded(server: RedisServer) -> None:
    ends = time.monotonic() + 60
    while True:
        try:
            redis.Redis(port=server.port).ping()
            return
        except redis.RedisError:
            assert time.monotonic() < ends
            time.sleep(0.05)


def test_memory_that_is_full(server: RedisServer) -> None:
    """Refused as a whole."""
    store = RedisAdapter(url=server.url)
    watch = fill(store)
    before = content(store, watch)
    make_former(store)
    own = redis.Redis(port=server.port)
    kept = set(own.scan_iter())
    own.config_set("maxmemory", 1)
    with pytest.raises(redis.OutOfMemoryError):
        store.reindex()
    own.config_set("maxmemory", 0)
    assert set(own.scan_iter()) == kept
    store.reindex()
    assert content(store, watch) == before


def test_a_writer_of_the_former_version_is_waited_for(
    redis_store: RedisAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(redis_store)
    make_former(redis_store)
    raw, keys = redis_store.server.unguarded().redis, redis_store.keys
    ends = int(time.time() * 1000) + 500
    raw.hset(f"{keys.former}locks", "p", f"token {ends}")
    raw.rpush(f"{keys.former}stage:token", "1")
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.05)
    with pytest.raises(LockTimeout, match="an earlier version writes"):
        redis_store.reindex()
    assert "e:p" in names(redis_store)
    monkeypatch.setattr(locks, "WAIT_SECONDS", 10.0)
    assert redis_store.reindex() == 22
    assert time.time() * 1000 >= ends
    assert names(redis_store) == {"meta"}
    assert redis_store.differences() == []


def test_the_previous_version_finds_no_store(
    redis_store: RedisAdapter,
) -> None:
    """A program that is still running is refused, and makes no second store: it takes
    what it finds for a module that the server lacks."""
    redis_store.load_entities([entity("a")])
    raw, keys = redis_store.server.redis, redis_store.keys
    said = {b"index": RENAMED.encode(), b"series": RENAMED.encode()}
    assert raw.hgetall(keys.former_meta) == said
    make_former(redis_store)
    assert raw.hgetall(keys.former_meta) != said
    redis_store.reindex()
    assert raw.hgetall(keys.former_meta) == said


def test_two_stores_are_left_alone(redis_store: RedisAdapter) -> None:
    redis_store.load_entities([entity("a")])
    make_former(redis_store)
    raw, keys = redis_store.server.unguarded().redis, redis_store.keys
    raw.hset(keys.meta, "index", "sets")
    with pytest.raises(TwoStores, match="delete the keys of one"):
        redis_store.reindex()
    raw.delete(keys.meta)
    assert redis_store.reindex() == 1


def test_a_repeated_conversion_changes_nothing(redis_store: RedisAdapter) -> None:
    redis_store.load_entities([entity("a")])
    make_former(redis_store)
    server, keys = redis_store.server.unguarded(), redis_store.keys
    assert conversion.convert(server, keys) > 3
    assert conversion.convert(server, keys) == 0
    words = keys.former, keys.base, RENAMED
    locked = f"{keys.former}locks", f"{keys.former}watches:locks"
    assert server.run(CONVERT, [keys.former_meta, keys.meta, *locked], *words) == 0
    assert ids(again(redis_store).scan()) == ["a"]
