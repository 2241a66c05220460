"""``POST /api/samples/changes/``: edits with a reason, on each kind of store."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group

from haystack_app.kinds import MARKER, NA, DateTime, Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.models import GroupScope, HistoryPolicy
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import Api, logged_in, user
from tests.storage.building import point

NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
TIMES = [NOON + dt.timedelta(minutes=minute) for minute in range(4)]
RANGE = "2024-03-01T12:01:00Z UTC,2024-03-01T12:03:00Z UTC"


def fill(store: StorageAdapter) -> None:
    store.load_entities(
        [point("a", tz="UTC", unit="°C", site=MARKER), point("b", tz="UTC")],
        replace=True,
    )
    for id in "ab":
        store.his_write(id, [(DateTime(at, "UTC"), Number(at.minute)) for at in TIMES])


@pytest.fixture
def api(db: None) -> Api:
    fill(storages["default"])
    return Api(logged_in("alice"))


def edit(api: Api, action: str, **body: Any) -> Any:
    given = {"id": "a", "reason": "sensor was out", "action": action, **body}
    return api.post("samples/changes/", json.dumps(given), "application/json")


def ts(minute: int) -> dict[str, str]:
    return {"_kind": "dateTime", "val": f"2024-03-01T12:0{minute}:00Z", "tz": "UTC"}


def values(id: str = "a") -> list[Any]:
    found = (row["val"] for row in storages["default"].his_read(id))
    return [one if one is NA else one.val for one in found]


def undo(api: Api, change: str) -> Any:
    return api.client.post(f"{api.root}samples/changes/{change}/undo/").json()


@pytest.mark.parametrize(
    ("action", "body", "after", "count"),
    [
        ("set", {"ts": ts(1), "value": 9}, [0, 9, 2, 3], 1),
        ("na", {"range": RANGE}, [0, NA, NA, 3], 2),
        ("remove", {"range": RANGE}, [0, 3], 2),
    ],
)
def test_an_edit_and_its_undo(
    api: Api, action: str, body: Any, after: list[Any], count: int
) -> None:
    done = edit(api, action, **body)
    assert done.status_code == 201, done.content
    assert done.json()["samples"] == count
    assert values() == after
    assert values("b") == [0, 1, 2, 3]
    [listed] = api.get("samples/changes/").json()["results"]
    assert listed["id"] == done.json()["change"]
    assert (listed["kind"], listed["user"]) == ("edit", "alice")
    assert listed["reason"] == "sensor was out"
    assert undo(api, listed["id"])["restored"] == count
    assert values() == [0, 1, 2, 3]


def test_every_store_keeps_the_reason(store: StorageAdapter) -> None:
    from haystack_app.ops import Context
    from haystack_app.ops.sample_edits import edit_samples

    fill(store)
    done = edit_samples(Context(store, "joe"), "a", "na", "why not", range=RANGE)
    [change] = store.sample_changes()
    assert change.origin.change == done["change"]
    assert (change.origin.user, change.origin.reason) == ("joe", "why not")
    assert store.undo_samples(change.origin.change).restored == 2
    assert [row["val"].val for row in store.his_read("a")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("action", "body", "reason"),
    [
        ("set", {"ts": ts(1)}, "set needs ts and value"),
        ("set", {"ts": ts(9), "value": 1}, "no sample at 2024-03-01T12:09:00Z"),
        ("set", {"ts": "noon", "value": 1}, "must be a dateTime"),
        ("set", {"ts": ts(1), "value": "on"}, "Number"),
        (
            "set",
            {"ts": ts(1), "value": {"_kind": "number", "val": 1, "unit": "°F"}},
            "unit",
        ),
        ("na", {}, "na needs range"),
        ("na", {"range": "last week"}, "invalid history range"),
        ("na", {"range": RANGE, "reason": " "}, "reason"),
        ("na", {"range": RANGE, "reason": "x" * 501}, "reason"),
        ("na", {"range": RANGE, "id": "no id"}, "invalid id"),
        ("drop", {"range": RANGE}, "action"),
        ("na", {"range": RANGE, "why": "typo"}, "why: unknown field"),
    ],
)
def test_bad_edits(api: Api, action: str, body: Any, reason: str) -> None:
    answer = edit(api, action, **body)
    assert answer.status_code == 400, answer.content
    assert reason in answer.json()["dis"]
    assert values() == [0, 1, 2, 3]


def test_an_empty_range_is_not_a_change(api: Api) -> None:
    done = edit(api, "remove", range="2020-01-01").json()
    assert done == {"change": None, "samples": 0}


def test_too_many(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haystack_app.ops.sample_edits.MOST", 3)
    answer = edit(api, "remove", range="2024-03-01")
    assert "more than 3 samples" in answer.json()["dis"]
    assert values() == [0, 1, 2, 3]


def test_dropped_days_stay_dropped(api: Api) -> None:
    store = storages["default"]
    late = {"name": "short", "position": 1, "filter": "point", "keep_days": 1}
    policy = HistoryPolicy.objects.create(**late, late=HistoryPolicy.KEEP)
    end = dt.datetime(2024, 3, 2, tzinfo=dt.UTC)
    store.his_drop(store.his_points(["a"])[0], microseconds_of(end))
    store.his_write("a", [(DateTime(TIMES[1], "UTC"), Number(5))])
    policy.late = HistoryPolicy.REFUSE
    policy.save()
    for action, body in (("na", {"range": RANGE}), ("set", {"ts": ts(1), "value": 9})):
        answer = edit(api, action, **body)
        assert answer.status_code == 400
        assert "were dropped by policy 'short'" in answer.json()["dis"]
    assert values() == [5, 3]  # a history keeps its last sample


def test_rights_and_tenants(api: Api) -> None:
    viewer = Api(logged_in("vera", "viewer"))
    assert edit(viewer, "na", range=RANGE).status_code == 403
    tenant = user("tom", "operator")
    group = Group.objects.create(name="b only")
    GroupScope.objects.create(group=group, filter="not site")
    tenant.groups.add(group)
    api.client.force_login(tenant)
    assert edit(api, "na", range=RANGE).status_code == 404
    assert edit(api, "na", range=RANGE, id="b").status_code == 201
    assert values() == [0, 1, 2, 3]


def test_a_token_needs_the_scope_write(api: Api) -> None:
    joe = user("joe", "operator")
    api.client.logout()
    for scope, status in (("read", 403), ("write", 201)):
        headers = {"Authorization": f"Bearer {token_of(joe, scope)}"}
        body = {"id": "a", "action": "na", "range": RANGE, "reason": "test"}
        path = f"{api.root}samples/changes/"
        answer = api.client.post(path, body, "application/json", headers=headers)
        assert answer.status_code == status
