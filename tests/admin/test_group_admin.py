"""The page of a group: the filter of its members, and the permissions to pick from."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from haystack_app.models import GroupScope

pytestmark = pytest.mark.django_db
PERMISSIONS = {
    "add_entity",
    "add_token",
    "change_entity",
    "delete_entity",
    "delete_token",
    "delete_watch",
    "invoke_actions",
    "view_auditentry",
    "view_entity",
    "view_groupscope",
    "view_token",
    "view_watch",
    "write_cur",
    "write_history",
    "write_points",
}


@pytest.fixture
def north() -> Group:
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter="siteRef == @north")
    return group


def page(client: Client, user: User, group: Group) -> Any:
    client.force_login(user)
    return client.get(f"/admin/auth/group/{group.pk}/change/")


def test_the_picker_has_only_permissions_that_something_asks_for(
    client: Client, north: Group
) -> None:
    ours = Permission.objects.filter(content_type__app_label="haystack_app")
    assert {one.codename for one in ours} == PERMISSIONS
    html = page(client, User.objects.create_superuser("root"), north).content.decode()
    assert len(re.findall(r">Haystack \| [^<]+<", html)) == len(PERMISSIONS)


@pytest.mark.parametrize("codename", ["view_groupscope", "view_entity"])
def test_who_may_look_at_the_filter(
    client: Client, north: Group, codename: str
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["view_group", codename])
    )
    answer = page(client, clerk, north)
    assert answer.status_code == 200
    assert (b"siteRef == @north" in answer.content) == (codename == "view_groupscope")
