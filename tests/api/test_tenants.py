"""Tenants: groups with filters, whose admins must not reach into what others see."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client

from haystack_app.kinds import MARKER, Grid, Ref
from haystack_app.models import GroupScope, Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.wire import zinc_writer
from tests.api.conftest import Api, logged_in
from tests.commands.conftest import Run, run
from tests.storage.building import entity

__all__ = ["run"]

FILTERS = {
    "a": "siteRef == @a or id == @a or weatherStation",
    "b": "siteRef == @b or id == @b or weatherStation",
    "north": 'siteRef->region == "north" or tenant == "n"',
    "portfolio": "elec and meter",
}
HIDDEN = "refs to unknown entities, or to some that you do not see: "


def tenant(name: str, *groups: str) -> Api:
    client = logged_in(name, "admin")
    made = get_user_model().objects.get(username=name)
    made.groups.add(*Group.objects.filter(name__in=groups))
    return Api(client)


def fill(store: StorageAdapter) -> None:
    rows = [entity("ws", weatherStation=MARKER)]
    for site in "ab":
        rows.append(entity(site, site=MARKER, dis=site))
        rows.append(entity(f"{site}-p", point=MARKER, siteRef=Ref(site)))
    store.load_entities(rows, replace=True)


@pytest.fixture
def groups(db: None) -> None:
    for name, text in FILTERS.items():
        GroupScope.objects.create(group=Group.objects.create(name=name), filter=text)
    fill(storages["default"])


@pytest.fixture
def alice(groups: None) -> Api:
    return tenant("alice", "a")


def commit(api: Api, action: str, *rows: Any, **meta: Any) -> Any:
    return api.post("commit", Grid.of(rows, None, {"commit": action, **meta}))


def patch(api: Api, id: str, body: str) -> Any:
    return api.client.patch(
        f"{api.root}entities/{id}/",
        body.encode(),
        content_type="application/json",
        headers={"If-Match": "*"},
    )


def post(api: Api, body: str) -> Any:
    return api.client.post(
        f"{api.root}entities/", body.encode(), content_type="application/json"
    )


A_REF = '{"_kind": "ref", "val": "a"}'
B_REF = '{"_kind": "ref", "val": "b"}'


def contents() -> list[str]:
    return [record.raw for record in storages["default"].scan()]


def test_no_call_plants_an_entity(alice: Api) -> None:
    before = contents()
    row = entity("a-new", siteRef=[Ref("a"), Ref("b")], toRef=Ref("missing"))
    listed = f"{HIDDEN}@a-new siteRef @b, @a-new toRef @missing"
    assert alice.error(alice.post("load", Grid.of([row]))) == listed
    assert alice.error(commit(alice, "add", row)) == listed
    update = commit(alice, "update", {**row, "id": Ref("a-p")}, force=MARKER)
    assert alice.error(update) == listed.replace("a-new", "a-p")
    transient = entity("a-p", curVal=Ref("b"))
    answer = commit(alice, "update", transient, force=MARKER, transient=MARKER)
    assert alice.error(answer) == f"{HIDDEN}@a-p curVal @b"
    for refused in (
        patch(alice, "a-p", f'{{"siteRef": [{A_REF}, {B_REF}]}}'),
        post(alice, f'{{"siteRef": [{A_REF}, {B_REF}]}}'),
        post(alice, f'[{{"siteRef": {A_REF}, "x": {{"y": {B_REF}}}}}]'),
    ):
        assert refused.status_code == 400
        assert refused.json()["dis"].startswith(HIDDEN)
        assert "@b" in refused.json()["dis"]
    assert contents() == before


@pytest.mark.parametrize("tag", ["region", "tenant"])
def test_no_call_sets_a_value_of_another_group(alice: Api, tag: str) -> None:
    before = contents()
    value = {"region": "north", "tenant": "n"}[tag]
    row = entity("a-p", siteRef=Ref("a"), **{tag: value})
    for answer in (
        alice.post("load", Grid.of([row])),
        commit(alice, "update", row, force=MARKER),
        commit(alice, "add", {**row, "id": Ref("a-new")}),
    ):
        assert f'{tag} "{value}"' in alice.error(answer)
    assert patch(alice, "a-p", f'{{"{tag}": "{value}"}}').status_code == 400
    body = f'{{"siteRef": {A_REF}, "{tag}": "{value}"}}'
    assert post(alice, body).status_code == 400
    assert contents() == before
    assert patch(alice, "a-p", '{"elec": {"_kind": "marker"}}').status_code == 200


def test_every_project_is_guarded(alice: Api, memory: StorageAdapter) -> None:
    fill(memory)
    api = Api(alice.client, "memory")
    row = entity("a-p", siteRef=[Ref("a"), Ref("b")])
    assert api.error(api.post("load", Grid.of([row]))).startswith(HIDDEN)
    assert patch(api, "a-p", '{"tenant": "n"}').status_code == 400
    assert patch(api, "a-p", '{"dis": "mine"}').status_code == 200


def test_tenants_share_weather_stations(alice: Api) -> None:
    row = {"id": Ref("a-p"), "weatherStationRef": Ref("ws")}
    assert len(list(commit(alice, "update", row, force=MARKER))) > 0
    assert alice.ids(filter="weatherStationRef->weatherStation") == ["a-p"]
    assert patch(alice, "ws", '{"dis": "shared"}').status_code == 200


def test_users_of_two_groups_may_do_what_both_may(groups: None) -> None:
    both = tenant("carol", "a", "b")
    assert patch(both, "a-p", f'{{"siteRef": [{A_REF}, {B_REF}]}}').status_code == 200
    assert patch(both, "a-p", '{"tenant": "n"}').status_code == 400
    north = tenant("dora", "a", "north")
    assert patch(north, "a", '{"region": "north"}').status_code == 200


def test_the_first_site_comes_with_its_points(groups: None) -> None:
    group = Group.objects.create(name="c")
    GroupScope.objects.create(group=group, filter="siteRef == @c or id == @c")
    api = tenant("carol", "c")
    rows = [entity("c-p", siteRef=Ref("c")), entity("c", site=MARKER)]
    answer = api.post("load", Grid.of(rows))
    assert answer.status_code == 200
    assert api.ids(filter="id") == ["c", "c-p"]
    taken = api.post("load", Grid.of([entity("b", siteRef=Ref("c"))]))
    assert api.error(taken) == "@b is outside of what you may change"


def test_the_id_of_a_site_to_come_cannot_be_taken(groups: None) -> None:
    storages["default"].load_entities([], replace=True)
    for name in ("a", "portfolio"):
        api = tenant(f"of-{name}", name)
        row = entity("b", weatherStation=MARKER, elec=MARKER, meter=MARKER)
        answer = api.post("load", Grid.of([row]))
        assert api.error(answer) == "@b is outside of what you may change"
    own = tenant("bob", "b").post("load", Grid.of([entity("b", site=MARKER)]))
    assert own.status_code == 200


def test_a_file_is_loaded_over_what_exists(
    groups: None, run: Run, tmp_path: Any
) -> None:
    """Commands are the operator's, whom no group restricts."""
    path = tmp_path / "site.zinc"
    rows = [entity("a-p", siteRef=[Ref("a"), Ref("b")], tenant="n", region="north")]
    path.write_text(zinc_writer.grid_text(Grid.of(rows)))
    run("haystack_load", str(path))
    api = tenant("alice", "a")
    assert patch(api, "a-p", '{"dis": "mine"}').status_code == 200
    answer = api.post("load", Grid.of(rows))
    assert answer.status_code == 200
    assert storages["default"].existing("a-p")["tenant"] == "n"


