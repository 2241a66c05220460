"""``/api/samples/changes/`` and ``haystack_his_undo``: lists, rights, scopes, undo."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client

from haystack_app.kinds import MARKER, DateTime, Number
from haystack_app.models import GroupScope, Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import Api, logged_in, user
from tests.storage.building import point

NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
WRITE = """ver:"3.0" id:@%s
ts,val
2024-03-01T12:00:00Z UTC,%s
"""


def fill(store: StorageAdapter) -> None:
    store.load_entities(
        [point("a", tz="UTC", site=MARKER), point("b", tz="UTC")], replace=True
    )
    for id in "ab":
        store.his_write(id, [(DateTime(NOON, "UTC"), Number(1))])


@pytest.fixture
def api(db: None) -> Api:
    """An operator, who has written 2 over the sample 1 of each point."""
    fill(storages["default"])
    api = Api(logged_in("alice"))
    for id in "ab":
        assert api.post("hisWrite", WRITE % (id, 2)).status_code == 200
    return api


def changes(api: Api, **params: str) -> list[Any]:
    found: list[Any] = api.get("samples/changes/", **params).json()["results"]
    return found


def undo(api: Api, change: str) -> Any:
    return api.client.post(f"{api.root}samples/changes/{change}/undo/")


def values(id: str) -> list[float]:
    return [row["val"].val for row in storages["default"].his_read(id)]


def test_the_list(api: Api) -> None:
    newest, oldest = changes(api)
    assert newest | {"id": "", "at": ""} == {
        "id": "",
        "at": "",
        "kind": "hisWrite",
        "user": "alice",
        "reason": "",
        "points": 1,
        "samples": 1,
    }
    assert changes(api, point="a") == changes(api, point="@a") == [oldest]
    assert changes(api, limit="1") == [newest]
    assert api.get("samples/changes/", point="nosuch").status_code == 404


def test_one_change(api: Api) -> None:
    [change] = changes(api, point="a")
    answer = api.get(f"samples/changes/{change['id']}/").json()
    row = {"id": "a", "ts": "2024-03-01T12:00:00Z", "before": 1.0, "after": 2.0}
    assert answer == {"results": [row], "count": 1}
    assert api.get("samples/changes/nosuch/").status_code == 404


def test_undo(api: Api) -> None:
    [change] = changes(api, point="a")
    assert undo(api, change["id"]).json() == {
        "restored": 1,
        "conflicts": 0,
        "changedSince": [],
        "dropped": [],
        "missing": [],
    }
    assert (values("a"), values("b")) == ([1], [2])
    assert changes(api, point="a")[0]["kind"] == "undo"
    assert undo(api, "nosuch").status_code == 404
    assert api.get(f"samples/changes/{change['id']}/undo/").status_code == 405


def test_what_was_changed_since(api: Api) -> None:
    [change] = changes(api, point="a")
    api.post("hisWrite", WRITE % ("a", 3))
    answer = undo(api, change["id"]).json()
    assert answer["conflicts"] == 1
    assert answer["changedSince"] == [{"id": "a", "ts": "2024-03-01T12:00:00Z"}]
    assert values("a") == [3]


def test_rights(api: Api) -> None:
    [change] = changes(api, point="a")
    assert Client().get("/api/samples/changes/").status_code == 401
    assert Api(logged_in("carol", "")).get("samples/changes/").status_code == 403
    viewer = Api(logged_in("dave", "viewer"))
    assert len(changes(viewer)) == 2
    assert undo(viewer, change["id"]).status_code == 403
    for scope, status in ((Token.READ, 403), (Token.WRITE, 200)):
        token = token_of(user(f"erin-{scope}"), scope)
        client = Client(headers={"Authorization": f"Bearer {token}"})
        assert client.get("/api/samples/changes/").status_code == 200
        answer = client.post(f"/api/samples/changes/{change['id']}/undo/")
        assert answer.status_code == status


def test_scopes(api: Api) -> None:
    GroupScope.objects.create(group=Group.objects.create(name="b"), filter="site")
    client = logged_in("eve")
    get_user_model().objects.get(username="eve").groups.add(Group.objects.get(name="b"))
    eve = Api(client)
    [hidden] = changes(api, point="b")
    assert len(changes(eve)) == 1
    assert eve.get("samples/changes/", point="b").status_code == 404
    assert eve.get(f"samples/changes/{hidden['id']}/").status_code == 404
    assert undo(eve, hidden["id"]).status_code == 404
    assert values("b") == [2]


def test_another_project(api: Api, memory: StorageAdapter) -> None:
    fill(memory)
    other = Api(api.client, "memory")
    other.post("hisWrite", WRITE % ("a", 2))
    [change] = changes(other, point="a")
    assert undo(api, change["id"]).status_code == 404
    assert undo(other, change["id"]).json()["restored"] == 1


# -- the command ------------------------------------------------------------------


def run(command: str, *words: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(command, *words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command(api: Api) -> None:
    [change] = changes(api, point="a")
    out, _ = run("haystack_his_undo", "list", "--point", "a")
    assert f"{change['id']}  " in out
    assert "hisWrite by alice: 1 samples of 1 points" in out
    assert len(run("haystack_his_undo", "list")[0].splitlines()) == 2
    out, _ = run("haystack_his_undo", "list", "--point", "nosuch")
    assert out == "no changes of samples\n"
    out, _ = run("haystack_his_undo", "show", change["id"])
    assert out == "@a  2024-03-01T12:00:00Z  1 -> 2\n"
    api.post("hisWrite", WRITE % ("a", 3))
    out, err = run("haystack_his_undo", "undo", change["id"])
    assert out == "0 samples restored, 1 changed since and left as they are\n"
    assert "@a  2024-03-01T12:00:00Z: changed since" in err
    with pytest.raises(CommandError, match="not found"):
        run("haystack_his_undo", "undo", "nosuch")


def test_an_import_says_how_to_undo_it(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,ts,val\na,2024-03-01T12:00:00Z,7\nb,2024-03-01T12:00:00Z,8\n")
    out, _ = run("haystack_his_import", str(file))
    assert "2 samples of 2 points were replaced" in out
    change = out.split("haystack_his_undo undo ")[1].split()[0]
    assert (values("a"), values("b")) == ([7], [8])
    assert changes(api)[0]["kind"] == "import"
    run("haystack_his_undo", "undo", change)
    assert (values("a"), values("b")) == ([2], [2])
    file.write_text("id,ts,val\na,2024-03-02T12:00:00Z,7\n")
    assert "haystack_his_undo" not in run("haystack_his_import", str(file))[0]
