"""The check finds differences, and the index can be rebuilt."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from haystack_app import demo
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.storage.handler import storages
from haystack_app.storage.redis import RedisAdapter, log
from tests.storage.building import at, entity, ids, numbers, point

Store = RedisAdapter
NOON = at("2024-03-01 12:00")


@pytest.fixture
def campus(redis_store: Store) -> Store:
    redis_store.load_entities(
        [
            entity("s", site=MARKER, dis="S"),
            point("p", siteRef=Ref("s"), writable=MARKER),
            point("q", siteRef=Ref("s")),
        ]
    )
    redis_store.his_write("p", numbers(3, NOON))
    ends = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
    redis_store.point_write("p", 8, Number(1), "joe", ends)
    return redis_store


DAMAGE: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "hash": (lambda redis, keys: redis.delete(keys.entity("q")), "@q is in the list"),
    "field": (
        lambda redis, keys: redis.hset(keys.entity("q"), "mod", 5),
        "another time",
    ),
    "id": (lambda redis, keys: redis.zrem(keys.ids, "q"), "@q is not in the list"),
    "edge": (lambda redis, keys: redis.srem(keys.referrers("s"), "q"), "@q is missing"),
    "edges": (lambda redis, keys: redis.sadd(keys.referrers("s"), "z"), "@z must not"),
    "sets": (
        lambda redis, keys: redis.hset(keys.entity("q"), "set", "7"),
        "set of tag names",
    ),
    "array": (
        lambda redis, keys: redis.zrem(keys.due, "8:p"),
        "expiries differs at 8:p",
    ),
    "expiry": (lambda redis, keys: redis.delete(keys.levels("p")), "differs at 8:p"),
    "log": (
        lambda redis, keys: redis.rpop(keys.log_of("s")),
        "@s: its list of changes differs from the log in 1",
    ),
    "watch": (lambda redis, keys: redis.zadd(keys.watches, {"w": 5}), "differs at w"),
    "items": (
        lambda redis, keys: redis.hset(keys.watch_items("w"), "p", "1:1"),
        "items of watch w",
    ),
    "stage": (
        lambda redis, keys: redis.rpush(keys.stage("x"), 1),
        "staged commands of x",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(campus: Store, damage: str) -> None:
    assert campus.differences() == []
    do, words = DAMAGE[damage]
    do(campus.server.redis, campus.keys)
    assert any(words in line for line in campus.differences()), campus.differences()


def test_the_index_is_rebuilt(redis_store: Store) -> None:
    redis_store.load_entities(demo.entities())
    every = {record["id"].id: record.raw for record in redis_store.scan()}
    answers = {
        text: sorted(ids(redis_store.read(text)))
        for text in ("site", "point and siteRef->dis", 'kind == "Bool"')
    }
    assert redis_store.reindex() == len(every)
    assert redis_store.differences() == []
    redis, keys = redis_store.server.redis, redis_store.keys
    redis.delete(keys.ids, *redis.scan_iter(keys.referrers("*")))
    assert redis_store.differences() != []
    assert redis_store.reindex() == len(every)
    assert redis_store.differences() == []
    assert {record["id"].id: record.raw for record in redis_store.scan()} == every
    for text, right in answers.items():
        assert sorted(ids(redis_store.read(text))) == right


def test_commands(campus: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(storages), "__getitem__", lambda self, alias: campus)
    out = StringIO()
    call_command("haystack_check", stdout=out)
    assert out.getvalue() == "no differences\n"
    campus.server.redis.srem(campus.keys.referrers("s"), "q")
    with pytest.raises(CommandError, match="1 differences; run with --repair"):
        call_command("haystack_check", stdout=out)
    assert "referrers of s: @q is missing" in out.getvalue()
    call_command("haystack_redis_reindex", stdout=out)
    assert "3 entities indexed" in out.getvalue()
    call_command("haystack_check", stdout=out)


def test_commands_are_for_redis() -> None:
    with pytest.raises(
        CommandError, match="'memory' must be on Redis, not InMemoryAdapter"
    ):
        call_command("haystack_redis_reindex", storage="memory")


def test_the_log_has_an_end(
    redis_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "KEPT", 10)
    for turn in range(6):
        redis_store.load_entities(entity(f"e{n}", v=Number(turn)) for n in range(4))
    assert [one.after["v"].val for one in redis_store.changes_of("e1")] == [5, 4]
    assert sum(len(redis_store.changes_of(f"e{n}")) for n in range(4)) == 10
    assert redis_store.differences() == []
    assert len(redis_store.changes_of("e3", 1)) == 1


def test_versions_count_visible_changes(redis_store: Store) -> None:
    def version() -> int:
        return redis_store._fetch(["p"])["p"].version

    redis_store.load_entities([point("p")])
    first = version()
    redis_store.load_entities([point("p")])
    assert version() == first
    redis_store.load_entities([point("p", dis="P")])
    redis_store.set_transient({"p": {"curVal": Number(1)}})
    redis_store.set_transient({"p": {"curVal": Number(1)}})
    assert version() == first + 2
    redis_store.commit([], remove=["p"])
    redis_store.load_entities([point("p")])
    assert abs(version() - first) > 1_000
