"""``/api/jobs/``, and ops that jobs run."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from haystack_app.api.op_jobs import run_op
from haystack_app.auth import tokens
from haystack_app.jobs import JobContext, claims, enqueue_for, local
from haystack_app.jobs.backend import result_of
from haystack_app.jobs.context import JobSignals
from haystack_app.jobs.embedded import BoundWorker
from haystack_app.jobs.local import name_of_process
from haystack_app.jobs.worker import Worker
from haystack_app.kinds import Number
from haystack_app.live.job_stream import JobStream
from haystack_app.models import GroupScope, Job, JobBody, Token
from haystack_app.storage.handler import storages
from tests.api.servers import Servers, url_of
from tests.jobs import examples
from tests.patience import PATIENCE, eventually
from tests.storage.building import at, point

pytestmark = pytest.mark.django_db

_SITES = [
    {"id": {"_kind": "ref", "val": f"s{n}"}, "site": {"_kind": "marker"}}
    for n in range(3)
]


def person(name: str, role: str = "admin", **fields: Any) -> Any:
    user = get_user_model().objects.create_user(name, **fields)
    user.groups.add(Group.objects.get(name=role))
    return user


def client_of(user: Any, scope: str = "") -> Client:
    if not scope:
        client = Client()
        client.force_login(user)
        return client
    token = Token(user=user, name=scope, scope=scope)
    secret = tokens.create_secret(token)
    token.save()
    return Client(headers={"Authorization": f"Bearer {secret}"})


def load(client: Client, body: Any = _SITES, path: str = "/api/load?job=true") -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def test_load_as_a_job() -> None:
    client = client_of(person("ann"), Token.ADMIN)
    answer = load(client)
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert answer["Location"] == f"/api/jobs/{job['id']}/"
    assert (job["status"], job["owner"], job["title"]) == ("ready", "ann", "load")
    assert storages["default"].read_by_ids(["s0"]) == [None]
    assert Worker({"long": 1}).run_one(["long"])
    job = client.get(answer["Location"]).json()
    assert (job["status"], job["attempts"], job["errors"]) == ("successful", 1, [])
    [row] = job["result"]["rows"]
    assert (row["created"], row["updated"]) == (3, 0)
    assert all(storages["default"].read_by_ids(["s0", "s1", "s2"]))
    assert not JobBody.objects.exists()


def test_a_load_as_a_job_has_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on after a kill where it was, and counts once."""
    monkeypatch.setattr("haystack_app.ops.load._BATCH", 2)
    client = client_of(person("ann"))
    body = [{**_SITES[0], "id": {"_kind": "ref", "val": f"x{n}"}} for n in range(7)]
    where = load(client, body)["Location"]
    job = claims.claim(["long"], "killed")
    assert job is not None
    context = JobContext(
        task_result=result_of(job, run_op, "haystack"), job=job, signals=JobSignals()
    )
    steps = []

    def progress(done: int, total: int | None = None, note: str | None = None) -> None:
        steps.append(done)
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(JobContext, "progress", lambda self, *a, **k: progress(*a, **k))
    with pytest.raises(KeyboardInterrupt):
        run_op.call(context, "load", None)
    monkeypatch.undo()
    monkeypatch.setattr("haystack_app.ops.load._BATCH", 2)
    assert (
        sum(map(bool, storages["default"].read_by_ids([f"x{n}" for n in range(7)])))
        == 4
    )
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert Worker({"long": 1}).run_one(["long"])
    found = client.get(where).json()
    assert found["status"] == "successful", found
    assert found["result"]["rows"] == [{"created": 7, "updated": 0, "unchanged": 0}]
    assert (found["done"], found["total"]) == (4, 4)
    again = load(client, body)["Location"]
    assert Worker({"long": 1}).run_one(["long"])
    [row] = client.get(again).json()["result"]["rows"]
    assert row == {"created": 0, "updated": 0, "unchanged": 7}


