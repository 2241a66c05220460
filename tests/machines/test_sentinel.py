"""Channel layer, cache and store with Sentinel: a master dies, hangs, comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haystack_app import redis_services
from haystack_app.monitoring import collector
from haystack_app.storage.redis import RedisAdapter
from tests.machines.failover import Clients, clients, on_redis
from tests.machines.redis_services import Guarded, guarded
from tests.patience import PATIENCE, eventually


@pytest.fixture(scope="module")
def redis() -> Iterator[Guarded]:
    with guarded() as found:
        yield found


@pytest.fixture(scope="module")
def under_load(
    redis: Guarded, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clients]:
    folder: Path = tmp_path_factory.mktemp("sentinel")
    with on_redis(redis.url, folder) as both, clients(both) as found:
        yield found


def check_ids(store: RedisAdapter) -> list[str | None]:
    return [message.id for message in store.check_server()]


def test_what_checks_and_the_status_page_say(redis: Guarded) -> None:
    store = RedisAdapter(url=redis.url, prefix="checked")
    unsafe = "haystack.W024"
    assert unsafe in check_ids(store)
    for server in (redis.first, redis.second):
        server.client.config_set("min-replicas-to-write", 1)
    assert unsafe not in check_ids(store)
    for server in (redis.first, redis.second):
        server.client.config_set("min-replicas-to-write", 0)
    port = redis.master().port
    text = f"sentinel: master 127.0.0.1:{port}, 1 replicas"
    assert store.server_text().endswith(text)


def test_metrics_of_its_replicas(redis: Guarded, settings: Any) -> None:
    settings.CACHES = {"default": redis_services.cache(redis.url)}
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in collector.redis_replicas()
        for sample in family.samples
    }
    name, cache = "haystack_redis_replica", "cache default"
    replica = f"127.0.0.1:{redis.other(redis.master()).port}"
    assert found[f"{name}s", cache] == 1
    assert found[f"{name}_lag_seconds", cache, replica] < PATIENCE
    assert found[f"{name}_missing_bytes", cache, replica] >= 0
    store = RedisAdapter(url=redis.url, prefix="checked")
    assert [one.address for one in store.server_replicas() or ()] == [replica]
    single = RedisAdapter(url=redis.first.url, prefix="checked")
    assert single.server_replicas() is None


def test_no_metrics_of_what_is_down(settings: Any) -> None:
    settings.CACHES = {
        "default": redis_services.cache("redis+sentinel://127.0.0.1:9/h")
    }
    assert not any(family.samples for family in collector.redis_replicas())


def test_the_master_is_killed_and_comes_back(
    redis: Guarded, under_load: Clients
) -> None:
    under_load.check_pushes(1)
    master = redis.master()
    other = redis.other(master)
    under_load.survive(master.stop)
    assert redis.master() is other
    under_load.check_pushes_again(100)
    under_load.check_throttle("bob")
    master.start()
    eventually(lambda: master.client.info("replication")["role"] == "slave")
    eventually(master.is_synced)
    under_load.survive(lambda: None)


def test_the_master_hangs_and_goes_on(redis: Guarded, under_load: Clients) -> None:
    """What it would still store as a master would be lost when it is one no more."""
    master = redis.master()
    other = redis.other(master)
    with master.hung():
        under_load.survive(lambda: None)
        assert redis.master() is other
        under_load.check_pushes_again(1_000)
    under_load.survive(lambda: None)
    under_load.check_throttle("carol")