def test_a_command_lists_what_is_guarded(groups: None, run: Run) -> None:
    assert run("haystack_guards").splitlines() == [
        "id @a: a",
        "id @b: b",
        'tag region, by siteRef->region == "north": north',
        'tag tenant, by tenant == "n": north',
    ]
    GroupScope.objects.filter(group__name__in=["a", "b", "north"]).delete()
    assert run("haystack_guards").strip() == "no filter of a group compares a value"


# -- users and groups ----------------------------------------------------------


@pytest.fixture
def people(groups: None) -> dict[str, Any]:
    """Users of two tenants, of both, of none, and a superuser, by name."""
    for name, of in {
        "ann": ["a"],
        "abe": ["a"],
        "benedict": ["b"],
        "bothwell": ["a", "b"],
        "freeman": [],
        "portia": ["portfolio"],
    }.items():
        role = Group.objects.get(name="viewer")
        made = get_user_model().objects.create_user(name, password="x")
        made.groups.add(role, *Group.objects.filter(name__in=of))
    root = get_user_model().objects.create_superuser("rootes", password="x")
    root.groups.add(Group.objects.get(name="a"))
    return {one.username: one for one in get_user_model().objects.all()}


@pytest.fixture
def ada(people: dict[str, Any]) -> Client:
    """The admin of tenant a, of the staff."""
    client = tenant("ada", "a").client
    made = get_user_model().objects.get(username="ada")
    made.is_staff = True
    made.save()
    rights = ["view_group", "change_group", "view_groupscope", "view_entity"]
    made.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    return client


