"""``/api/dashboards/``: what it does, and for whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.models import Dashboard, GroupScope
from tests.api.callers import token_of
from tests.api.conftest import user
from tests.api.test_entities_rest import Rest, refused
from tests.dashboards.making import CONTENT, dashboard

pytestmark = pytest.mark.django_db


def rest(someone: Any) -> Rest:
    client = Client()
    client.force_login(someone)
    return Rest(client, "/api/dashboards/")


def slugs(someone: Any) -> list[str]:
    return [one["slug"] for one in rest(someone).get("").json()["results"]]


# -- what it does --------------------------------------------------------------


def test_life_of_a_dashboard() -> None:
    olga = user("olga")
    api = rest(olga)
    created = api.post({"slug": "plant", "title": "Plant", "content": CONTENT})
    assert created.status_code == 201
    assert created["Location"] == "/api/dashboards/plant/"
    body = created.json()
    assert body.pop("changed")
    assert body == {
        "slug": "plant",
        "title": "Plant",
        "project": "default",
        "owner": "olga",
        "groups": [],
        "everyone": False,
        "range": "today",
        "content": CONTENT,
        "version": 1,
        "mayChange": True,
    }
    changed = api.patch("plant", {"range": "7d", "version": 1})
    assert changed.status_code == 200
    assert changed.json()["range"] == "7d"
    assert changed.json()["version"] == 2
    assert api.get("plant/").json()["content"] == CONTENT
    assert api.delete("plant/").status_code == 204
    assert 'unknown dashboard "plant"' in refused(api.get("plant/"), 404)


def test_the_second_of_two_editors_is_refused() -> None:
    olga = user("olga")
    dashboard("plant", olga)
    assert rest(olga).patch("plant", {"title": "A", "version": 1}).status_code == 200
    late = rest(olga).patch("plant", {"title": "B", "version": 1})
    assert "version is 2, not 1: it was changed since it was read" in refused(late, 409)
    assert Dashboard.objects.get().title == "A"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": "No address"}, "slug: This field is required"),
        ({"slug": "a b", "title": "x"}, "slug: Enter a valid"),
        ({"slug": "x", "title": "x", "groups": ["nosuch"]}, "unknown group 'nosuch'"),
        ({"slug": "x", "title": "x", "project": "nosuch"}, "project: unknown project"),
        ({"slug": "x", "title": "x", "range": "soon"}, 'range: "soon" is not a range'),
        ({"slug": "x", "title": "x", "colour": 1}, "colour: unknown field"),
        ({"slug": "x", "title": "x", "everyone": "no"}, "everyone: must be true"),
        (
            {"slug": "x", "title": "x", "content": {"sections": [{"tiles": [{}]}]}},
            "content: section 1, tile 1: kind must be one of chart, table, number",
        ),
    ],
)
def test_bad_bodies(body: dict[str, Any], said: str) -> None:
    assert said in refused(rest(user("olga")).post(body), 400)
    assert not Dashboard.objects.exists()


def test_addresses_are_unique() -> None:
    olga = user("olga")
    dashboard("plant", user("otto"))
    answer = rest(olga).post({"slug": "plant", "title": "Plant"})
    assert answer.status_code in (400, 409)
    assert "already exists" in answer.json()["dis"]


def test_a_user_has_so_many_at_most(settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"DASHBOARDS": 1}}
    api = rest(user("olga"))
    assert api.post({"slug": "a", "title": "A"}).status_code == 201
    answer = api.post({"slug": "b", "title": "B"})
    assert "a user may have 1 dashboards at most" in refused(answer, 409)


# -- for whom ------------------------------------------------------------------


def test_who_sees_which() -> None:
    olga, vera, root = (
        user("olga"),
        user("vera", "viewer"),
        user("root", is_superuser=True),
    )
    dashboard("private", olga)
    dashboard("shared", olga, groups=[Group.objects.get(name="viewer")])
    dashboard("public", None, everyone=True)
    assert slugs(olga) == ["private", "shared", "public"]
    assert slugs(vera) == ["shared", "public"]
    assert slugs(root) == ["private", "shared", "public"]
    assert refused(rest(user("nina", "")).get(), 403)  # without view_entity
    for method in ("get", "delete"):
        assert refused(getattr(rest(vera), method)("private/"), 404)
    assert refused(rest(vera).patch("private", {"title": "x"}), 404)


def test_who_may_change_and_delete() -> None:
    olga, vera, ada = user("olga"), user("vera", "viewer"), user("ada", "admin")
    otto = user("otto")
    dashboard("public", olga, everyone=True)
    assert refused(rest(vera).post({"slug": "a", "title": "A"}), 403)
    for name in (vera, otto):  # otto may add dashboards, but this is not his
        api = rest(name)
        assert refused(api.patch("public", {"title": "x"}), 403)
        assert refused(api.delete("public/"), 403)
        assert api.get("public/").json()["mayChange"] is False
    assert rest(ada).get("public/").json()["mayChange"] is True
    assert rest(ada).patch("public", {"title": "Ours"}).status_code == 200
    assert rest(ada).delete("public/").status_code == 204


def test_permissions_do_not_open_what_is_not_shared() -> None:
    dashboard("private", user("olga"))
    ada = rest(user("ada", "admin"))
    assert refused(ada.patch("private", {"title": "x"}), 404)
    assert refused(ada.delete("private/"), 404)


def test_groups_of_other_tenants_are_neither_shown_nor_lost() -> None:
    north, south = (Group.objects.create(name=name) for name in ("north", "south"))
    for group in (north, south):
        GroupScope.objects.create(group=group, filter=f"siteRef==@{group.name}")
    ada = user("ada", "admin")
    ada.groups.add(north)
    dashboard("both", ada, groups=[north, south])
    api = rest(ada)
    assert api.get("both/").json()["groups"] == ["north"]
    assert "unknown group" in refused(api.patch("both", {"groups": ["south"]}), 400)
    assert api.patch("both", {"groups": ["viewer"]}).json()["groups"] == ["viewer"]
    kept = Dashboard.objects.get().groups.values_list("name", flat=True)
    assert set(kept) == {"south", "viewer"}


def test_scopes_of_tokens(client: Client) -> None:
    olga = user("olga")
    dashboard("plant", olga)
    read = {"Authorization": f"Bearer {token_of(olga, 'read')}"}
    write = {"Authorization": f"Bearer {token_of(olga, 'write')}"}
    url = "/api/dashboards/plant/"
    assert client.get(url, headers=read).status_code == 200
    for headers in (read, write):
        assert client.delete(url, headers=headers).status_code == 403


def test_strangers(client: Client) -> None:
    dashboard("public", None, everyone=True)
    assert client.get("/api/dashboards/").status_code == 401
