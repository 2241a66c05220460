"""Filters of groups: at the group, or on a page of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from haystack_app.models import GroupScope
from tests.api.conftest import logged_in

PATH = "/admin/haystack_app/groupscope/"

pytestmark = pytest.mark.django_db


def root() -> Client:
    return logged_in("root", is_staff=True, is_superuser=True)


def form(group: Group, filter: str) -> dict[str, Any]:
    return {"group": group.pk, "filter": filter}


def test_the_page_of_a_group_has_its_filter() -> None:
    client = root()
    group = Group.objects.create(name="north")
    path = f"/admin/auth/group/{group.pk}/change/"
    assert 'name="haystack_scope-0-filter"' in client.get(path).content.decode()
    assert PATH not in client.get("/admin/").content.decode()


def test_where_the_page_of_groups_is_the_projects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = DjangoGroupAdmin(Group, admin.site)
    monkeypatch.setitem(admin.site._registry, Group, page)
    client = root()
    group = Group.objects.create(name="north")
    assert PATH in client.get("/admin/").content.decode()
    answer = client.post(f"{PATH}add/", form(group, "site and"))
    assert "not a Haystack filter" in answer.content.decode()
    assert client.post(f"{PATH}add/", form(group, "site")).status_code == 302
    assert GroupScope.objects.get().filter == "site"


def test_only_superusers_change_filters() -> None:
    group = Group.objects.create(name="north")
    scope = GroupScope.objects.create(group=group, filter="site")
    client = logged_in("ada", is_staff=True)
    ada = client.get("/").context["user"]
    ada.user_permissions.set(Permission.objects.all())
    for path in ("add/", f"{scope.pk}/change/", f"{scope.pk}/delete/"):
        answer = client.post(PATH + path, form(group, "id") | {"post": "yes"})
        assert answer.status_code == 403
    assert GroupScope.objects.get().filter == "site"


# -- permissions ---------------------------------------------------------------

PERMISSIONS = {
    "acknowledge_alarms",
    "add_entity",
    "add_token",
    "add_dashboard",
    "add_webhook",
    "change_entity",
    "change_job",
    "change_dashboard",
    "change_rules",
    "change_webhook",
    "delete_entity",
    "empty_trash",
    "delete_token",
    "delete_watch",
    "delete_dashboard",
    "delete_webhook",
    "invoke_actions",
    "manage_connectors",
    "view_auditentry",
    "view_entity",
    "view_groupscope",
    "view_job",
    "view_token",
    "view_watch",
    "view_dashboard",
    "view_webhook",
    "write_cur",
    "write_emergency",
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
def test_access_to_the_filter(client: Client, north: Group, codename: str) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(codename__in=["view_group", codename])
    )
    answer = page(client, clerk, north)
    assert answer.status_code == 200
    assert (b"siteRef == @north" in answer.content) == (codename == "view_groupscope")
