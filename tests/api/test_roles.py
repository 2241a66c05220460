"""Roles and the scopes of groups: permissions and visible entities."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from haystack_app.auth.permissions import scope_filter
from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.models import GroupScope
from haystack_app.storage.handler import storages
from tests.api.conftest import Api, fill, grid_of, logged_in, user
from tests.defects.building import at
from tests.storage.building import entity, point

ALL = {"about", "ops", "formats", "defs", "libs", "filetypes"}
READS = {"read", "nav", "hisRead", "watchSub"}
WRITES = {"hisWrite", "pointWrite", "curWrite", "invokeAction"}
EDITS = {"commit", "load"}

MAY = {
    "": ALL,
    "viewer": ALL | READS,
    "operator": ALL | READS | WRITES,
    "admin": ALL | READS | WRITES | EDITS,
}


@pytest.fixture
def filled(db: None) -> None:
    store = storages["default"]
    fill(store)
    store.load_entities([point("w", writable=MARKER, cur=MARKER)])


def contents() -> list[str]:
    return [record.raw for record in storages["default"].scan()]


def requests() -> dict[str, Grid]:
    """A request of each op that does something."""
    mod = storages["default"].existing("s1")["mod"]
    commit = {"id": Ref("s1"), "mod": mod, "dis": "changed"}
    write = {"id": Ref("w"), "level": Number(3), "val": Number(5)}
    samples = [{"ts": at("2024-03-01 12:00"), "val": Number(1)}]
    return {
        **{op: Grid() for op in ALL},
        "read": Grid.of([{"filter": "site"}]),
        "nav": Grid(),
        "hisRead": Grid.of([{"id": Ref("n"), "range": "today"}]),
        "hisWrite": Grid.of(samples, ["ts", "val"], {"id": Ref("n")}),
        "pointWrite": Grid.of([write]),
        "watchSub": Grid.of([{"id": Ref("w")}], None, {"watchDis": "t"}),
        "curWrite": Grid.of([{"id": Ref("w"), "val": Number(5)}]),
        "invokeAction": Grid(meta={"id": Ref("w"), "action": "release"}),
        "commit": Grid.of([commit], None, {"commit": "update"}),
        "load": Grid.of([entity("new")]),
    }


@pytest.mark.parametrize("role", MAY)
def test_permissions_of_roles(filled: None, role: str) -> None:
    api = Api(logged_in("alice", role))
    for op, request in requests().items():
        before = contents()
        answer = api.post(op, request)
        if op in MAY[role]:
            assert answer.status_code == 200, op
            assert not grid_of(answer).is_error, (op, grid_of(answer).meta)
        else:
            assert answer.status_code == 403, op
            assert "permission" in answer.json()["dis"]
            assert contents() == before
        if op not in WRITES | EDITS:
            assert contents() == before
    assert api.post("close").status_code == 200


def test_a_viewer_reads_a_priority_array(filled: None) -> None:
    storages["default"].point_write("w", 3, Number(5), "joe")
    api = Api(logged_in("alice", "viewer"))
    rows = list(grid_of(api.post("pointWrite", Grid.of([{"id": Ref("w")}]))))
    assert len(rows) == 17
    assert rows[2]["val"] == Number(5)


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("GET", "", "view_entity"),
        ("GET", "s1/", "view_entity"),
        ("POST", "", "add_entity"),
        ("PATCH", "s1/", "change_entity"),
        ("DELETE", "n/", "delete_entity"),
    ],
)
def test_rest_asks_for_one_permission_each(
    filled: None, method: str, path: str, right: str
) -> None:
    client = logged_in("alice", "")
    alice = get_user_model().objects.get(username="alice")

    def ask() -> int:
        return client.generic(
            method,
            f"/api/entities/{path}",
            b'{"dis": "X"}',
            content_type="application/json",
            headers={"If-Match": "*"},
        ).status_code

    rights = Permission.objects.filter(content_type__app_label="haystack_app")
    alice.user_permissions.set(rights.exclude(codename=right))
    assert ask() == 403
    alice.user_permissions.set(rights.filter(codename=right))
    assert ask() in (200, 201, 204)


def test_roles_are_created_once_and_not_changed(db: None) -> None:
    operator = Group.objects.get(name="operator")
    operator.permissions.remove(operator.permissions.get(codename="write_history"))
    Group.objects.get(name="viewer").delete()
    call_command("migrate", verbosity=0)
    assert not operator.permissions.filter(codename="write_history").exists()
    viewer = Group.objects.get(name="viewer")
    assert [one.codename for one in viewer.permissions.all()] == ["view_entity"]


# -- scopes -----------------------------------------------------------------------


def visible_to(name: str, text: str) -> Group:
    group = Group.objects.create(name=name)
    GroupScope.objects.create(group=group, filter=text)
    return group


@pytest.fixture
def member(filled: None) -> Api:
    """Of s1 and what is at s1."""
    client = logged_in("alice", "admin")
    alice = get_user_model().objects.get(username="alice")
    alice.groups.add(visible_to("first", "siteRef == @s1 or id == @s1"))
    return Api(client)


def test_members_see_and_change_matching_entities_only(member: Api) -> None:
    assert member.ids(filter="site") == ["s1"]
    assert member.ids(filter="siteRef") == ["e1", "p1", "p2"]
    assert member.ids(filter="airRef->equip") == []
    assert member.ids("nav") == ["s1"]
    assert "unknown entity @s2" in member.error(member.get("nav", navId="@s2"))
    request = Grid.of(
        [{"id": Ref("s2"), "dis": "X"}], None, {"commit": "update", "force": MARKER}
    )
    assert member.error(member.post("commit", request)) == "unknown entity @s2"
    outside = member.post("load", Grid.of([entity("s2", dis="X")]))
    assert member.error(outside) == "@s2 is outside of what you may change"
    for path, status in (("s1/", 200), ("s2/", 404), ("missing/", 404)):
        assert member.client.get(f"/api/entities/{path}").status_code == status
    page = member.client.get("/api/entities/?fields=id").json()
    assert [row["id"]["val"] for row in page["results"]] == ["e1", "p1", "p2", "s1"]


def test_the_union_of_two_groups(member: Api) -> None:
    alice = get_user_model().objects.get(username="alice")
    alice.groups.add(visible_to("second", "id == @s2"))
    assert member.ids(filter="site") == ["s1", "s2"]
    assert member.ids(filter="siteRef") == ["e1", "p1", "p2"]


def test_superusers_see_everything_and_a_broken_filter_shows_nothing(
    member: Api,
) -> None:
    alice = get_user_model().objects.get(username="alice")
    GroupScope.objects.update(filter="((")
    assert member.ids(filter="id") == []
    alice.is_superuser = True
    alice.save()
    assert scope_filter(alice) is None
    assert "s2" in member.ids(filter="site")


def test_every_project_has_the_scope(member: Api, memory: Any) -> None:
    fill(memory)
    other = Api(member.client, "memory")
    assert other.ids(filter="site") == ["s1"]


def test_users_without_a_filter_see_everything(filled: None) -> None:
    assert scope_filter(user("joe", "viewer")) is None
