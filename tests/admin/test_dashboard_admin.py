"""Dashboards in the admin: who sees and changes which."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from haystack_app.models import Dashboard, GroupScope
from tests.api.conftest import user
from tests.dashboards.making import CONTENT, dashboard

pytestmark = pytest.mark.django_db
LIST = "/admin/haystack_app/dashboard/"


def staff(name: str, *codenames: str) -> Any:
    made = user(name, "viewer", is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return made


def logged_in(someone: Any) -> Client:
    client = Client()
    client.force_login(someone)
    return client


def change(client: Client, made: Dashboard, **fields: Any) -> Any:
    form = {
        "slug": made.slug,
        "title": made.title,
        "storage": "default",
        "range": "today",
        "content": "{}",
        **fields,
    }
    return client.post(f"{LIST}{made.pk}/change/", form)


def test_staff_see_what_they_may_open() -> None:
    olga = user("olga")
    dashboard("private", olga)
    dashboard("public", olga, everyone=True)
    sam = staff("sam", "view_dashboard")
    text = logged_in(sam).get(LIST).content.decode()
    assert "Public" in text and "Private" not in text
    page = logged_in(sam).get(
        f"{LIST}{Dashboard.objects.get(slug='private').pk}/change/"
    )
    assert page.status_code == 302  # there is no such dashboard for this user


def test_changes_need_the_permission_or_the_owner() -> None:
    sam = staff("sam", "view_dashboard")
    theirs = dashboard("theirs", user("olga"), everyone=True)
    own = dashboard("own", sam)
    client = logged_in(sam)
    assert change(client, theirs, title="Mine").status_code == 403
    assert change(client, own, title="Mine").status_code == 302
    own.refresh_from_db()
    assert (own.title, own.version, own.owner) == ("Mine", 2, sam)
    assert client.post(f"{LIST}{theirs.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_owner_is_chosen_by_superusers_alone() -> None:
    ada = staff("ada", "view_dashboard", "add_dashboard", "change_dashboard")
    form = {"slug": "new", "title": "New", "storage": "default", "range": "today"}
    olga = user("olga")
    answer = logged_in(ada).post(
        f"{LIST}add/", {**form, "content": "{}", "owner": olga.pk}
    )
    assert answer.status_code == 302
    assert Dashboard.objects.get().owner == ada


def test_only_known_groups_are_offered() -> None:
    north, south = (Group.objects.create(name=name) for name in ("north", "south"))
    for group in (north, south):
        GroupScope.objects.create(group=group, filter=f"siteRef==@{group.name}")
    ada = staff("ada", "view_dashboard")
    ada.groups.add(north)
    own = dashboard("own", ada, groups=[south])
    text = logged_in(ada).get(f"{LIST}{own.pk}/change/").content.decode()
    assert ">north</option>" in text and ">south</option>" not in text
    assert change(logged_in(ada), own, groups=[south.pk]).status_code == 200
    assert change(logged_in(ada), own, groups=[north.pk]).status_code == 302
    assert set(own.groups.all()) == {north, south}  # what is not known is kept


def test_content_is_checked() -> None:
    ada = staff("ada", "view_dashboard")
    own = dashboard("own", ada)
    answer = change(logged_in(ada), own, content='{"sections": [1]}')
    assert "section 1: must be an object" in answer.content.decode()
    own.refresh_from_db()
    assert own.content == CONTENT
