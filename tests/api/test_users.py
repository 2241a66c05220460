"""``/api/users/``: methods and permissions."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from haystack_app.models import GroupScope, Token
from tests.api.conftest import PASSWORD, basic, user
from tests.api.test_entities_rest import Rest, refused

pytestmark = pytest.mark.django_db
User = get_user_model()
STRONG = "a long enough phrase"
FIELDS = {
    "id",
    "username",
    "email",
    "first_name",
    "last_name",
    "groups",
    "active",
    "staff",
    "superuser",
    "last_login",
    "date_joined",
}


def users(name: str, **flags: Any) -> Rest:
    client = Client()
    client.force_login(user(name, **flags))
    return Rest(client, "/api/users/")


@pytest.fixture
def root() -> Rest:
    return users("root", is_superuser=True, is_staff=True)


@pytest.fixture
def admin() -> Rest:
    """A user with the role who is not a superuser."""
    return users("ada", role="admin")


def named(name: str) -> Any:
    return User.objects.get(username=name)


# -- what it does --------------------------------------------------------------


def test_create(admin: Rest) -> None:
    body = {
        "username": "bob",
        "password": STRONG,
        "email": "bob@example.org",
        "groups": ["viewer", "operator"],
    }
    answer = admin.post(body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown.keys() == FIELDS
    assert shown["groups"] == ["operator", "viewer"]
    assert (shown["active"], shown["superuser"], shown["staff"]) == (True, False, False)
    assert answer["Location"] == f"/api/users/{shown['id']}/"
    assert answer["Cache-Control"] == "no-cache, no-store"
    assert admin.client.get(answer["Location"]).json() == shown
    assert Client().get("/api/about", headers=basic("bob", STRONG)).status_code == 200


def test_nothing_shows_a_password(root: Rest) -> None:
    made = root.post({"username": "bob", "password": STRONG})
    changed = root.patch(made.json()["id"], {"password": STRONG + "!"})
    stored = named("bob").password
    for answer in (made, changed, root.get(), root.get(f"{made.json()['id']}/")):
        assert answer.status_code in (200, 201)
        for secret in (STRONG, stored, "password"):
            assert secret.encode() not in answer.content


def test_list(root: Rest) -> None:
    made = ["root", *(user(f"u{number}").username for number in range(4))]
    found: list[str] = []
    query = "?limit=2"
    while query:
        page = root.get(query).json()
        assert page.keys() == {"results", "next"}
        assert len(page["results"]) <= 2
        found += [row["username"] for row in page["results"]]
        query = f"?limit=2&cursor={page['next']}" if page["next"] else ""
    assert found == made
    [one] = root.get("?username=u2").json()["results"]
    assert one["username"] == "u2"
    assert root.get("?username=U2").json() == {"results": [], "next": None}
    assert root.get("?username=%00").json()["results"] == []


@pytest.mark.parametrize("count", [1, 30])
def test_a_page_costs_the_same(
    root: Rest, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        user(f"u{number}")
    with django_assert_max_num_queries(8):
        assert len(root.get().json()["results"]) == count + 1


def test_update(admin: Rest) -> None:
    bob = user("bob")
    body = {"email": "b@example.org", "first_name": "Bob", "groups": ["viewer"]}
    answer = admin.patch(bob.pk, body)
    assert answer.status_code == 200, answer.content
    assert {**answer.json(), **body} == answer.json()
    assert admin.patch(bob.pk, {"password": STRONG}).status_code == 200
    assert named("bob").check_password(STRONG)
    assert answer.json()["groups"] == ["viewer"]
    assert admin.patch(bob.pk, {}).status_code == 200
    # what was read may come back
    assert admin.patch(bob.pk, admin.get(f"{bob.pk}/").json()).status_code == 200


def test_disable(admin: Rest) -> None:
    bob = user("bob")
    assert admin.patch(bob.pk, {"active": False}).json()["active"] is False
    assert Client().get("/api/about", headers=basic("bob")).status_code == 401
    assert admin.patch(bob.pk, {"active": True}).status_code == 200
    assert Client().get("/api/about", headers=basic("bob")).status_code == 200


def test_delete(admin: Rest) -> None:
    bob = user("bob")
    answer = admin.delete(f"{bob.pk}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not User.objects.filter(username="bob").exists()
    assert "unknown user" in refused(admin.delete(f"{bob.pk}/"), 404)


# -- invalid requests ----------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "a/b"}, "username"),
        ({"username": "a\0"}, "username"),
        ({"username": "a" * 151}, "username"),
        ({"username": "bob\n"}, "username"),
        ({"username": None}, "username"),
        ({"username": ["bob"]}, "username"),
        ({"password": "short"}, "too short"),
        ({"password": "password1"}, "too common"),
        ({"password": "31415926535"}, "entirely numeric"),
        ({"password": "bob.bobson@x"}, "too similar"),
        ({"password": STRONG + "\0"}, "password"),
        ({"password": "a b" * 1_000}, "password"),
        ({"password": None}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"first_name": "a\0"}, "first_name"),
        ({"groups": ["missing"]}, "unknown group 'missing'"),
        ({"groups": "viewer"}, "groups"),
        ({"groups": ["a\0"]}, "groups"),
        ({"groups": ["viewer"] * 101}, "groups"),
        ({"active": "no"}, "active"),
        ({"is_active": False}, "is_active"),
    ],
)
def test_invalid_fields(root: Rest, change: dict[str, Any], why: str) -> None:
    body = {"username": "bob.bobson", "password": STRONG, **change}
    assert why in refused(root.post(body), 400)
    assert list(User.objects.values_list("username", flat=True)) == ["root"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'"x"', b"null", b"\xff"])
def test_bodies_that_are_not_objects(root: Rest, body: bytes) -> None:
    bob = user("bob")
    for answer in (root.ask("POST", "", body), root.patch(bob.pk, body)):
        refused(answer, 400)


def test_other_bodies_and_methods(root: Rest) -> None:
    bob = user("bob")
    refused(root.ask("POST", "", b"a=b", "application/x-www-form-urlencoded"), 415)
    refused(root.ask("PUT", f"{bob.pk}/", {}), 405)
    refused(root.ask("PATCH", "", {}), 405)
    refused(root.patch(bob.pk, {"username": "robert"}), 400)
    refused(root.patch(bob.pk, {"password": "short"}), 400)
    for query in ("?limit=0", "?limit=x", "?cursor=x", "?cursor=" + "9" * 19):
        refused(root.get(query), 400)
    for id in ("0", "x", "-1", "9" * 19, "9" * 40, "%00", "١"):
        refused(root.get(f"{id}/"), 404)


def test_a_name_is_taken_once(root: Rest) -> None:
    user("bob")
    assert "already" in refused(root.post({"username": "bob", "password": STRONG}), 409)
    assert root.post({"username": "ﬁ", "password": STRONG}).status_code == 201
    refused(root.post({"username": "fi", "password": STRONG}), 409)


def test_cannot_remove_oneself_or_the_last_superuser(root: Rest, admin: Rest) -> None:
    me = named("root")
    assert "yourself" in refused(root.delete(f"{me.pk}/"), 409)
    assert "yourself" in refused(root.patch(me.pk, {"active": False}), 409)
    assert "last" in refused(root.patch(me.pk, {"superuser": False}), 409)
    ada = named("ada")
    refused(admin.delete(f"{ada.pk}/"), 409)
    refused(admin.patch(ada.pk, {"active": False}), 409)
    other = user("other", is_superuser=True)
    assert root.patch(other.pk, {"active": False}).status_code == 200
    refused(root.patch(me.pk, {"superuser": False}), 409)  # the other is disabled
    assert root.patch(other.pk, {"active": True}).status_code == 200
    assert root.patch(me.pk, {"superuser": False}).status_code == 200


# -- who may --------------------------------------------------------------------


@pytest.mark.parametrize("role", ["", "viewer", "operator"])
def test_other_roles_may_not(role: str) -> None:
    bob = user("bob")
    rest = users("eve", role=role, is_staff=True)
    for answer in (
        rest.get(),
        rest.get(f"{bob.pk}/"),
        rest.post({"username": "x", "password": STRONG}),
        rest.patch(bob.pk, {"active": False}),
        rest.delete(f"{bob.pk}/"),
    ):
        assert "permission 'auth." in refused(answer, 403)
    assert named("bob").is_active
    refused(Rest(Client(), "/api/users/").get(), 401)


def test_each_right_is_its_own() -> None:
    eve = user("eve", role="operator")
    eve.user_permissions.add(Permission.objects.get(codename="view_user"))
    rest = Rest(Client(), "/api/users/")
    rest.client.force_login(eve)
    assert rest.get().status_code == 200
    refused(rest.post({"username": "x", "password": STRONG}), 403)
    refused(rest.delete(f"{eve.pk}/"), 403)


def test_only_superusers_change_superusers(root: Rest, admin: Rest) -> None:
    """Not even the password, which would allow to log in as one."""
    ids = [named("root").pk, user("gone", is_superuser=True, is_active=False).pk]
    for id in ids:
        for body in ({"password": STRONG}, {"email": "x@example.org"}, {}):
            refused(admin.patch(id, body), 403)
        refused(admin.delete(f"{id}/"), 403)
    new = {"username": "x", "password": STRONG}
    for flag in ("superuser", "staff"):
        refused(admin.post({**new, flag: True}), 403)
        refused(admin.patch(named("ada").pk, {flag: True}), 403)
    assert not User.objects.filter(username="x").exists()
    assert root.post({**new, "superuser": True}).json()["superuser"] is True


def test_cannot_grant_missing_permissions(root: Rest, admin: Rest) -> None:
    more = Group.objects.create(name="more")
    more.permissions.add(Permission.objects.get(codename="delete_session"))
    bob = user("bob")
    refused(admin.patch(bob.pk, {"groups": ["more"]}), 403)
    refused(admin.patch(named("ada").pk, {"groups": ["admin", "more"]}), 403)
    new = {"username": "x", "password": STRONG}
    refused(admin.post({**new, "groups": ["more"]}), 403)
    assert not User.objects.filter(username="x").exists()
    assert list(bob.groups.values_list("name", flat=True)) == ["operator"]
    assert root.patch(bob.pk, {"groups": ["more"]}).status_code == 200
    refused(admin.patch(bob.pk, {"password": STRONG}), 403)
    refused(admin.delete(f"{bob.pk}/"), 403)


def test_cannot_extend_visible_entities() -> None:
    """A group's filter narrows what its members see: none would be everything."""
    for name in ("north", "south"):
        group = Group.objects.create(name=name)
        GroupScope.objects.create(group=group, filter=f"id == @{name}")
    admin = users("ada", role="admin")
    ada = named("ada")
    ada.groups.add(Group.objects.get(name="north"))
    new = {"username": "x", "password": STRONG}
    for groups in ([], ["viewer"]):
        refused(admin.post({**new, "groups": groups}), 403)
        refused(admin.patch(ada.pk, {"groups": ["admin", *groups]}), 403)
    for groups in (["viewer", "south"], ["north", "south"]):  # unknown to ada
        refused(admin.post({**new, "groups": groups}), 400)
        refused(admin.patch(ada.pk, {"groups": ["admin", *groups]}), 400)
    assert admin.post({**new, "groups": ["viewer", "north"]}).status_code == 201
    refused(admin.patch(user("free").pk, {"password": STRONG}), 404)


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("admin", 201)])
def test_tokens_need_the_scope(scope: str, status: int) -> None:
    from haystack_app.auth import tokens

    token = Token(user=user("ada", role="admin"), name="t", scope=scope)
    secret = tokens.create_secret(token)
    token.save()
    rest = Rest(Client(), "/api/users/")
    headers = {"Authorization": f"Bearer {secret}"}
    assert rest.get(**headers).status_code == 200
    answer = rest.post({"username": "x", "password": STRONG}, **headers)
    assert answer.status_code == status


