"""Without replicas, or without what they need, nothing is asked of anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.db import OperationalError, connections
from psycopg import errors

from haystack_app import checks, databases
from haystack_app.replicas import monitor, positions, routing
from haystack_app.replicas.middleware import note_writes
from haystack_app.storage.orm import OrmAdapter

SHARED = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://localhost"}


def use(settings: Any, *replicas: str, **more: Any) -> None:
    words = {"REPLICAS": list(replicas), **more}
    settings.HAYSTACK = {**settings.HAYSTACK, "REPLICATION": words}


def found(settings: Any) -> list[str]:
    return [str(one.id) for one in checks.check_replicas()]


def fail(*_: Any) -> Any:
    raise AssertionError


def test_without_replicas(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "monitor", fail)
    monkeypatch.setattr(positions, "_keep", fail)
    store = OrmAdapter()
    assert routing.view_of(store, None) is None
    assert routing.answered_by(store, None, lambda it: it) is store
    positions.note(1)
    positions.note_everyone_on_commit("default")
    with pytest.raises(MiddlewareNotUsed):
        note_writes(lambda request: fail())
    assert found(settings) == []


def test_a_cache_of_one_process(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(settings, "default")
    monkeypatch.setattr(positions, "required", fail)
    monkeypatch.setattr(routing, "monitor", lambda: monitor.Monitor(["default"]))
    assert routing.view_of(OrmAdapter(), None) is None
    assert found(settings) == ["haystack.E025", "haystack.E026"]
    settings.CACHES = {"default": SHARED}
    assert found(settings) == ["haystack.E025"]  # SQLite has no replicas


def test_only_the_store_of_the_database_has_them(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "replica")
    settings.CACHES = {"default": SHARED}
    monkeypatch.setattr(routing, "monitor", fail)
    assert routing.view_of(OrmAdapter(using="other"), None) is None


def test_a_view_does_not_change_the_store() -> None:
    store = OrmAdapter()
    view = store.in_replica("replica")
    assert (store.using, view.using, view.alias) == ("default", "replica", "default")


def test_the_middleware_is_needed(settings: Any) -> None:
    use(settings, "replica")
    settings.CACHES = {"default": SHARED}
    settings.MIDDLEWARE = []
    assert found(settings) == ["haystack.E025", "haystack.E026"]


def test_urls_of_replicas() -> None:
    made = databases.replicas(["postgresql://a/x", "postgres://b/x"], None, "secret")
    assert [*made] == ["replica_1", "replica_2"]
    assert made["replica_2"]["HOST"] == "b"
    assert made["replica_2"]["PASSWORD"] == "secret"
    with pytest.raises(ImproperlyConfigured, match="REPLICA_URLS"):
        databases.replicas(["sqlite:///x"])


@pytest.mark.parametrize(
    ("names", "unconfirmed", "ids"),
    [
        ("", "refuse", ["haystack.W012"]),
        ("standby", "refuse", []),
        ("standby", "accept", ["haystack.W013"]),
    ],
)
def test_commits_of_several_hosts(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    names: str,
    unconfirmed: str,
    ids: list[str],
) -> None:
    use(settings, UNCONFIRMED=unconfirmed)
    connection = connections["default"]
    monkeypatch.setattr(checks, "_scalar", lambda *_: names)
    assert list(checks._replication("default", connection)) == []
    monkeypatch.setitem(connection.settings_dict, "HOST", "a,b")
    found = checks._replication("default", connection)
    assert [one.id for one in found] == ids


def test_what_a_replica_cancels_is_asked_of_the_primary(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, "replica")
    store = OrmAdapter()
    monkeypatch.setattr(
        routing, "view_of", lambda store, user: store.in_replica("replica")
    )
    conflict = OperationalError()
    conflict.__cause__ = errors.SerializationFailure()
    asked: list[str] = []

    def answer(store: OrmAdapter, error: Exception) -> str:
        asked.append(store.using)
        if store.using == "replica":
            raise error
        return "answer"

    found = routing.answered_by(store, None, lambda it: answer(it, conflict))
    assert (found, asked) == ("answer", ["replica", "default"])
    with pytest.raises(ValueError):
        routing.answered_by(store, None, lambda it: answer(it, ValueError()))
    assert not routing.is_lost(store, conflict)
