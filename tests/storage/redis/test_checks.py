"""What the system checks say of a Redis server."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from haystack_app import checks
from haystack_app.storage.redis import RedisAdapter, server

REDIS = "haystack_app.storage.redis.RedisAdapter"


def info(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> None:
    right = {
        "redis_version": "7.0.15",
        "maxmemory_policy": "noeviction",
        "aof_enabled": 1,
    }
    monkeypatch.setattr(server.Redis, "info", lambda self: right | facts)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, []),
        ({"redis_version": "6.2.14"}, ["haystack.E020"]),
        ({"maxmemory_policy": "allkeys-lru"}, ["haystack.W021"]),
        ({"aof_enabled": 0}, ["haystack.W022"]),
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
    assert RedisAdapter().keys.base == "haystack:1:"


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
