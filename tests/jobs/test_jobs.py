"""Jobs: taking, running, keeping, cancelling, trying again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist

from haystack_app.jobs import claims, enqueue_for, local
from haystack_app.jobs.context import JobContext, JobLost, JobSignals
from haystack_app.jobs.running import run
from haystack_app.jobs.worker import Worker, prune
from haystack_app.models import AuditEntry, Job, JobBody
from tests.jobs import examples

LONG, BOTH = ["long"], ["short", "long"]


def alice(**fields: Any) -> Any:
    return get_user_model().objects.create_user("alice", **fields)


def the_job() -> Job:
    return Job.objects.get()


def test_a_task_is_enqueued_and_its_result_read(database: str, worker: Worker) -> None:
    result = examples.note.enqueue(text="hello")
    assert (result.status, result.attempts) == (TaskResultStatus.READY, 0)
    assert worker.run_one(LONG)
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value == {"text": "hello", "attempt": 1}
    assert examples.note.get_result(result.id).is_finished
    assert not worker.run_one(LONG)
    assert examples.CALLS == ["hello"]


def test_unknown_results_and_invalid_tasks(database: str) -> None:
    for id in ("999", "x", ""):
        with pytest.raises(TaskResultDoesNotExist):
            examples.note.get_result(id)
    with pytest.raises(InvalidTaskError, match="not valid for backend"):
        examples.note.using(queue_name="endless").enqueue()
    with pytest.raises(TypeError):
        examples.note.enqueue(text=object())
    assert not Job.objects.exists()


def test_queues_priorities_and_times(database: str, worker: Worker) -> None:
    examples.note.enqueue(text="first")
    examples.note.using(priority=5).enqueue(text="urgent")
    later = timezone.now() + dt.timedelta(hours=1)
    examples.note.using(run_after=later).enqueue(text="later")
    examples.short_note.enqueue()
    assert worker.run_one(["short"])
    while worker.run_one(LONG):
        pass
    assert examples.CALLS == ["short", "urgent", "first"]


def test_two_workers_never_take_the_same_job(database: str) -> None:
    for number in range(4):
        examples.note.enqueue(text=str(number))
    taken = [claims.claim(LONG, holder) for holder in "abab"]
    assert [job and job.kwargs["text"] for job in taken] == ["0", "1", "2", "3"]
    assert claims.claim(LONG, "c") is None


@pytest.mark.parametrize("kind", ["failed", "denied"])
def test_a_refusal_is_final_and_says_why(
    database: str, worker: Worker, kind: str
) -> None:
    examples.fail.enqueue(kind)
    assert worker.run_one(LONG)
    job = the_job()
    assert (job.status, job.attempts) == (Job.Status.FAILED, 1)
    reasons = {
        "failed": "the file has no columns",
        "denied": "permission 'add_entity' required",
    }
    assert [error["message"] for error in job.errors] == [reasons[kind]]


@pytest.mark.parametrize("kind", ["bug", "outage"])
def test_other_errors_are_tried_again_after_longer_and_longer(
    database: str, worker: Worker, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    examples.fail.enqueue(kind)
    pauses = []
    for attempt in (1, 2, 3):
        assert worker.run_one(LONG)
        job = the_job()
        assert job.attempts == attempt
        if attempt < 3:
            assert (job.status, worker.run_one(LONG)) == (Job.Status.READY, False)
            assert job.run_after is not None
            pauses.append((job.run_after - timezone.now()).total_seconds())
            Job.objects.update(run_after=None)
    assert 0 < pauses[0] < 6 < pauses[1] < 11
    assert job.status == Job.Status.FAILED
    assert len(job.errors) == 3
    assert "example.com" not in "".join(error["message"] for error in job.errors)
    assert "Traceback" in job.errors[0]["traceback"]


def test_a_job_goes_on_from_its_checkpoint(database: str, worker: Worker) -> None:
    examples.count.enqueue(5)
    job = claims.claim(LONG, "first")
    assert job is not None
    signals = JobSignals()
    context = _context(job, signals)
    with context.step(2, done=2):
        pass
    # the worker dies here: no end, no lease that is extended
    assert worker.run_one(LONG) is False
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert worker.run_one(LONG)
    assert [
        entry.who for entry in AuditEntry.objects.filter(event="test").order_by("id")
    ] == ["2", "3", "4"]
    job = the_job()
    assert (job.status, job.attempts, job.result) == (Job.Status.SUCCESSFUL, 2, 5)


def _context(job: Job, signals: JobSignals) -> JobContext:
    from haystack_app.jobs.backend import result_of

    result = result_of(job, examples.count, "haystack")
    return JobContext(task_result=result, job=job, signals=signals)


def test_a_worker_that_lost_its_job_stores_nothing(
    database: str, worker: Worker
) -> None:
    """It stood still until its lease ended, and another worker began."""
    examples.count.enqueue(3)
    old = claims.claim(LONG, "old")
    assert old is not None
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    new = claims.claim(LONG, "new")
    assert new is not None
    context = _context(old, JobSignals())
    with pytest.raises(JobLost), context.step(1):
        AuditEntry.objects.create(at=timezone.now(), event="test", who="old")
    assert not AuditEntry.objects.filter(who="old").exists()
    with pytest.raises(JobLost):
        context.check()
    assert not claims.end(old, Job.Status.FAILED)
    assert claims.keep({old.pk: old}, "old") == {}
    run(new, JobSignals())
    assert the_job().status == Job.Status.SUCCESSFUL
    assert AuditEntry.objects.filter(event="test").count() == 3


def test_a_job_that_kills_its_workers_fails(database: str, worker: Worker) -> None:
    examples.count.enqueue(3)
    for _ in range(5):
        assert claims.claim(LONG, "killed") is not None
        Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert worker.run_one(LONG)
    job = the_job()
    assert job.status == Job.Status.FAILED
    assert job.errors[-1]["message"] == "its worker died 5 times while it ran"


def test_cancelling(database: str, worker: Worker) -> None:
    user = alice()
    waiting = enqueue_for(user, examples.count, 3, body=("text/plain", b"x"))
    assert claims.cancel(waiting)
    assert not claims.cancel(waiting)
    assert Job.objects.get(pk=waiting.pk).status == Job.Status.CANCELLED
    assert not JobBody.objects.exists()
    enqueue_for(user, examples.count, 3)
    running = claims.claim(LONG, worker.holder)
    assert running is not None
    signals = JobSignals()
    worker.running[running.pk] = running, signals
    assert claims.cancel(running)
    worker.keep()
    run(running, signals)
    assert Job.objects.get(pk=running.pk).status == Job.Status.CANCELLED
    # one that was cancelled after its worker had died
    enqueue_for(user, examples.count, 3)
    dead = claims.claim(LONG, "dead")
    assert dead is not None
    assert claims.cancel(dead)
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert not worker.run_one(LONG)
    assert Job.objects.get(pk=dead.pk).status == Job.Status.CANCELLED
    assert not AuditEntry.objects.filter(event="test").exists()


def test_progress_is_stored_while_a_job_runs(database: str, worker: Worker) -> None:
    examples.count.enqueue(3)
    job = claims.claim(LONG, worker.holder)
    assert job is not None
    worker.running[job.pk] = job, JobSignals()
    _context(job, JobSignals()).progress(2, 3, "number 2")
    before = the_job().lease_until
    worker.keep()
    stored = the_job()
    assert (stored.done, stored.total, stored.note) == (2, 3, "number 2")
    assert stored.lease_until is not None and before is not None
    assert stored.lease_until > before


def test_a_worker_that_stops_gives_its_job_back(database: str, worker: Worker) -> None:
    examples.count.enqueue(3)
    job = claims.claim(LONG, worker.holder)
    assert job is not None
    signals = JobSignals()
    signals.stopping.set()
    run(job, signals)
    stored = the_job()
    assert (stored.status, stored.attempts) == (Job.Status.READY, 0)
    assert worker.run_one(LONG)
    assert the_job().status == Job.Status.SUCCESSFUL


def test_rights_are_those_of_the_moment(database: str, worker: Worker) -> None:
    user = alice()
    enqueue_for(user, examples.who)
    right = Permission.objects.get(codename="add_entity")
    user.user_permissions.add(right)
    assert worker.run_one(LONG)
    assert the_job().result == ["alice", "True"]
    Job.objects.all().delete()
    for end in ("disabled", "deleted"):
        enqueue_for(user, examples.who)
        if end == "disabled":
            get_user_model().objects.update(is_active=False)
        else:
            user.delete()
        assert worker.run_one(LONG)
        job = Job.objects.latest("id")
        assert job.status == Job.Status.FAILED
        assert job.errors[0]["message"] == "user 'alice' is disabled or deleted"


def test_jobs_of_one_process(database: str, worker: Worker) -> None:
    """Those whose store is in the memory of a process."""
    enqueue_for(alice(), examples.note, "mine", process="here")
    assert not worker.run_one(LONG)
    here = Worker({"long": 1}, process="here")
    assert here.run_one(LONG)
    assert examples.CALLS == ["mine"]
    user = get_user_model().objects.get()
    enqueue_for(user, examples.note, "orphan", process="gone")
    assert claims.end_orphans() == 0
    Job.objects.unfinished().update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )
    assert claims.end_orphans() == 1
    job = Job.objects.latest("id")
    assert job.errors[0]["message"] == "the server process that had to run it ended"


def test_an_unknown_task_fails(database: str, worker: Worker) -> None:
    for path in ("tests.jobs.examples.gone", "tests.jobs.examples.not_a_task", "x"):
        examples.note.enqueue()
        Job.objects.unfinished().update(task=path)
        assert worker.run_one(LONG)
        job = Job.objects.latest("id")
        assert job.status == Job.Status.FAILED
        assert path in job.errors[0]["message"]


def test_old_jobs_are_deleted(database: str, worker: Worker, settings: Any) -> None:
    for text in ("old", "new", "waiting"):
        examples.note.enqueue(text=text)
    assert worker.run_one(LONG) and worker.run_one(LONG)
    old = Job.objects.earliest("id")
    then = timezone.now() - dt.timedelta(days=31)
    Job.objects.filter(pk=old.pk).update(finished_at=then)
    settings.HAYSTACK = {**settings.HAYSTACK, "JOBS_DAYS": 0}
    assert prune() == 0
    settings.HAYSTACK = {**settings.HAYSTACK, "JOBS_DAYS": 30}
    assert prune() == 1
    assert Job.objects.count() == 2


def test_a_name_of_a_process_is_its_own() -> None:
    assert local.name_of_process() == local.name_of_process()
