"""``/api/changes/{cursor}/`` and ``haystack_revert``: show and undo commits."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import GroupScope, Token
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import Api, logged_in, user
from tests.storage.building import entity, point


@pytest.fixture
def api(db: None) -> Api:
    """An admin, who has changed the names of two points of two sites."""
    store = storages["default"]
    rows = [entity(site, site=MARKER, dis=site) for site in "ab"]
    rows += [point(f"{site}-p", siteRef=Ref(site), dis="Temp") for site in "ab"]
    store.load_entities(rows, replace=True)
    names = [{"id": Ref(f"{site}-p"), "dis": "Wrong"} for site in "ab"]
    store.update_entities(names, force=True, who="ann")
    return Api(logged_in("alice", "admin"))


def cursor_of(id: str) -> str:
    return str(storages["default"].changes_of(id, 1)[0].cursor)


def revert(api: Api, cursor: str, query: str = "") -> Any:
    return api.client.post(f"{api.root}changes/{cursor}/revert/{query}")


def dis(id: str) -> str:
    found: str = storages["default"].existing(id)["dis"]
    return found


def test_changes_of_an_entity(api: Api) -> None:
    newest, oldest = api.get("entities/a-p/changes/").json()["changes"]
    assert newest == {
        "cursor": cursor_of("a-p"),
        "at": newest["at"],
        "who": "ann",
        "id": "a-p",
        "kind": "update",
        "before": {"dis": "Temp"},
        "after": {"dis": "Wrong"},
    }
    assert (oldest["kind"], oldest["before"]) == ("add", {})
    [only] = api.get("entities/a-p/changes", limit="1").json()["changes"]
    assert only == newest
    assert api.get("entities/nosuch/changes/").status_code == 404


def test_a_commit_and_what_undo_would_do(api: Api) -> None:
    answer = api.get(f"changes/{cursor_of('a-p')}/").json()
    assert (answer["who"], answer["count"]) == ("ann", 2)
    assert sorted(one["id"] for one in answer["changes"]) == ["a-p", "b-p"]
    assert answer["undo"] == {
        "updated": ["a-p", "b-p"],
        **{name: [] for name in ("added", "removed", "unchanged", "samplesLost")},
        **{name: [] for name in ("dangling", "conflicts")},
    }
    assert len(api.get(f"changes/{cursor_of('a-p')}", limit="1").json()["changes"]) == 1
    assert dis("a-p") == "Wrong"


def test_undo(api: Api) -> None:
    answer = revert(api, cursor_of("a-p"))
    assert (answer.status_code, answer.json()["updated"]) == (200, ["a-p", "b-p"])
    assert (dis("a-p"), dis("b-p")) == ("Temp", "Temp")
    assert storages["default"].changes_of("a-p", 1)[0].who == "alice"


def test_undo_of_a_part(api: Api) -> None:
    answer = revert(api, cursor_of("a-p"), "?entity=b-p&tag=dis")
    assert answer.json()["updated"] == ["b-p"]
    assert (dis("a-p"), dis("b-p")) == ("Wrong", "Temp")
    for query in ("?entity=a", "?tag=dis", "?entity=a-p&tag=unit", "?partly=perhaps"):
        assert revert(api, cursor_of("a-p"), query).status_code == 400, query


def test_conflicts(api: Api) -> None:
    cursor = cursor_of("a-p")
    store = storages["default"]
    store.update_entities([{"id": Ref("a-p"), "dis": "Mine"}], force=True)
    answer = revert(api, cursor)
    assert answer.status_code == 409
    assert answer.json()["dis"] == (
        '@a-p dis: is "Mine" now; the change made it "Wrong"\n'
        "Nothing was stored; use partly=true to undo the rest"
    )
    assert dis("b-p") == "Wrong"
    answer = revert(api, cursor, "?partly=true").json()
    assert (answer["updated"], [one["id"] for one in answer["conflicts"]]) == (
        *(["b-p"], ["a-p"]),
    )
    assert (dis("a-p"), dis("b-p")) == ("Mine", "Temp")


@pytest.mark.parametrize("cursor", ["0", "9" * 18, "9" * 30])
def test_unknown(api: Api, cursor: str) -> None:
    assert api.get(f"changes/{cursor}/").status_code == 404
    assert revert(api, cursor).status_code == 404


def test_only_a_cursor_that_is_too_long_is_invalid(api: Api) -> None:
    assert api.get(f"changes/{'9' * 41}/").status_code == 400


def test_more_entities_than_a_request_may_have(api: Api, settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 1}}
    answer = revert(api, cursor_of("a-p"))
    assert answer.status_code == 400
    assert "cap IDS" in answer.json()["dis"]
    assert dis("a-p") == "Wrong"


def test_rights(api: Api) -> None:
    cursor = cursor_of("a-p")
    for role, reads, writes in (("viewer", 200, 403), ("operator", 200, 403)):
        other = Api(logged_in(role, role))
        assert other.get(f"changes/{cursor}/").status_code == reads
        assert revert(other, cursor).status_code == writes
    none = Api(logged_in("none", ""))
    assert none.get(f"changes/{cursor}/").status_code == 403
    assert none.get("entities/a-p/changes/").status_code == 403
    assert revert(Api(Client()), cursor).status_code == 401
    headers = {"Authorization": f"Bearer {token_of(user('tom', 'admin'), Token.WRITE)}"}
    answer = Client().post(f"/api/changes/{cursor}/revert/", headers=headers)
    assert answer.status_code == 403
    assert dis("a-p") == "Wrong"


def test_a_tenant_undoes_only_what_it_sees(api: Api) -> None:
    group = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=group, filter="siteRef == @a or id == @a")
    tenant = get_user_model().objects.get(pk=user("tenant", "admin").pk)
    tenant.groups.add(group)
    client = Client()
    client.force_login(tenant)
    other = Api(client)
    cursor = cursor_of("a-p")
    answer = other.get(f"changes/{cursor}/").json()
    assert (answer["count"], answer["undo"]["updated"]) == (1, ["a-p"])
    assert [one["id"] for one in answer["changes"]] == ["a-p"]
    hidden = cursor_of("b-p")
    assert other.get(f"changes/{hidden}/").status_code == 404
    assert revert(other, hidden).status_code == 404
    assert other.get("entities/b-p/changes/").status_code == 404
    assert revert(other, cursor).json()["updated"] == ["a-p"]
    assert (dis("a-p"), dis("b-p")) == ("Temp", "Wrong")


def test_in_a_project(api: Api) -> None:
    assert api.get(f"default/changes/{cursor_of('a-p')}/").status_code == 200
    assert api.get(f"nosuch/changes/{cursor_of('a-p')}/").status_code == 404


# -- the command --------------------------------------------------------------


def command(*args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("haystack_revert", *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_command(api: Api) -> None:
    out, _ = command("list", "@a-p")
    first, tags, _ = out.splitlines()
    cursor = first.split()[0]
    assert first.endswith("update @a-p by ann")
    assert command("list", "nosuch")[0] == "no changes of @nosuch\n"
    assert tags == '    dis: "Temp" -> "Wrong"'
    out, _ = command("show", cursor)
    assert out.splitlines()[-1] == (
        "2 set back, 0 added again, 0 removed, 0 as before already, 0 left as they are"
    )
    assert dis("a-p") == "Wrong"
    store = storages["default"]
    store.update_entities([{"id": Ref("a-p"), "dis": "Mine"}], force=True)
    with pytest.raises(CommandError, match="use --partly"):
        command("undo", cursor)
    out, err = command("undo", cursor, "--partly")
    assert (dis("a-p"), dis("b-p")) == ("Mine", "Temp")
    assert 'is "Mine" now' in err
    with pytest.raises(CommandError, match="not found"):
        command("undo", "1234567890123")


def test_command_lists_what_is_lost(api: Api) -> None:
    store = storages["default"]
    store.update_entities([{"id": Ref("a"), "v": Number(1)}], force=True)
    store.commit([], remove=["a", "a-p"])
    place = store.changes_since(None, 1).cursor
    out, err = command("undo", str(place), "--entity", "a-p")
    assert "@a-p siteRef: refers to @a, which does not exist" in err
    assert "@a-p: its samples were deleted with it" in err
    assert "1 added again" in out
