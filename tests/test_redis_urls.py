"""URLs of Redis: what each form means, and that no error shows a secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.connection import SSLConnection as AsyncSSLConnection
from redis.connection import SSLConnection

from haystack_app import redis_services
from haystack_app.redis_pools import pool_of
from haystack_app.redis_urls import CLUSTER, SENTINEL, SERVER, RedisUrl, tagged


def test_one_server() -> None:
    url = "rediss://me:p%2Fw@[::1]:7000/3?health_check_interval=5"
    at = RedisUrl.parse(url)
    assert (at.form, at.hosts, at.plain) == (SERVER, (("::1", 7000),), url)
    assert at.shown == "rediss://[::1]:7000/3"
    assert RedisUrl.parse("unix:///run/redis.sock?db=2").shown == (
        "unix:///run/redis.sock?db=2"
    )


def test_sentinels() -> None:
    url = (
        "rediss+sentinel://me:p%2Fw@a,b:7000,[::1]/plant/2"
        "?sentinel_password=s&health_check_interval=5"
    )
    at = RedisUrl.parse(url)
    assert (at.form, at.service) == (SENTINEL, "plant")
    assert at.hosts == (("a", 26379), ("b", 7000), ("::1", 26379))
    assert at.plain == "rediss://me:p%2Fw@/2?health_check_interval=5"
    assert at.sentinel == {"password": "s"}
    assert at.shown == "rediss+sentinel://a,b:7000,[::1]/plant/2"
    pool: Any = pool_of(url, socket_timeout=1.5)
    assert issubclass(pool.connection_class, SSLConnection)
    words = pool.connection_kwargs
    assert (words["username"], words["password"], words["db"]) == ("me", "p/w", 2)
    assert words["socket_timeout"] == 1.5


def test_clusters() -> None:
    at = RedisUrl.parse("redis+cluster://:pw@a,b:7000")
    assert (at.form, at.hosts) == (CLUSTER, (("a", 6379), ("b", 7000)))
    assert (at.plain, at.shown) == ("redis://:pw@/0", "redis+cluster://a,b:7000")
    assert RedisUrl.parse(tagged("redis+cluster://a?protocol=2", "x y")).tag == "x y"
    assert tagged("redis://a/1", "x") == "redis://a/1"
    secure: Any = pool_of("rediss+cluster://a")
    assert issubclass(secure.connection_class, SSLConnection)


@pytest.mark.parametrize(
    "url",
    [
        "http://:secret@a",
        "redis+other://:secret@a",
        "unix+cluster://:secret@a",
        "redis://:secret@a,b/0",
        "redis://:secret@a:port/0",
        "redis+sentinel://:secret@a,b",
        "redis+sentinel://:secret@a/plant/two",
        "redis+sentinel://:secret@a/plant/2/3",
        "redis+cluster://:secret@a/1",
        "redis+cluster://:secret@a:1:2",
        "redis+cluster://:sec/ret@a",
    ],
)
def test_invalid_ones(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        RedisUrl.parse(url)
    assert "secret@" not in str(caught.value)
    assert "redis+sentinel://" in str(caught.value)


def test_caches() -> None:
    plain = redis_services.cache("redis://a/1")
    assert plain["LOCATION"] == ["redis://a/1"]
    assert "KEY_PREFIX" not in plain
    found = redis_services.cache("redis+cluster://a,b")
    assert found["LOCATION"] == ["redis+cluster://a,b?tag=haystack-cache"]
    assert found["KEY_PREFIX"] == "{haystack-cache}"


def test_channel_layers() -> None:
    found = redis_services.channel_layer(
        "rediss+sentinel://:pw@a,b/plant/2?sentinel_password=s"
    )
    assert found["BACKEND"] == "channels_redis.core.RedisChannelLayer"
    [host] = found["CONFIG"]["hosts"]
    assert host["sentinels"] == [("a", 26379), ("b", 26379)]
    assert (host["master_name"], host["db"], host["password"]) == ("plant", 2, "pw")
    assert issubclass(host["connection_class"], AsyncSSLConnection)
    assert host["sentinel_kwargs"]["password"] == "s"
    assert host["sentinel_kwargs"]["ssl"]
    found = redis_services.channel_layer("rediss+cluster://a,b:1")
    assert found["BACKEND"] == "channels_redis.pubsub.RedisPubSubChannelLayer"
    [host] = found["CONFIG"]["hosts"]
    assert host["nodes"] == (("a", 6379), ("b", 1))
    assert issubclass(host["connection_class"], AsyncSSLConnection)
