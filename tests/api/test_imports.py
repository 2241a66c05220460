"""``/api/samples/import/``: files, rights, scopes, errors, jobs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from haystack_app.jobs.worker import Worker
from haystack_app.kinds import MARKER, Ref
from haystack_app.models import GroupScope, Job, Token
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.callers import token_of
from tests.api.conftest import Api, logged_in
from tests.storage.building import entity, point

TREND = "Time,Supply Temp (°C)\n2024-06-15 00:00,20.5\n2024-06-15 00:15,21\n"
BAD = TREND + "2024-06-15 00:30,broken\n"


def fill(store: StorageAdapter) -> None:
    sites = [entity("s1", site=MARKER), entity("s2", site=MARKER)]
    own = {"unit": "°C", "tz": "New_York", "dis": "Supply Temp"}
    points = [point("a", siteRef=Ref("s1"), **own)]
    points.append(point("b", siteRef=Ref("s2"), **{**own, "dis": "Other Temp"}))
    store.load_entities([*sites, *points], replace=True)


@pytest.fixture
def api(db: None) -> Api:
    """An operator, who writes samples and makes no points."""
    fill(storages["default"])
    return Api(logged_in("alice"))


def send(api: Api, text: str | bytes, **params: Any) -> Any:
    body = text.encode() if isinstance(text, str) else text
    query = urlencode({"file": "trend.csv", **params})
    return api.client.generic(
        "POST", f"{api.root}samples/import/?{query}", body, CONTENT_TYPE="text/csv"
    )


def values(id: str) -> list[float]:
    return [row["val"].val for row in storages["default"].his_read(id)]


def test_a_dry_run_says_what_was_understood(api: Api) -> None:
    found = send(api, TREND, dryRun="true").json()
    assert "  layout: wide, a column for each point" in found["understood"]
    assert (found["stored"], found["samples"], found["errorCount"]) == (False, 2, 0)
    assert not any("haystack-import" in line for line in found["understood"])
    assert values("a") == []


def test_it_is_stored(api: Api) -> None:
    found = send(api, TREND).json()
    assert (found["stored"], found["rows"], found["points"]) == (True, 2, 1)
    assert values("a") == [20.5, 21]
    assert send(api, TREND.replace("20.5", "19")).json()["change"]
    [change] = api.get("samples/changes/").json()["results"]
    assert (change["kind"], change["user"]) == ("import", "alice")


def test_all_errors_and_nothing_stored(api: Api) -> None:
    answer = send(api, BAD)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["where"].startswith("line 4")
    assert error["reason"] == '@a: invalid Number "broken"'
    assert error["remedy"].startswith("noValue WORD if the text means")
    assert "haystack-import" not in answer.content.decode()
    assert values("a") == []
    assert send(api, BAD, dryRun="true").json()["errorCount"] == 1
    assert send(api, BAD, skipBad="1").json()["leftOut"] == 1
    assert values("a") == [20.5, 21]


@pytest.mark.parametrize(
    ("params", "text", "message"),
    [
        ({"file": "a.xlsx"}, TREND, "file must be a name that ends in .csv"),
        ({"file": "../a.csv"}, TREND, "file must be a name that ends in .csv"),
        ({"file": "a.csv.gz"}, TREND, "file must be a name that ends in .csv"),
        ({"tz": "Nowhere"}, TREND, "unknown time zone"),
        ({"dates": "dym"}, TREND, "is not a valid choice"),
        ({"datse": "dmy"}, TREND, "unknown field"),
        ({}, "", "empty body"),
        ({}, "a,b\n1,2\n", "no column of times was found"),
        ({}, "Time,Supply Temp\n03/04/2024,1\n", "give dates dmy or dates mdy"),
        ({"skipBad": "x"}, BAD, "expected a number of rows or a percentage"),
    ],
)
def test_refused(api: Api, params: dict[str, str], text: str, message: str) -> None:
    answer = send(api, text, **params)
    assert answer.status_code == 400
    assert message in answer.json()["dis"]


def test_points_are_made_by_who_may_add_entities(api: Api) -> None:
    text = TREND.replace("Supply Temp", "New Temp")
    new = {"create": "true", "site": "s1", "tz": "New_York"}
    answer = send(api, text, **new)
    assert (answer.status_code, answer.json()["dis"]) == (
        403,
        "permission 'add_entity' required",
    )
    admin = Api(logged_in("ann", "admin"))
    assert send(admin, text, **new).json()["created"] == ["s1.new-temp"]
    assert values("s1.new-temp") == [20.5, 21]
    assert storages["default"].existing("s1.new-temp")["siteRef"] == Ref("s1")
    assert send(api, TREND, stamps="end").status_code == 403


def test_a_mapping(api: Api) -> None:
    text = "Time,T,Other\n2024-06-15 00:00,68,x\n"
    mapping = {"T": {"id": "a", "unit": "°F"}, "Other": None}
    arguments = {"mapping": json.dumps(mapping), "convert": "true"}
    assert send(api, text, **arguments).status_code == 200
    assert values("a") == [pytest.approx(20)]
    answer = send(api, text, mapping="{")
    assert (answer.status_code, values("a")) == (400, [pytest.approx(20)])
    assert "invalid JSON" in answer.json()["dis"]


def test_a_tenant_makes_no_points_elsewhere(api: Api) -> None:
    group = Group.objects.create(name="s2")
    GroupScope.objects.create(group=group, filter="siteRef==@s2 or id==@s2")
    tenant = Api(logged_in("ann", "admin"))
    get_user_model().objects.get(username="ann").groups.add(group)
    text = TREND.replace("Supply Temp", "New Temp")
    new = {"create": "true", "tz": "New_York"}
    assert send(tenant, text, **new).status_code in (400, 403)
    assert send(tenant, text, **new, site="s1").status_code in (400, 404)
    assert storages["default"].read_by_ids(["new-temp", "s1.new-temp"]) == [None, None]
    assert send(tenant, text, **new, site="s2").status_code == 200
    assert values("s2.new-temp") == [20.5, 21]


def test_rights(api: Api) -> None:
    assert send(Api(logged_in("eve", "viewer")), TREND).status_code == 403
    alice = get_user_model().objects.get(username="alice")
    for scope, status in ((Token.READ, 403), (Token.WRITE, 200)):
        headers = {"Authorization": f"Bearer {token_of(alice, scope)}"}
        program = Api(Client(headers=headers))
        assert send(program, TREND, dryRun="true").status_code == status


def test_points_of_another_tenant_are_not_found(api: Api) -> None:
    group = Group.objects.create(name="s2")
    GroupScope.objects.create(group=group, filter="siteRef==@s2 or id==@s2")
    tenant = Api(logged_in("bob"))
    get_user_model().objects.get(username="bob").groups.add(group)
    hidden, unknown = (
        send(tenant, TREND.replace("Supply Temp", name)) for name in ("@a", "@zzz")
    )
    assert hidden.json()["dis"].replace("@a", "@zzz") == unknown.json()["dis"]
    assert send(tenant, TREND.replace("Supply", "Other")).status_code == 200
    assert (values("a"), values("b")) == ([], [20.5, 21])


@pytest.mark.django_db(transaction=True)
def test_a_job_imports_it(transactional_db: None) -> None:
    fill(storages["default"])
    api = Api(logged_in("alice"))
    answer = send(api, TREND, job="true")
    assert answer.status_code == 202
    bad = send(api, BAD, job="true").json()
    worker = Worker({"short": 1, "long": 1})
    while worker.run_one(["short", "long"]):
        pass
    done = Job.objects.get(pk=answer.json()["id"])
    assert done.status == Job.Status.SUCCESSFUL
    assert values("a") == [20.5, 21]
    failed = Job.objects.get(pk=bad["id"])
    assert 'invalid Number "broken"' in str(failed.errors)