def test_nothing_is_stored_of_a_load_with_an_invalid_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where a later batch would change the meaning of a history."""
    monkeypatch.setattr("haystack_app.ops.load._BATCH", 1)
    store = storages["default"]
    store.load_entities([point("z", unit="kW")])
    store.his_write("z", [(at("2024-03-01 12:00"), Number(1, "kW"))])
    client = client_of(person("ann"))
    changed = {**_SITES[0], "id": {"_kind": "ref", "val": "z"}, "unit": "°C"}
    where = load(client, [*_SITES, changed])["Location"]
    assert Worker({"long": 1}).run_one(["long"])
    job = client.get(where).json()
    assert job["status"] == "failed", job
    assert "@z" in job["errors"][0]["message"]
    assert store.read_by_ids(["s0"]) == [None]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([{"dis": "no id", "id": 5}], "id"),
        ("{", "grid"),
        ({"_kind": "grid"}, "column"),
    ],
)
def test_a_job_says_what_is_wrong_with_its_body(body: Any, text: str) -> None:
    client = client_of(person("ann"))
    where = load(client, body)["Location"]
    assert Worker({"long": 1}).run_one(["long"])
    job = client.get(where).json()
    assert job["status"] == "failed", job
    assert text in job["errors"][0]["message"]
    assert job["result"] is None


def test_what_is_refused_at_once() -> None:
    user = person("ann")
    client = client_of(user)
    assert (
        "only bulkUpdate, emptyTrash, hisWrite, load can"
        in load(client, path="/api/commit?job=true").json()["dis"]
    )
    assert load(client, path="/api/load?job=yes").status_code == 400
    assert load(client, path="/api/nowhere/load?job=true").status_code == 404
    plain = client.post("/api/load?job=true", b"x", content_type="text/plain")
    assert plain.status_code == 415
    assert load(client_of(person("viv", "viewer"))).status_code == 403
    assert load(client_of(user, Token.WRITE)).status_code == 403
    assert not Job.objects.exists()


def test_unfinished_jobs_of_a_user_are_capped(settings: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"JOBS": 2}}
    client = client_of(person("ann"))
    assert [load(client).status_code for _ in range(3)] == [202, 202, 400]
    assert load(client).json()["dis"] == "2 jobs of yours are not finished (cap JOBS)"


def test_the_owner_lost_the_right_meanwhile() -> None:
    user = person("ann")
    client = client_of(user)
    where = load(client)["Location"]
    user.groups.clear()
    user.groups.add(Group.objects.get(name="viewer"))
    assert Worker({"long": 1}).run_one(["long"])
    job = client.get(where).json()
    assert job["status"] == "failed"
    assert job["errors"][0]["message"] == "permission 'add_entity' required"
    assert storages["default"].read_by_ids(["s0"]) == [None]


def test_the_scope_of_the_owner_holds() -> None:
    user = person("ann")
    tenant = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=tenant, filter="tenant")
    where = load(client_of(user))["Location"]
    user.groups.add(tenant)
    assert Worker({"long": 1}).run_one(["long"])
    job = client_of(user).get(where).json()
    assert job["status"] == "failed", job
    assert storages["default"].read_by_ids(["s0"]) == [None]


def test_jobs_of_others_do_not_exist() -> None:
    ann, bob = person("ann"), person("bob")
    mine, theirs = enqueue_for(ann, examples.note), enqueue_for(bob, examples.note)
    client = client_of(ann)
    assert [job["id"] for job in client.get("/api/jobs/").json()["results"]] == [
        mine.pk
    ]
    for path in ("", "cancel/", "events/"):
        url = f"/api/jobs/{theirs.pk}/{path}"
        answer = client.post(url) if path == "cancel/" else client.get(url)
        assert answer.status_code == 404, url
    assert Job.objects.get(pk=theirs.pk).status == Job.Status.READY


def test_staff_with_the_permissions_see_and_cancel_all() -> None:
    boss = person("boss", "viewer")
    theirs = enqueue_for(person("bob"), examples.note)
    client = client_of(boss)
    boss.user_permissions.add(Permission.objects.get(codename="view_job"))
    assert client.get(f"/api/jobs/{theirs.pk}/").status_code == 200
    assert client.post(f"/api/jobs/{theirs.pk}/cancel/").status_code == 404
    boss.user_permissions.add(Permission.objects.get(codename="change_job"))
    answer = client.post(f"/api/jobs/{theirs.pk}/cancel/")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    # but not with a scope: titles and results name entities
    tenant = Group.objects.create(name="tenant")
    GroupScope.objects.create(group=tenant, filter="tenant")
    boss.groups.add(tenant)
    assert client.get(f"/api/jobs/{theirs.pk}/").status_code == 404


def test_cancelling() -> None:
    user = person("ann")
    job = enqueue_for(user, examples.note)
    reader = client_of(user, Token.READ)
    assert reader.get(f"/api/jobs/{job.pk}/").status_code == 200
    assert reader.post(f"/api/jobs/{job.pk}/cancel/").status_code == 403
    writer = client_of(user, Token.WRITE)
    assert writer.post(f"/api/jobs/{job.pk}/cancel/").status_code == 202
    again = writer.post(f"/api/jobs/{job.pk}/cancel/")
    assert (again.status_code, again.json()["dis"]) == (
        409,
        "the job is already finished",
    )


def test_cancelling_needs_no_body() -> None:
    """As ``curl -X POST`` sends it."""
    user = person("ann")
    job = enqueue_for(user, examples.note)
    answer = client_of(user).generic("POST", f"/api/jobs/{job.pk}/cancel/")
    assert answer.status_code == 202, answer.content


def test_pages_of_jobs() -> None:
    user = person("ann")
    jobs = [enqueue_for(user, examples.note).pk for _ in range(5)]
    client = client_of(user)
    page = client.get("/api/jobs/?limit=2").json()
    assert [job["id"] for job in page["results"]] == [jobs[4], jobs[3]]
    page = client.get(f"/api/jobs/?limit=2&cursor={page['next']}").json()
    assert [job["id"] for job in page["results"]] == [jobs[2], jobs[1]]
    page = client.get(f"/api/jobs/?limit=2&cursor={page['next']}").json()
    assert ([job["id"] for job in page["results"]], page["next"]) == ([jobs[0]], None)
    claims.cancel(Job.objects.get(pk=jobs[1]))
    found = client.get("/api/jobs/?status=cancelled").json()["results"]
    assert [job["id"] for job in found] == [jobs[1]]
    answer = client.get("/api/jobs/?status=odd")
    assert "one of ready, running" in answer.json()["dis"]
    for id in ("0", "x", "9" * 30, "-1"):
        assert client.get(f"/api/jobs/{id}/").status_code == 404
    assert client.get("/api/jobs/?cursor=x").status_code == 400


def test_a_job_on_a_store_in_memory_is_for_this_process() -> None:
    client = client_of(person("ann"))
    where = load(client, path="/api/memory/load?job=true")["Location"]
    assert Job.objects.get().process == name_of_process()
    assert not Worker({"long": 1}).run_one(["long"])
    assert Worker({"long": 1}, process=name_of_process()).run_one(["long"])
    assert client.get(where).json()["status"] == "successful"
    assert all(storages["memory"].read_by_ids(["s0", "s1", "s2"]))
    storages["memory"].commit([], remove=["s0", "s1", "s2"])


def test_without_asgi_there_are_no_events() -> None:
    user = person("ann")
    job = enqueue_for(user, examples.note)
    answer = client_of(user).get(f"/api/jobs/{job.pk}/events/")
    assert answer.status_code == 501


def test_the_page_of_jobs() -> None:
    staff = person("staff", is_staff=True)
    mine = enqueue_for(staff, examples.note, title="<b>mine</b>")
    theirs = enqueue_for(person("bob"), examples.note, title="theirs")
    client = client_of(staff)
    page = client.get("/admin/haystack_app/job/").content.decode()
    assert "&lt;b&gt;mine" in page and "theirs" not in page
    assert client.get(f"/admin/haystack_app/job/{mine.pk}/change/").status_code == 200
    assert client.get(f"/admin/haystack_app/job/{theirs.pk}/change/").status_code == 302
    data = {"action": "cancel_jobs", "_selected_action": [mine.pk, theirs.pk]}
    client.post("/admin/haystack_app/job/", data)
    assert Job.objects.get(pk=mine.pk).status == Job.Status.CANCELLED
    assert Job.objects.get(pk=theirs.pk).status == Job.Status.READY


# -- with real servers ----------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_events_until_the_end(servers: Servers, settings: Any) -> None:
    server = servers.running(url_of("default"), HAYSTACK_WORKER="embedded")
    settings.SECRET_KEY = server.environ["SECRET_KEY"]
    user = person("ann")
    token = Token(user=user, name="t", scope=Token.WRITE)
    secret = tokens.create_secret(token)
    token.save()
    job = enqueue_for(user, examples.count, 20, seconds=0.1)
    events = _events(server.port, f"/api/jobs/{job.pk}/events/", secret)
    states = [data for name, data in events if name == "job"]
    assert [name for name, _ in events][-1] == "end"
    assert states[-1]["status"] == "successful"
    assert states[-1]["result"] == 20
    done = [state["done"] for state in states]
    assert done == sorted(done)
    assert len(states) >= 3
    # cancelled while another client follows
    job = enqueue_for(user, examples.count, 100_000, seconds=0.05)
    eventually(lambda: Job.objects.get(pk=job.pk).done > 2)
    assert claims.cancel(job)
    events = _events(server.port, f"/api/jobs/{job.pk}/events/", secret)
    assert [data["status"] for name, data in events if name == "job"][-1] == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_store_in_memory_has_threads_for_its_jobs(live: Any) -> None:
    """From the first job on; the server of this test is this process."""
    connection = live()
    user = person("ann")
    token = Token(user=user, name="t", scope=Token.ADMIN)
    secret = tokens.create_secret(token)
    token.save()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    connection.request("POST", "/api/memory/load?job=true", json.dumps(_SITES), headers)
    assert connection.getresponse().status == 202
    eventually(lambda: Job.objects.get().is_finished)
    assert Job.objects.get().status == Job.Status.SUCCESSFUL
    storages["memory"].commit([], remove=["s0", "s1", "s2"])
    for wake in list(local.wakers):
        bound = getattr(wake, "__self__", None)
        if isinstance(bound, BoundWorker) and bound.worker is not None:
            bound.worker.stop()
            bound.worker = None


@pytest.mark.django_db(transaction=True)
def test_a_user_follows_a_few_jobs_at_a_time(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobStream, "most", 2)
    user = person("ann")
    job = enqueue_for(user, examples.note)
    token = Token(user=user, name="t", scope=Token.READ)
    secret = tokens.create_secret(token)
    token.save()
    port = live().port
    streams = [_stream(port, f"/api/jobs/{job.pk}/events/", secret) for _ in range(2)]
    [(name, data)] = _events(port, f"/api/jobs/{job.pk}/events/", secret)
    assert (name, data["status"]) == ("end", 429)
    for connection in streams:
        connection.close()
    eventually(lambda: not JobStream.running)
    claims.cancel(job)
    events = _events(port, f"/api/jobs/{job.pk}/events/", secret)
    assert [name for name, _ in events] == ["job", "end"]


def _stream(port: int, path: str, token: str) -> http.client.HTTPConnection:
    """A connection that has got its first event."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    while not answer.readline().startswith(b"event: job"):
        pass
    return connection


def _events(port: int, path: str, token: str) -> list[tuple[str, Any]]:
    """All events until the server ends the stream."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    text = answer.read().decode()
    connection.close()
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