OTHERS = ["benedict", "bothwell", "freeman", "portia", "rootes"]


def test_rest_shows_users_of_the_tenant(ada: Client, people: dict[str, Any]) -> None:
    page = ada.get("/api/users/").json()
    assert [it["username"] for it in page["results"]] == ["ann", "abe", "ada"]
    assert {name for it in page["results"] for name in it["groups"]} == {
        *("a", "admin", "viewer")
    }
    for name in OTHERS:
        path = f"/api/users/{people[name].pk}/"
        assert ada.get("/api/users/", {"username": name}).json()["results"] == []
        for answer in (
            ada.get(path),
            ada.patch(path, b"{}", content_type="application/json"),
            ada.delete(path),
        ):
            assert answer.status_code == 404
            assert "unknown user" in answer.json()["dis"]
    body = {"username": "new", "password": "correct horse battery", "groups": ["b"]}
    refused = [
        ada.post("/api/users/", body | {"groups": [name]}, "application/json").json()
        for name in ("b", "missing")
    ]
    assert [it["dis"] for it in refused] == [
        "groups: unknown group 'b'",
        "groups: unknown group 'missing'",
    ]


def test_the_admin_shows_users_and_groups_of_the_tenant(
    ada: Client, people: dict[str, Any]
) -> None:
    users = ada.get("/admin/auth/user/").content.decode()
    assert "ann" in users
    groups = ada.get("/admin/auth/group/").content.decode()
    assert all(f">{name}<" in groups for name in ("a", "admin", "viewer"))
    own = people["ann"]
    form = ada.get(f"/admin/auth/user/{own.pk}/change/").content.decode()
    assert ">a</option>" in form
    scopes = ada.get("/admin/haystack_app/groupscope/").content.decode()
    for page in (users, groups, form, scopes):
        assert not any(name in page for name in (*OTHERS, "portfolio", "siteRef == @b"))
        assert not any(f">{name}<" in page for name in ("b", "north"))
    for path in (
        f"/admin/auth/user/{people['benedict'].pk}/change/",
        f"/admin/auth/user/{people['benedict'].pk}/password/",
        f"/admin/auth/user/{people['bothwell'].pk}/history/",
        f"/admin/auth/group/{Group.objects.get(name='b').pk}/change/",
    ):
        answer = ada.get(path)
        assert answer.status_code in (302, 404)
        assert b"benedict" not in answer.content


def test_autocompletes_show_users_and_groups_of_the_tenant(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project whose model has fields of users and groups that complete."""
    for model, field, names in (
        (get_user_model(), "user", {"ann", "abe", "ada"}),
        (Group, "group", {"a", "admin", "operator", "viewer"}),
    ):
        source = Token if field == "user" else GroupScope
        page = admin.site._registry[source]
        monkeypatch.setattr(type(page), "autocomplete_fields", (field,))
        query = {
            "app_label": "haystack_app",
            "model_name": source._meta.model_name,
            "field_name": field,
        }
        answer = ada.get("/admin/autocomplete/", query)
        assert answer.status_code == 200, model
        assert {it["text"] for it in answer.json()["results"]} == names


def test_others_see_everyone(people: dict[str, Any]) -> None:
    for client in (tenant("chief").client, logged_in("super", is_superuser=True)):
        page = client.get("/api/users/").json()
        found = {it["username"] for it in page["results"]}
        assert found >= people.keys()
