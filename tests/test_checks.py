"""System checks say what is wrong, with an id and a hint."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.core.checks import CheckMessage
from django.test import Client

from haystack_app import checks
from haystack_app.ops import all_ops

ORM = "haystack_app.storage.orm.OrmAdapter"
MEMORY = "haystack_app.storage.memory.InMemoryAdapter"


def storages(**entries: dict[str, Any]) -> dict[str, Any]:
    return {"STORAGES": {"default": {"BACKEND": ORM}, **entries}}


def found(messages: Any) -> list[CheckMessage]:
    listed = list(messages)
    assert all(message.hint for message in listed)
    return listed


def ids(messages: Any) -> list[str | None]:
    return [message.id for message in found(messages)]


def test_the_tests_own_settings_are_right() -> None:
    assert ids(checks.check_settings()) == []
    assert ids(checks.check_storages()) == []


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"BACKEND": ORM, "OPTIONS": {"colour": 1}}, "colour"),
        ({"BACKEND": "haystack_app.storage.nowhere.Adapter"}, "nowhere"),
        ({"BACKEND": MEMORY, "OPTOINS": {}}, "OPTOINS"),
    ],
)
def test_a_storage_that_cannot_be_made(
    entry: dict[str, Any], named: str, settings: Any
) -> None:
    settings.HAYSTACK = storages(other=entry)
    [message] = found(checks.check_storages())
    assert message.id == "haystack.E001"
    assert "'other'" in message.msg
    assert named in message.msg


def test_an_unknown_database(settings: Any) -> None:
    settings.HAYSTACK = storages(other={"BACKEND": ORM, "OPTIONS": {"using": "no"}})
    assert ids(checks.check_storages()) == ["haystack.E002"]


def test_one_database_for_two_storages(settings: Any) -> None:
    settings.HAYSTACK = storages(other={"BACKEND": ORM})
    assert ids(checks.check_storages()) == ["haystack.E003"]


@pytest.mark.parametrize("alias", ["read", "hisWrite", *sorted(checks.RESERVED)])
def test_a_storage_named_like_an_op_or_a_resource(alias: str, settings: Any) -> None:
    settings.HAYSTACK = storages(**{alias: {"BACKEND": MEMORY}})
    assert ids(checks.check_storages()) == ["haystack.E004"]


def test_every_resource_is_reserved(client: Client) -> None:
    answer = client.get("/api/schema/", headers={"Accept": "application/json"})
    first = {path.split("/")[2] for path in answer.json()["paths"]}
    of_storages = {name for name in first if name.startswith("{")}
    assert first - of_storages - {op.name for op in all_ops()} - {""} <= checks.RESERVED
    assert first >= checks.RESERVED - {"docs", "his", "schema", "sys"}


def test_the_setting_itself(settings: Any) -> None:
    settings.HAYSTACK = {"STORAGES": {}, "COLOUR": 1, "HISTORY_CHUNK_DAYS": 0}
    assert ids(checks.check_settings()) == [
        "haystack.E005",
        "haystack.E007",
        "haystack.E006",
    ]


@pytest.mark.django_db(databases="__all__")
def test_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    aliases = list(settings.DATABASES)
    assert ids(checks.check_databases(databases=aliases)) == []
    sqlite = checks.connections["default"].settings_dict["OPTIONS"]
    monkeypatch.delitem(sqlite, "transaction_mode")
    assert ids(checks.check_databases(databases=["default"])) == ["haystack.W003"]


@pytest.mark.django_db(databases="__all__")
def test_how_postgresql_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    if "postgres" not in settings.DATABASES:
        pytest.skip(settings.MISSING_SERVICES["postgres"])
    connection = checks.connections["postgres"]
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = on")
    assert ids(checks.check_databases(databases=["postgres"])) == [
        "haystack.W001",
        "haystack.W002",
    ]


def test_logging_in(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["haystack_app.auth.hashers.ScramHasher"]
    assert ids(checks.check_log_in()) == []
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MIDDLEWARE = []
    warned = ["haystack.W005", "haystack.W006", "haystack.W007"]
    assert ids(checks.check_log_in()) == warned
    settings.HAYSTACK = {**storages(), "SCRAM_ITERATIONS": 1000, "TOKEN_HOURS": 0}
    assert ids(checks.check_settings()) == ["haystack.E009", "haystack.E010"]


def test_what_the_project_lacks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(checks.check_project()) == []
    settings.USE_TZ = False
    assert ids(checks.check_project()) == ["haystack.E016"]
    monkeypatch.setattr(apps, "is_installed", lambda name: name == "rest_framework")
    messages = found(checks.check_project())
    assert [message.id for message in messages] == [
        "haystack.W009",
        "haystack.W009",
        "haystack.E016",
    ]
    assert "'drf_spectacular' is not in INSTALLED_APPS" in messages[0].msg


class OwnUserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    """Guarded by other means than the mixin."""

    readonly_fields = ("is_superuser",)


class OddUserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        return request.tenant.fieldsets


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (DjangoUserAdmin, ["haystack.W010"]),
        (OwnUserAdmin, []),
        (OddUserAdmin, []),
    ],
)
def test_pages_of_users_that_make_superusers(
    page: Any, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ids(checks.check_user_admin()) == []
    monkeypatch.setitem(admin.site._registry, User, page(User, admin.site))
    assert ids(checks.check_user_admin()) == expected


@pytest.mark.parametrize(
    "throttle", [5, {"USERS": 5}, {"USER": 0}, {"USER": "5"}, {"USER": True}, {1: 1}]
)
def test_throttling(settings: Any, throttle: Any) -> None:
    settings.HAYSTACK = {**storages(), "THROTTLE": throttle}
    assert ids(checks.check_settings()) == ["haystack.E011"]
    for right in (None, {}, {"USER": 5, "LOG_IN_USER": 1}):
        settings.HAYSTACK = {**storages(), "THROTTLE": right}
        assert ids(checks.check_settings()) == []
    for wrong in (-1, 11, "1", True, None):
        settings.HAYSTACK = {**storages(), "PROXIES": wrong}
        assert ids(checks.check_settings()) == ["haystack.E012"]


@pytest.mark.parametrize("key", ["TICK_SECONDS", "SIMULATE_SECONDS"])
def test_paces(settings: Any, key: str) -> None:
    for right in (-1, 0, 0.5, 5, 3600):
        settings.HAYSTACK = {**storages(), key: right}
        assert ids(checks.check_settings()) == []
    for wrong in ("5", True, None, float("nan"), float("inf")):
        settings.HAYSTACK = {**storages(), key: wrong}
        assert ids(checks.check_settings()) == ["haystack.E014"]


@pytest.mark.parametrize(
    ("backend", "workers", "expected"),
    [
        ("channels.layers.InMemoryChannelLayer", "2", ["haystack.W008"]),
        ("channels.layers.InMemoryChannelLayer", "1", []),
        ("channels.layers.InMemoryChannelLayer", "", []),
        ("channels.layers.InMemoryChannelLayer", "many", []),
        ("channels_redis.core.RedisChannelLayer", "2", []),
        (None, "2", ["haystack.W008"]),
        (None, "1", []),
    ],
)
def test_a_channel_layer_that_processes_do_not_share(
    backend: str | None,
    workers: str,
    expected: list[str],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend}} if backend else {}
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    assert ids(checks.check_channel_layer()) == expected
