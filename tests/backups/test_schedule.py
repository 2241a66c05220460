"""The nightly job, and what monitoring says of it."""

from __future__ import annotations

import base64
import math
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from haystack_app.backups import ages, sqlite
from haystack_app.backups.nightly import back_up
from haystack_app.backups.targets import Folder
from haystack_app.jobs.worker import Worker
from haystack_app.models import Job, JobSchedule
from haystack_app.monitoring.collector import StoreCollector
from haystack_app.monitoring.status import status_of_server
from haystack_app.storage.orm import OrmAdapter
from tests.api.conftest import logged_in
from tests.backups.conftest import ORM
from tests.backups.test_restore import committing
from tests.transfer.stores import filled


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    ages._remembered.clear()


def age() -> float | None:
    for metric in StoreCollector().collect():
        if metric.name == "haystack_backup_age_seconds":
            return metric.samples[0].value
    return None


def run() -> Job:
    back_up.enqueue()
    assert Worker({"long": 1}).run_one(["long"])
    return Job.objects.order_by("-id")[0]


@committing
def test_the_nightly_job(configured: Any, tmp_path: Path) -> None:
    schedule = JobSchedule.objects.get(name="back_up")
    assert not schedule.enabled  # until a superuser switches it on
    filled(OrmAdapter())
    storages = {"default": {"BACKEND": ORM}}
    configured(storages)
    assert age() is None
    assert status_of_server()["backup"] == {"target": "", "last": None}
    job = run()
    assert job.status == Job.Status.FAILED
    assert "must name a folder or a bucket" in job.errors[-1]["message"]

    key = base64.b64encode(os.urandom(32)).decode()
    configured(storages, TARGET=str(tmp_path), KEY=key)
    assert age() == math.inf
    ages._remembered.clear()
    old = Folder(tmp_path)
    with old.writing("20250101T000000Z", "half") as output:
        output.write(b"x")
    job = run()
    assert job.status == Job.Status.SUCCESSFUL, job.errors
    assert job.result["deleted"] == ["20250101T000000Z"]
    assert old.complete() == [job.result["name"]]
    seconds = age()
    assert seconds is not None and 0 <= seconds < 3_600
    found = status_of_server()["backup"]
    assert found["target"] == str(tmp_path) and found["last"].startswith("20")
    assert key not in str(job.errors) + str(job.result) + str(found)
    page = logged_in("sam", is_staff=True).get("/status/").content.decode()
    assert f"The last one in {tmp_path}" in page and key not in page


@committing
def test_an_outage_is_tried_again(
    configured: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    filled(OrmAdapter())
    configured({"default": {"BACKEND": ORM}}, TARGET=str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "_copy", locked)
        job = run()
    assert job.status == Job.Status.READY
    assert not list(tmp_path.rglob("*.gz*"))


@committing
def test_a_wrong_key_is_said_without_it(configured: Any, tmp_path: Path) -> None:
    configured({"default": {"BACKEND": ORM}}, TARGET=str(tmp_path), KEY="c2VjcmV0")
    job = run()
    assert job.status == Job.Status.FAILED
    assert "is not 32 bytes in base64" in job.errors[-1]["message"]
    assert "c2VjcmV0" not in str(job.errors)
    assert not list(tmp_path.iterdir())
