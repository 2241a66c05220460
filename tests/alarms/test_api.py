"""Alarms and rules over REST: what is found, and who may."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.utils import timezone

from haystack_app.alarms.evaluator import Evaluator
from haystack_app.api import alarm_rules
from haystack_app.auth.tokens import create_secret
from haystack_app.kinds import DateTime, Number, Ref
from haystack_app.models import Alarm, AlarmRule, GroupScope, Token
from haystack_app.storage.base import StorageAdapter
from tests.alarms.conftest import ONE_STORE, evaluate, minute, rule, write
from tests.api.conftest import logged_in
from tests.storage.building import entity, point

JSON = "application/json"
BODY = {"name": "warm", "filter": "temp and equipRef", "value": "25°C"}


@pytest.fixture
def raised(storage: StorageAdapter) -> StorageAdapter:
    """An alarm of ``t``, one of a point of another site, and one that is cleared."""
    other = {"siteRef": Ref("b"), "equipRef": Ref("b-ahu"), "unit": "°C", "temp": "x"}
    storage.load_entities([entity("b"), entity("b-ahu"), point("b-t", **other)])
    rule(severity=3, text="open a window")
    evaluator = Evaluator(storage)
    evaluate(evaluator, 0)
    write(storage, "u", (0.5, 27.0), (0.75, 20.0))
    evaluate(evaluator, 1)
    for at, id in enumerate(("t", "b-t"), 1):
        write(storage, id, (at, 27.0))
        evaluate(evaluator, at + 0.5)
    return storage


def client(name: str, role: str | None = None, scope: str = "") -> Client:
    made = logged_in(name, role)
    if scope:
        group = Group.objects.create(name=f"tenant of {name}")
        GroupScope.objects.create(group=group, filter=scope)
        User.objects.get(username=name).groups.add(group)
    return made


def points(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["point"] for one in answer.json()["results"]]


def key(id: str) -> int:
    return Alarm.objects.get(point_id=id).pk


def test_lists(raised: StorageAdapter) -> None:
    ann = client("ann", "viewer")
    assert points(ann.get("/api/alarms/")) == ["b-t", "t", "u"]
    assert points(ann.get("/api/default/alarms")) == ["b-t", "t", "u"]
    assert points(ann.get("/api/memory/alarms/")) == []
    first = ann.get("/api/alarms/?limit=1").json()
    assert [one["point"] for one in first["results"]] == ["b-t"]
    assert points(ann.get(f"/api/alarms/?cursor={first['next']}")) == ["t", "u"]
    wanted = {
        "state=open": ["b-t", "t"],
        "state=raised": ["b-t", "t"],
        "state=acknowledged": [],
        "state=cleared": ["u"],
        "severity=4": [],
        "severity=3&point=t": ["t"],
        f"rule={AlarmRule.objects.get().pk}&site=hq": ["t", "u"],
        "equip=b-ahu": ["b-t"],
        "start=2026-11-02T10:00:50Z": ["b-t", "t"],
        "end=2026-11-02T10:00:50Z": ["u"],
    }
    for query, found in wanted.items():
        assert points(ann.get(f"/api/alarms/?{query}")) == found, query
    one = ann.get(f"/api/alarms/{key('t')}/").json()
    assert one["value"] == {"_kind": "number", "val": 27, "unit": "°C"}
    assert (one["ruleName"], one["severityName"]) == ("too warm", "severe")
    assert [it["kind"] for it in one["transitions"]] == ["raised"]


@pytest.mark.parametrize(
    "query, text",
    [
        ("state=x", "state must be one of raised, acknowledged, cleared, open"),
        ("severity=high", "severity must be a whole number"),
        ("rule=9999999999999999999999", "rule must be a whole number"),
        ("cursor=-1", "cursor must be a whole number"),
        ("start=monday", "start must be a time such as"),
        ("end=2026-13-01T00:00:00Z", "end must be a time such as"),
        ("start=2026-11-02T10:00:00", "start must be a time such as"),
        ("limit=0", "limit must be 1 or greater"),
    ],
)
def test_bad_queries(db: None, query: str, text: str) -> None:
    answer = client("ann", "viewer").get(f"/api/alarms/?{query}")
    assert (answer.status_code, answer.json()["dis"][: len(text)]) == (400, text)


def test_a_tenant_sees_alarms_of_its_points(raised: StorageAdapter) -> None:
    bob = client("bob", "operator", "siteRef == @b or id == @b")
    assert points(bob.get("/api/alarms/")) == ["b-t"]
    assert points(bob.get("/api/alarms/?limit=1")) == ["b-t"]
    summary = bob.get("/api/alarms/summary/").json()
    assert (summary["raised"], summary["severity"]) == (1, 3)
    assert [one["id"] for one in summary["entities"]] == ["b", "b-ahu", "b-t"]
    for path in ("", "acknowledge/"):
        url = f"/api/alarms/{key('t')}/{path}"
        answer = bob.post(url, {}, JSON) if path else bob.get(url)
        assert (answer.status_code, answer.json()["dis"]) == (
            404,
            f"unknown alarm '{key('t')}'",
        )
    own = f"/api/alarms/{key('b-t')}/acknowledge/"
    assert bob.post(own, {}, JSON).status_code == 200
    raised.remove_entities([{"id": Ref("b-t")}], force=True)
    assert points(bob.get("/api/alarms/")) == []


def test_acknowledging(raised: StorageAdapter) -> None:
    ann = client("ann", "operator")
    url = f"/api/alarms/{key('t')}/acknowledge/"
    answer = ann.post(url, {"note": "on my way"}, JSON).json()
    assert answer["state"] == "acknowledged"
    last = answer["transitions"][-1]
    assert (last["who"], last["note"]) == ("ann", "on my way")
    again = ann.post(url, {"note": "x"}, JSON)
    assert (again.status_code, again.json()["dis"]) == (
        409,
        "the alarm is already acknowledged, or cleared",
    )
    summary = ann.get("/api/alarms/summary/").json()
    assert (summary["raised"], summary["acknowledged"]) == (1, 1)
    bad = ann.post(
        f"/api/alarms/{key('b-t')}/acknowledge/", {"note": "x" * 1_001}, JSON
    )
    assert (bad.status_code, bad.json()["dis"][:5]) == (400, "note:")
    for unknown in ("0", "x", "9" * 30):
        url = f"/api/alarms/{unknown}/acknowledge/"
        assert ann.post(url, {}, JSON).status_code == 404


@ONE_STORE
@pytest.mark.parametrize(
    "role, read, acknowledge, change",
    [
        ("", 403, 403, 403),
        ("viewer", 200, 403, 403),
        ("operator", 200, 200, 403),
        ("admin", 200, 200, 201),
    ],
)
def test_rights(
    raised: StorageAdapter, role: str, read: int, acknowledge: int, change: int
) -> None:
    ann = client("ann", role)
    for path in ("alarms/", "alarms/summary/", f"alarms/{key('t')}/"):
        assert ann.get(f"/api/{path}").status_code == read, path
    assert ann.get("/api/alarms/events/").status_code == (501 if read == 200 else 403)
    url = f"/api/alarms/{key('t')}/acknowledge/"
    assert ann.post(url, {}, JSON).status_code == acknowledge
    rules = 200 if change == 201 else 403
    assert ann.get("/api/alarm-rules/").status_code == rules
    assert ann.post("/api/alarm-rules/dry-run/", BODY, JSON).status_code == rules
    assert ann.post("/api/alarm-rules/", BODY, JSON).status_code == change
    pk = AlarmRule.objects.order_by("pk")[0].pk
    for path in (f"{pk}/", f"{pk}/dry-run/"):
        assert ann.get(f"/api/alarm-rules/{path}").status_code == rules
    changed = ann.patch(f"/api/alarm-rules/{pk}/", {"enabled": False}, JSON)
    assert changed.status_code == rules
    gone = ann.delete(f"/api/alarm-rules/{pk}/")
    assert gone.status_code == (204 if change == 201 else 403)


def test_rules_are_for_users_that_see_everything(storage: StorageAdapter) -> None:
    bob = client("bob", "admin", "siteRef == @b")
    answer = bob.post("/api/alarm-rules/", BODY, JSON)
    assert answer.status_code == 403
    assert answer.json()["dis"] == "rules are for users that see all entities"


def test_a_tenant_sees_no_name_of_a_hidden_site(storage: StorageAdapter) -> None:
    """That of the point quotes it."""
    tags = {"siteRef": Ref("tower"), "temp": "x", "equipRef": Ref("ahu"), "unit": "°C"}
    names = {"dis": None, "disMacro": "$siteRef $navName", "navName": "Temp"}
    storage.load_entities(
        [entity("tower", dis="Tower"), point("far", **{**tags, **names})]
    )
    rule()
    evaluator = Evaluator(storage)
    evaluate(evaluator, 0)
    write(storage, "far", (1, 27.0))
    evaluate(evaluator, 2)
    ann, bob = client("ann", "viewer"), client("bob", "viewer", "temp")
    for path in ("", f"{key('far')}/"):
        assert b"Tower Temp" in ann.get(f"/api/alarms/{path}").content
        answer = bob.get(f"/api/alarms/{path}")
        assert b"Temp" in answer.content and b"Tower" not in answer.content


@ONE_STORE
def test_two_rules_of_a_name_at_once(
    storage: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(made: AlarmRule) -> list[str]:
        rule(name=made.name)
        return []

    monkeypatch.setattr(alarm_rules, "check_fit", meanwhile)
    answer = client("ann", "admin").post("/api/alarm-rules/", BODY, JSON)
    assert answer.status_code == 409
    assert answer.json()["dis"] == 'rule "warm" already exists'


@ONE_STORE
@pytest.mark.parametrize(
    "scope, acknowledge, change",
    [(Token.READ, 403, 403), (Token.WRITE, 200, 403), (Token.ADMIN, 200, 201)],
)
def test_tokens_need_scopes(
    raised: StorageAdapter, scope: str, acknowledge: int, change: int
) -> None:
    ann = client("ann", "admin")
    ann.logout()
    token = Token(user=User.objects.get(username="ann"), name="t", scope=scope)
    secret = create_secret(token)
    token.save()
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"/api/alarms/{key('t')}/acknowledge/"
    assert ann.get("/api/alarms/", headers=headers).status_code == 200
    done = ann.post(url, {}, JSON, headers=headers)
    assert done.status_code == acknowledge
    made = ann.post("/api/alarm-rules/", BODY, JSON, headers=headers)
    assert made.status_code == change


def test_rules_are_made_and_changed(storage: StorageAdapter) -> None:
    ann = client("ann", "admin")
    made = ann.post("/api/alarm-rules/", BODY, JSON)
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["enabled"], body["severity"], body["warnings"]) == (False, 2, [])
    url = f"/api/alarm-rules/{body['id']}/"
    changed = ann.patch(url, {"enabled": True, "delaySeconds": 60}, JSON).json()
    assert (changed["enabled"], changed["delaySeconds"]) == (True, 60)
    taken = ann.post("/api/alarm-rules/", BODY, JSON)
    assert (taken.status_code, taken.json()["dis"][:5]) == (400, "name:")
    unfit = ann.patch(url, {"value": "77°F"}, JSON)
    assert unfit.status_code == 400
    assert unfit.json()["dis"].startswith(
        "value: fits none of the points that the filter matches: 77°F has the unit °F,"
        " and @sp has the unit °C"
    )
    none = ann.patch(url, {"filter": "nothing"}, JSON).json()
    assert "matches no points" in none["warnings"][0]
    for data, text in (
        ({"windowSeconds": 60}, "windowSeconds: this measure has no window"),
        ({"op": "~"}, "op:"),
        ({"storage": "nope"}, "storage:"),
        ({"mailTo": "x"}, "mailTo: not an address"),
    ):
        answer = ann.patch(url, data, JSON)
        assert (answer.status_code, answer.json()["dis"][: len(text)]) == (400, text)
    assert ann.delete(url).status_code == 204
    assert ann.get(url).status_code == 404


def test_dry_run(storage: StorageAdapter) -> None:
    now = timezone.now().replace(microsecond=0)
    ends = [now - dt.timedelta(hours=n) for n in (50, 49, 30, 1)]
    values = [Number(n, "°C") for n in (27, 20, 28, 29)]
    rows = [
        (DateTime(at, "New_York"), val) for at, val in zip(ends, values, strict=True)
    ]
    storage.his_write("t", rows)
    storage.load_entities([point("f", temp="x", equipRef=Ref("ahu"), unit="°F")])
    ann = client("ann", "admin")
    found = ann.post("/api/alarm-rules/dry-run/", {**BODY, "name": ""}, JSON).json()
    assert (found["matched"], found["evaluated"], found["misfits"]) == (4, 3, 1)
    assert (found["alarms"], found["open"]) == (2, 1)
    assert sum(found["days"].values()) == 2
    (worst,) = found["worst"]
    assert (worst["id"], worst["count"], worst["isOpen"]) == ("t", 2, True)
    assert worst["raisedSeconds"] == pytest.approx(31 * 3_600, abs=60)
    assert "does not work for 1 points: 25°C has the unit" in found["warnings"][0]
    assert not AlarmRule.objects.exists() and not Alarm.objects.exists()
    bad = ann.post("/api/alarm-rules/dry-run/", {**BODY, "filter": "a b"}, JSON)
    assert bad.status_code == 400
    made = ann.post("/api/alarm-rules/", BODY, JSON).json()
    changed = {**BODY, "name": made["name"]}
    tried = ann.post("/api/alarm-rules/dry-run/", changed, JSON)
    assert tried.status_code == 200, tried.content
    again = ann.get(f"/api/alarm-rules/{made['id']}/dry-run/").json()
    assert again["alarms"] == 2


def test_permissions_exist(db: None) -> None:
    found = Permission.objects.filter(
        codename__in=("acknowledge_alarms", "change_rules")
    )
    assert found.count() == 2
    assert minute(1) - minute(0) == dt.timedelta(minutes=1)
