"""The jobs of imports: every store, crashes, cancellation, and rights at each part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from haystack_app.jobs import JobContext, claims
from haystack_app.jobs.context import JobSignals
from haystack_app.jobs.running import run
from haystack_app.kinds import Number
from haystack_app.models import GroupScope, Job
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from tests.api.conftest import logged_in
from tests.imports.conftest import TRENDS, Imports, fill, run_jobs
from tests.imports.test_history import values
from tests.storage.building import at


@pytest.fixture
def project(
    request: pytest.FixtureRequest,
    spool: Any,
    store: StorageAdapter,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[StorageAdapter]:
    """A store of each kind as the default one."""
    request.getfixturevalue("db")
    store.alias = "default"
    monkeypatch.setitem(storages._adapters, "default", store)
    fill(store)
    yield store


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haystack_app.transfer.his_import._BATCH", 2)


def test_every_store(project: StorageAdapter, small_parts: None) -> None:
    before = [(at("2024-03-01 08:15", "UTC"), Number(1, "°C"))]
    project.his_write("sat", before)
    imports = Imports(logged_in("alice"))
    id = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="2")
    job = imports.done(id)
    assert job["status"] == "successful", job
    assert job["result"]["samples"] == 6
    assert (job["done"], job["total"]) == (6, 6)
    assert values("sat") == [20.5, 21, 21.5]
    assert values("fan") == [True, True, False]
    job = imports.undone(id)
    assert job["result"] == {
        "restored": 6,
        "conflicts": 0,
        "changedSince": [],
        "dropped": [],
        "missing": [],
    }
    assert (values("sat"), values("fan")) == ([1], [])


def begun(imports: Imports) -> int:
    id: int = imports.uploaded(TRENDS)["id"]
    imports.corrected(id, skipBad="2")
    assert imports.start(id).status_code == 202
    return id


class Interrupted(BaseException):
    """As a kill."""


def test_a_kill_goes_on_where_it_was(
    imports: Imports, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(imports)
    writes: list[Any] = []
    store = type(storages["default"])
    write_all = store.his_write_all

    def dying(self: Any, samples: Any, *args: Any, **options: Any) -> None:
        if len(writes) == 2:
            raise Interrupted
        writes.append(options["origin"].change)
        write_all(self, samples, *args, **options)

    monkeypatch.setattr(store, "his_write_all", dying)
    job = claims.claim(["long"], "killed")
    assert job is not None
    with pytest.raises(Interrupted):
        run(job, JobSignals())
    assert Job.objects.get(pk=job.pk).checkpoint["parts"] == 2
    assert (values("sat"), values("fan")) == ([20.5, 21, 21.5], [])

    def counting(self: Any, samples: Any, *args: Any, **options: Any) -> None:
        writes.append(options["origin"].change)
        write_all(self, samples, *args, **options)

    monkeypatch.setattr(store, "his_write_all", counting)
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.READY, holder="", lease_until=None
    )
    run_jobs()
    assert len(writes) == 4
    assert len(set(writes)) == 1
    assert imports.get(id)["job"]["result"]["samples"] == 6
    assert imports.undone(id)["result"]["restored"] == 6


def test_it_can_be_cancelled(
    imports: Imports, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(imports)
    signals = JobSignals()
    step = JobContext.step

    def cancelling(self: JobContext, *args: Any, **options: Any) -> Any:
        if self.job.done >= 2:
            signals.cancelled.set()
        return step(self, *args, **options)

    monkeypatch.setattr(JobContext, "step", cancelling)
    job = claims.claim(["long"], "worker")
    assert job is not None
    run(job, signals)
    answer = imports.get(id)
    assert answer["status"] == "cancelled"
    assert sum(map(len, (values("sat"), values("fan")))) == 2
    assert answer["found"]["canStart"]
    monkeypatch.undo()
    [change] = storages["default"].sample_changes()
    assert storages["default"].undo_samples(change.origin.change).restored == 2
    assert imports.done(id)["status"] == "successful"
    assert values("sat") == [20.5, 21, 21.5]


def test_a_job_that_runs_keeps_others_away(imports: Imports) -> None:
    id = begun(imports)
    assert imports.start(id).status_code == 409
    assert imports.correct(id, skipBad="1").status_code == 409
    assert imports.client.delete(f"{imports.root}{id}/").status_code == 409


def test_rights_hold_at_each_part(
    imports: Imports, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = begun(imports)
    step = JobContext.step

    def demoting(self: JobContext, *args: Any, **options: Any) -> Any:
        if self.job.done >= 2:
            get_user_model().objects.get(username="alice").groups.clear()
        return step(self, *args, **options)

    monkeypatch.setattr(JobContext, "step", demoting)
    run_jobs()
    alice = get_user_model().objects.get(username="alice")
    alice.groups.add(Group.objects.get(name="operator"))
    job = imports.get(id)["job"]
    assert job["status"] == "failed"
    assert "permission 'write_history' required" in job["errors"][0]["message"]
    assert (values("sat"), values("fan")) == ([20.5, 21, 21.5], [])


def test_the_scope_holds_at_each_part(imports: Imports) -> None:
    id = begun(imports)
    group = Group.objects.create(name="no fans")
    GroupScope.objects.create(group=group, filter='site or kind == "Number"')
    get_user_model().objects.get(username="alice").groups.add(group)
    run_jobs()
    job = imports.get(id)["job"]
    assert job["status"] == "failed"
    assert 'no point with the id, dis or path "Fan"' in job["errors"][0]["message"]
    assert (values("sat"), values("fan")) == ([], [])


def test_a_tenant_does_not_find_the_points_of_others(imports: Imports) -> None:
    group = Group.objects.create(name="no fans")
    GroupScope.objects.create(group=group, filter='site or kind == "Number"')
    get_user_model().objects.get(username="alice").groups.add(group)
    found = imports.uploaded(TRENDS)["found"]
    assert found["tables"][0]["columns"][2]["use"] == "unknown"
    assert "Fan" in found["problem"]
    id = imports.uploaded("ts,id,val\n2024-03-01T08:00:00Z,fan,true\n")["id"]
    assert imports.start(id).status_code == 400
    assert values("fan") == []


def test_files_of_others_do_not_exist(imports: Imports) -> None:
    id = imports.uploaded(TRENDS)["id"]
    other = Imports(logged_in("boss", is_staff=True))
    path = f"{other.root}{id}/"
    assert other.client.get(path).status_code == 404
    assert other.correct(id, skipBad="2").status_code == 404
    assert other.start(id).status_code == 404
    assert other.client.post(f"{path}undo/").status_code == 404
    assert (
        other.client.post(f"{path}parts/?offset=0", b"x", "text/csv").status_code == 404
    )
    assert other.client.get(f"{path}bad-rows/").status_code == 404
    assert other.client.delete(path).status_code == 404
    assert other.client.get(other.root).json()["results"] == []
    listed = imports.client.get(imports.root).json()["results"]
    assert [one["id"] for one in listed] == [id]
    assert "found" not in listed[0]
    elsewhere = Imports(imports.client, "memory")
    assert elsewhere.client.get(f"{elsewhere.root}{id}/").status_code == 404


@pytest.mark.parametrize("role", ["viewer", ""])
def test_others_may_not_import(imports: Imports, role: str) -> None:
    other = Imports(logged_in("vera", role))
    assert other.upload(TRENDS).status_code == 403
    assert other.client.get(other.root).status_code == 403
    assert other.client.get("/api/import-mappings/").status_code == 403


def test_an_unknown_project(imports: Imports) -> None:
    assert Imports(imports.client, "nosuch").upload(TRENDS).status_code == 404


def test_another_project(imports: Imports) -> None:
    fill(storages["memory"])
    other = Imports(imports.client, "memory")
    id = other.uploaded(TRENDS)["id"]
    other.corrected(id, skipBad="2")
    assert other.done(id)["status"] == "successful"
    assert values("sat", "memory") == [20.5, 21, 21.5]
    assert values("sat") == []


def test_a_worker_without_the_folder_says_so(imports: Imports, spool: Any) -> None:
    import shutil

    id = begun(imports)
    shutil.rmtree(spool)
    run_jobs()
    message = imports.get(id)["job"]["errors"][0]["message"]
    assert "IMPORTS_DIR" in message
