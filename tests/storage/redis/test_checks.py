"""What the system checks say of a Redis server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from haystack_app import checks
from haystack_app.storage.redis import RedisAdapter, server
from haystack_app.transfer.stores import UnusableStore, _redis
from tests.storage.building import at, history, ids, numbers, point

REDIS = "haystack_app.storage.redis.RedisAdapter"


def info(
    monkeypatch: pytest.MonkeyPatch,
    made: bytes | None = None,
    workers: int | None = None,
    **facts: Any,
) -> None:
    right = {
        "redis_version": "7.0.15",
        "maxmemory_policy": "noeviction",
        "aof_enabled": 1,
    }
    monkeypatch.setattr(server.Redis, "info", lambda self: right | facts)
    monkeypatch.setattr(server.Redis, "hget", lambda self, key, field: made)
    told = {"search-workers": str(workers)} if workers is not None else {}
    monkeypatch.setattr(server.Redis, "config_get", lambda self, name: told)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"redis_version": "6.2.14"}, ["haystack.E020"]),
        ({"maxmemory_policy": "allkeys-lru"}, ["haystack.W021"]),
        ({"aof_enabled": 0}, ["haystack.W022"]),
        ({"workers": 0}, []),
        ({"workers": 8}, ["haystack.W023"]),
    ],
)
def test_servers(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], expected: list[str]
) -> None:
    info(monkeypatch, **facts)
    found = RedisAdapter(url="redis://nowhere/1").check_server()
    assert [message.id for message in found] == expected
    assert all(message.hint for message in found)


def test_no_server_and_no_password_in_the_message() -> None:
    [message] = RedisAdapter(url="redis://me:s3cret@127.0.0.1:9/1").check_server()
    assert message.id == "haystack.W020"
    assert "s3cret" not in message.msg
    assert "127.0.0.1:9" in message.msg


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:p@ss@127.0.0.1:9/1", "redis://127.0.0.1:9/1"),
        ("rediss://me:s3cret@Host/", "rediss://host/"),
        ("redis://[::1]:9?password=s3cret&db=4", "redis://[::1]:9?db=4"),
        ("redis://h/2?username=me&password=a@b?c", "redis://h/2"),
        ("unix://:s3cret@/run/r.sock?db=1&password=x", "unix:///run/r.sock?db=1"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert str(RedisAdapter(url=url).server) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("redis://:s3/cret@h:9/1", "redis://:s3#cret@h/0", "redis://:s3?cret@h/0"),
        *("redis://:12/s3cret@h:9/1", "redis://:s3[cret@h/0", "http://me:s3cret@h"),
        *("redis://h:s3cret/0", "s3cret"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_it(
    url: str, settings: Any
) -> None:
    """Also where the client would name a piece of the password as a port."""
    with pytest.raises(ImproperlyConfigured, match="quote") as refusal:
        RedisAdapter(url=url)
    assert "s3" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
    with pytest.raises(UnusableStore, match="quote"):
        _redis(url)
    entry = {"BACKEND": REDIS, "OPTIONS": {"url": url}}
    settings.HAYSTACK = {"STORAGES": {"default": entry}}
    assert [message.id for message in checks.check_storages()] == ["haystack.E001"]


def test_the_protocol_is_ours(redis_store: RedisAdapter) -> None:
    """Answers of the other one have other shapes."""
    url = f"{redis_store.server.url}?protocol=3"
    prefix = redis_store.keys.prefix
    modules = bool(redis_store.server.modules)
    store = RedisAdapter(url=url, prefix=prefix, modules=modules)
    store.load_entities([point("p")])
    store.his_write("p", numbers(3, at("2024-03-01 12:00")))
    assert len(history(store)) == 3
    assert ids(store.read("point")) == ["p"]


@pytest.mark.parametrize(
    "prefix", ["", "a*", "a?b", "[ab]", "a\\b", "a:1:e", "a:1", "1", "a::b", "ä", "a\n"]
)
def test_prefixes_that_would_meet_others(prefix: str) -> None:
    """A pattern for some keys would miss them, or have those of another store."""
    with pytest.raises(ImproperlyConfigured, match="prefix"):
        RedisAdapter(url="redis://nowhere/1", prefix=prefix)


@pytest.mark.parametrize("prefix", ["haystack", "A-1_b.c~", "acme:plant2", "x:1a"])
def test_prefixes(prefix: str) -> None:
    store = RedisAdapter(url="redis://nowhere/1", prefix=prefix)
    assert store.keys.base == f"{{{prefix}}}:2:"


def test_servers_are_asked_where_databases_are(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    info(monkeypatch, aof_enabled=0)
    entry = {"BACKEND": REDIS, "OPTIONS": {"url": "redis://127.0.0.1:9/3"}}
    settings.HAYSTACK = {"STORAGES": {"default": entry}}
    assert list(checks.check_storages()) == []
    assert list(checks.check_servers()) == []
    found = checks.check_servers(databases=["default"])
    assert [message.id for message in found] == ["haystack.W022"]
    settings.HAYSTACK = {"STORAGES": {"default": {"BACKEND": "no.such.Adapter"}}}
    assert list(checks.check_servers(databases=["default"])) == []


def test_options(settings: Any) -> None:
    with pytest.raises(TypeError, match="colour"):
        RedisAdapter(colour=1)  # type: ignore[call-arg]
    settings.REDIS_URL = ""
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL is empty"):
        RedisAdapter()
    settings.REDIS_URL = "redis://127.0.0.1:9/3"
    assert RedisAdapter().server.url == "redis://127.0.0.1:9/3"
    assert RedisAdapter().keys.base == "{haystack}:2:"


def test_two_storages_on_the_same_keys(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    info(monkeypatch)
    url = {"url": "redis://127.0.0.1:9/3"}
    one = {"BACKEND": REDIS, "OPTIONS": url}
    settings.HAYSTACK = {"STORAGES": {"default": one, "other": one}}
    assert [message.id for message in checks.check_storages()] == ["haystack.E021"]
    other = {"BACKEND": REDIS, "OPTIONS": {**url, "prefix": "other"}}
    settings.HAYSTACK = {"STORAGES": {"default": one, "other": other}}
    assert list(checks.check_storages()) == []
