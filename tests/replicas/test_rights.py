"""Data must not be older than the rights by which it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from haystack_app.models import GroupScope
from haystack_app.replicas import positions
from haystack_app.storage.handler import storages


def scope(user: Any, group: Group) -> None:
    GroupScope.objects.create(group=group, filter="site")


def membership(user: Any, group: Group) -> None:
    user.groups.add(group)


def permission(user: Any, group: Group) -> None:
    group.permissions.add(Permission.objects.get(codename="view_entity"))


def own_permission(user: Any, group: Group) -> None:
    user.user_permissions.add(Permission.objects.get(codename="view_entity"))


def defs(user: Any, group: Group) -> None:
    storages["default"].load_defs({"own": []})


def login(user: Any, group: Group) -> None:
    user.save(update_fields=["last_login"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "times"),
    [
        (scope, 1),
        (membership, 1),
        (permission, 1),
        (own_permission, 1),
        (defs, 1),
        (login, 0),
    ],
)
def test_a_change_is_a_position_for_everyone(
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    change: Callable[[Any, Group], None],
    times: int,
) -> None:
    user = get_user_model().objects.create_user("joe")
    group = Group.objects.create(name="readers")
    words = {"REPLICAS": ["replica"]}
    settings.HAYSTACK = {**settings.HAYSTACK, "REPLICATION": words}
    monkeypatch.setattr(positions, "has_shared_cache", lambda: True)
    found: list[list[str]] = []
    monkeypatch.setattr(positions, "_keep", found.append)
    with django_capture_on_commit_callbacks(execute=True):
        change(user, group)
        assert found == []  # not before others see it
    assert len(found) >= times
    assert all(keys == ["haystack.position.everyone"] for keys in found)
    assert bool(found) == bool(times)