def test_a_session_needs_the_token_of_a_form() -> None:
    bob = user("bob")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("ada", role="admin"))
    rest = Rest(client, "/api/users/")
    assert rest.get().status_code == 200
    for answer in (
        rest.post({"username": "x", "password": STRONG}),
        rest.patch(bob.pk, {"active": False}),
        rest.delete(f"{bob.pk}/"),
    ):
        assert "CSRF" in refused(answer, 403)
    assert named("bob").is_active


# -- the admin's pages of the same ---------------------------------------------


def page(name: str, pk: int) -> Any:
    client = Client()
    client.force_login(named(name))
    return client, f"/admin/auth/user/{pk}/change/"


def test_the_admin_has_the_same_bounds(root: Rest) -> None:
    ada = user("ada", role="admin", is_staff=True)
    client, path = page("ada", ada.pk)
    form = {"username": "ada", "is_active": "on", "is_superuser": "on"}
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    groups = {"groups": [Group.objects.get(name="admin").pk]}
    answer = client.post(path, {**form, **dates, **groups})
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert (ada.is_superuser, ada.is_staff) == (False, True)
    more = Group.objects.create(name="more")
    more.permissions.add(Permission.objects.get(codename="delete_session"))
    assert client.post(path, {**form, **dates, "groups": [more.pk]}).status_code == 403
    assert list(ada.groups.values_list("name", flat=True)) == ["admin"]
    other = f"/admin/auth/user/{named('root').pk}/"
    new = {"password1": STRONG, "password2": STRONG, "usable_password": "true"}
    assert client.post(f"{other}password/", new).status_code == 403
    assert client.post(f"{other}delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{other}change/", {**form, **dates}).status_code == 403
    assert named("root").check_password(PASSWORD)


def test_only_superusers_change_groups(root: Rest) -> None:
    ada = user("ada", role="admin", is_staff=True)
    ada.user_permissions.set(Permission.objects.filter(content_type__model="group"))
    group = Group.objects.create(name="north")
    GroupScope.objects.create(group=group, filter="site")
    ada.groups.add(group)
    client, _ = page("ada", ada.pk)
    path = "/admin/auth/group/"
    assert client.get(path).status_code == 200
    every = [permission.pk for permission in Permission.objects.all()]
    for action in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        form = {"name": "x", "permissions": every, "post": "yes"}
        assert client.post(path + action, form).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    client.post(path, bulk)
    assert Group.objects.filter(name="north", haystack_scope__filter="site").exists()
    assert not group.permissions.exists()
