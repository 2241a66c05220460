"""Schedules: cron expressions, times that passed, and the page of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from haystack_app.jobs import schedules, tasks
from haystack_app.jobs.worker import Worker
from haystack_app.models import Job, JobSchedule
from tests.jobs import examples

_PATH = "tests.jobs.examples.note"


@pytest.mark.parametrize("text", ["30 3 * * *", "*/5 * * * 1-5", "0 0 1 1,7 *"])
def test_cron_expressions(text: str) -> None:
    schedules.check_cron(text)


@pytest.mark.parametrize(
    "text", ["", "30 3", "30 3 * * * *", "60 3 * * *", "@daily", "a b c d e"]
)
def test_invalid_cron_expressions(text: str) -> None:
    with pytest.raises(ValidationError, match="such as 30 3"):
        schedules.check_cron(text)


def test_times_are_those_of_the_time_zone() -> None:
    with timezone.override("America/New_York"):
        winter = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
        assert schedules.next_time("30 3 * * *", winter).astimezone(
            dt.UTC
        ) == dt.datetime(2026, 1, 6, 8, 30, tzinfo=dt.UTC)


def test_a_schedule_makes_jobs(database: str, worker: Worker) -> None:
    made = JobSchedule.objects.create(
        name="nightly", task=_PATH, kwargs={"text": "night"}, cron="30 3 * * *"
    )
    assert schedules.has_due()
    assert schedules.enqueue_due() == 0  # gets its first time
    made.refresh_from_db()
    assert made.next_at is not None and made.next_at > timezone.now()
    assert not schedules.has_due()
    # days without a worker count once
    JobSchedule.objects.filter(pk=made.pk).update(
        next_at=timezone.now() - dt.timedelta(days=9)
    )
    assert worker.maintain()
    [job] = Job.objects.filter(schedule=made)
    assert (job.schedule, job.owner_name, job.title) == (made, "", "note")
    # the last job is not finished
    JobSchedule.objects.filter(pk=made.pk).update(
        next_at=timezone.now() - dt.timedelta(days=1)
    )
    assert schedules.enqueue_due() == 0
    assert worker.run_one(["long"])
    assert examples.CALLS == ["night"]
    JobSchedule.objects.filter(pk=made.pk).update(
        next_at=timezone.now() - dt.timedelta(days=1)
    )
    assert schedules.enqueue_due() == 1


def test_disabled_and_broken_schedules(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    past = timezone.now() - dt.timedelta(days=1)
    for name, path, enabled in (
        ("off", _PATH, False),
        ("gone", "tests.jobs.examples.gone", True),
    ):
        JobSchedule.objects.create(
            name=name, task=path, cron="30 3 * * *", enabled=enabled, next_at=past
        )
    assert schedules.enqueue_due() == 0
    assert "schedule gone: tests.jobs.examples.gone is not a task" in caplog.text
    assert not Job.objects.exists()
    assert not schedules.has_due()  # the broken one waits for its next time


def test_new_databases_get_the_schedules_of_tasks(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # first, for a task registers itself, and would stay for the tests after this one
    monkeypatch.setitem(tasks._tasks, _PATH, examples.note)
    tasks.task(title="nightly", schedule="5 2 * * *")(examples.note.func)
    schedules.create_schedules(database)
    [made] = JobSchedule.objects.filter(task=_PATH)
    assert (made.name, made.cron) == ("note", "5 2 * * *")
    JobSchedule.objects.filter(pk=made.pk).update(cron="0 1 * * *")
    schedules.create_schedules(database)
    assert JobSchedule.objects.get(pk=made.pk).cron == "0 1 * * *"


@pytest.mark.django_db
def test_the_page_of_schedules_is_for_superusers(client: Client) -> None:
    users = get_user_model().objects
    staff = users.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get("/admin/haystack_app/jobschedule/").status_code == 403
    client.force_login(users.create_superuser("root"))
    form: dict[str, Any] = {
        "name": "nightly",
        "task": "os.getcwd",
        "kwargs": "{}",
        "cron": "daily",
        "enabled": "on",
    }
    page = client.post("/admin/haystack_app/jobschedule/add/", form).content.decode()
    assert "os.getcwd is not a task" in page
    assert "is not a cron expression" in page
    form |= {"task": _PATH, "cron": "30 3 * * *"}
    assert client.post("/admin/haystack_app/jobschedule/add/", form).status_code == 302
    assert JobSchedule.objects.get(name="nightly").next_at is None
