"""Channel layer, cache and store on a Redis Cluster, one of whose nodes is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import CacheHandler

from haystack_app import host_checks, redis_services
from haystack_app.kinds import MARKER, Number
from haystack_app.storage.currents import Current
from haystack_app.storage.redis import RedisAdapter
from tests.defects.building import building, point
from tests.machines.failover import Clients, clients, on_redis
from tests.machines.redis_services import Cluster, cluster
from tests.storage.building import at, ids, numbers

STORE, CACHE = "{haystack}", "{haystack-cache}"


@pytest.fixture(scope="module")
def redis() -> Iterator[Cluster]:
    with cluster(replicas=1) as found:
        yield found


@pytest.fixture(scope="module")
def under_load(
    redis: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clients]:
    folder: Path = tmp_path_factory.mktemp("cluster")
    with on_redis(redis.url, folder) as both, clients(both) as found:
        yield found


# -- the store ------------------------------------------------------------------


def test_a_store_is_on_one_shard(redis: Cluster) -> None:
    store = RedisAdapter(url=redis.url, prefix="whole")
    store.load_entities([*building(), point("n", tz="UTC", cur=MARKER)])
    at_hugo = 'siteRef->geoCity == "Hugo"'
    assert ids(store.read(at_hugo)) == ids(store.read("siteRef == @s1"))
    assert ids(store.read(at_hugo))
    store.his_write("n", numbers(2_000, at("2024-01-01 00:00", "UTC")))
    assert len(list(store.his_read("n"))) == 2_000
    store.cur_write({"n": Current(Number(5))})
    assert store.differences() == []
    assert store.reindex() == len(ids(store.read("id")))
    kept = list(store.export())
    node = redis.master_of("{whole}")
    assert node.client.dbsize() >= len(kept)
    store.drop()
    assert store.is_empty()
    store.replace(kept)
    assert len(list(store.his_read("n"))) == 2_000
    assert store.differences() == []
    store.drop()


def test_a_store_moves_to_another_node(redis: Cluster) -> None:
    """Its clients learn it from the answer of the former node."""
    store = RedisAdapter(url=redis.url, prefix="moving")
    store.load_entities([point("n", tz="UTC")])
    store.drop()
    source = redis.master_of("{moving}")
    target = next(
        one
        for one in redis.nodes
        if one is not source and one.client.info("replication")["role"] == "master"
    )
    redis.move("{moving}", source, target)
    store.load_entities([point("n", tz="UTC")])
    assert ids(store.read("point")) == ["n"]
    assert redis.master_of("{moving}") is target
    store.drop()


def test_what_checks_and_the_status_page_say(redis: Cluster, settings: Any) -> None:
    node = redis.nodes[0]
    right = RedisAdapter(url=redis.url, prefix="checked")
    assert "haystack.E023" not in [one.id for one in right.check_server()]
    assert "cluster: master 127.0.0.1:" in right.server_text()
    wrong = RedisAdapter(url=node.url, prefix="checked")
    assert "haystack.E023" in [one.id for one in wrong.check_server()]
    settings.CACHES = {"default": redis_services.cache(node.url)}
    settings.CHANNEL_LAYERS = {"default": redis_services.channel_layer(node.url)}
    found = list(host_checks.check_redis(databases=["default"]))
    assert [one.id for one in found] == ["haystack.E023"] * 2
    assert all("node of a cluster" in one.msg for one in found)
    settings.CACHES = {"default": redis_services.cache(redis.url)}
    settings.CHANNEL_LAYERS = {"default": redis_services.channel_layer(redis.url)}
    assert list(host_checks.check_redis(databases=["default"])) == []


# -- the cache ------------------------------------------------------------------


def test_the_cache_does_all_that_caches_do(redis: Cluster) -> None:
    cache: Any = CacheHandler({"default": redis_services.cache(redis.url)})["default"]
    many = {f"key-{n}": n for n in range(200)}
    cache.set_many(many)
    assert cache.get_many(many) == many
    assert cache.add("key-0", 1) is False
    assert cache.incr("key-1", 5) == 6
    cache.touch("key-2", 60)
    cache.delete_many(["key-3", "key-4"])
    assert cache.get("key-3") is None
    store = RedisAdapter(url=redis.url, prefix="beside")
    store.load_entities([point("n", tz="UTC")])
    cache.clear()
    assert cache.get_many(many) == {}
    assert ids(store.read("point")) == ["n"]
    store.drop()


# -- clients --------------------------------------------------------------------


def test_a_node_is_killed_and_comes_back(redis: Cluster, under_load: Clients) -> None:
    under_load.check_pushes(1)
    under_load.check_throttle("bob")
    node = redis.master_of(STORE)
    under_load.survive(node.stop)
    assert redis.master_of(STORE) is not node
    under_load.check_pushes_again(100)
    node.start()
    under_load.survive(lambda: None)
    under_load.check_pushes_again(1_000)
    under_load.check_throttle("carol")
