"""The job: rounds, slow receivers, errors, starting and stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from haystack_app.jobs import local
from haystack_app.jobs.context import JobContext, JobPaused, JobSignals
from haystack_app.jobs.standing import StandingStarter
from haystack_app.kinds import MARKER, Number
from haystack_app.models import Job, Webhook, WebhookDelivery
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from haystack_app.webhooks import dispatcher, outbox, sources, starter
from haystack_app.webhooks.dispatcher import Dispatcher, deliver_webhooks, enabled
from tests.patience import PATIENCE, eventually
from tests.storage.building import entity
from tests.webhooks import receiver as servers
from tests.webhooks.conftest import owner
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Iterator[Dispatcher]:
    made = Dispatcher(shared=True)
    yield made
    made.pool.shutdown()


def rounds(job: Dispatcher, until: Callable[[], object]) -> None:
    def go() -> object:
        job.round(enabled(shared=job.shared))
        return until() and not job.sending

    eventually(go)


def ids(receiver: Receiver) -> list[str]:
    found = [one.json["events"] for one in receiver.received]
    return [event["entityId"] for part in found for event in part]


def test_rounds_deliver_in_order(
    receiver: Receiver, hook: Any, job: Dispatcher
) -> None:
    hook()
    for number in range(5):
        storages["default"].load_entities([entity(f"e{number}")])
        rounds(job, lambda: len(receiver.received) == number + 1)  # noqa: B023
    assert ids(receiver) == [f"e{number}" for number in range(5)]
    states = set(WebhookDelivery.objects.values_list("status", "attempts"))
    assert states == {("delivered", 1)}
    assert not job.round(enabled(shared=True))


def test_an_idle_round_asks_little(
    receiver: Receiver, hook: Any, job: Dispatcher, django_assert_max_num_queries: Any
) -> None:
    user = owner()
    for number in range(5):
        hook(user, name=f"hook {number}", on_updated=True, on_override=True)
    job.round(enabled(shared=True))
    with django_assert_max_num_queries(2 + 5 + 12):
        assert not job.round(enabled(shared=True))


def test_a_slow_receiver_delays_no_other(
    receiver: Receiver, hook: Any, job: Dispatcher
) -> None:
    slow, may_answer = Receiver(), Event()
    ok = servers.answer(200)
    slow.behaviours = [lambda handler: (may_answer.wait(PATIENCE), ok(handler))[1]]
    try:
        user = owner()
        hook(user, name="slow", url=slow.url, on_created=True)
        hook(user, name="quick", on_created=True)
        for number in range(3):
            storages["default"].load_entities([entity(f"e{number}")])
            job.round(enabled(shared=True))
        eventually(
            lambda: job.round(enabled(shared=True)) or len(receiver.received) == 3
        )
        assert len(slow.received) == 1
        may_answer.set()
        rounds(job, lambda: len(slow.received) == 3)
        assert ids(slow) == ids(receiver) == ["e0", "e1", "e2"]
    finally:
        slow.stop()


def test_one_owner_does_not_get_all_threads(
    receiver: Receiver, hook: Any, job: Dispatcher
) -> None:
    may_answer, ok = Event(), servers.answer(200)
    slow = Receiver([lambda handler: (may_answer.wait(PATIENCE), ok(handler))[1]])
    try:
        greedy = owner("greedy")
        for number in range(6):
            hook(greedy, name=f"hook {number}", url=slow.url, on_created=True)
        hook(owner("ann"), on_created=True)
        storages["default"].load_entities([entity("a")])
        job.round(enabled(shared=True))
        assert len(job.sending) == 4 + 1
        may_answer.set()
        rounds(job, lambda: len(slow.received) == 6)
        assert len(receiver.received) == 1
    finally:
        slow.stop()


def test_one_webhook_that_fails_stops_no_other(
    receiver: Receiver, hook: Any, job: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = owner()
    bad = hook(user, name="bad", on_created=True)
    hook(user, name="good", on_created=True)
    real = sources.changes

    def changes(webhook: Webhook, *args: Any) -> Any:
        if webhook.pk == bad.pk:
            raise ZeroDivisionError
        return real(webhook, *args)

    monkeypatch.setattr(sources, "changes", changes)
    storages["default"].load_entities([entity("a")])
    rounds(job, lambda: receiver.received)
    assert [one.json["webhook"] for one in receiver.received] == ["good"]
    monkeypatch.undo()
    job.held_until.clear()
    rounds(job, lambda: len(receiver.received) == 2)


def test_an_outage_is_survived(
    job: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(dispatcher, "enabled", fail)
    monkeypatch.setattr(dispatcher.connections, "close_all", lambda: None)
    assert job._surviving_round() == dispatcher._PAUSE_SECONDS


def test_invalid_webhooks_are_disabled(
    receiver: Receiver, hook: Any, job: Dispatcher
) -> None:
    user = owner()
    hook(user, name="filter")
    hook(user, name="storage")
    Webhook.objects.filter(name="filter").update(filter="site and")
    Webhook.objects.filter(name="storage").update(storage="nosuch")
    job.round(enabled(shared=True))
    notes = dict(Webhook.objects.values_list("name", "note"))
    assert "not a Haystack filter" in notes["filter"]
    assert "no storage 'nosuch'" in notes["storage"]
    assert not Webhook.objects.enabled().exists()


def test_limits_are_compared_again_after_a_while(
    receiver: Receiver, hook: Any, job: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = storages["default"]
    store.load_entities([entity("p", point=MARKER, cur=MARKER, kind="Number")])
    webhook = hook(limit_op=">", limit="5", filter="point")
    job.round(enabled(shared=True))
    assert webhook.pk in job.compare_at
    job.compare_at[webhook.pk] = float("inf")
    store.cur_write({"p": Current(Number(9))})
    calls: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "collect", lambda *args, **_: calls.append(args) or 0)
        job.round(enabled(shared=True))
    assert not calls
    job.compare_at.clear()
    rounds(job, lambda: receiver.received)


# -- the job ------------------------------------------------------------------


def context(job: Job, signals: JobSignals) -> JobContext:
    return JobContext(task_result=None, job=job, signals=signals)  # type: ignore[arg-type]


def test_it_ends_without_webhooks(receiver: Receiver, hook: Any) -> None:
    assert not Dispatcher(shared=True).run(context(Job(), JobSignals()))
    hook(enabled=False)
    deliver_webhooks.call(context(Job(), JobSignals()))
    assert not Job.objects.exists()


def test_another_job_goes_on(
    receiver: Receiver, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_LIFETIME_SECONDS", 0.0)
    user = owner()
    hook(user)
    deliver_webhooks.call(context(Job(), JobSignals()))
    assert Job.objects.get().process == ""
    Job.objects.all().delete()
    deliver_webhooks.call(context(Job(), JobSignals()), shared=False)
    assert Job.objects.get().process == local.name_of_process()


@pytest.mark.django_db(transaction=True)
def test_when_it_stops_it_waits_for_answers(receiver: Receiver, hook: Any) -> None:
    """What was sent and not recorded would be sent again."""
    signals, answered = JobSignals(), servers.answer(200)

    def stop(handler: Any) -> None:
        signals.stopping.set()
        time.sleep(0.2)
        answered(handler)

    receiver.behaviours = [stop]
    webhook = hook()
    storages["default"].load_entities([entity("a")])
    with pytest.raises(JobPaused):
        Dispatcher(shared=True).run(context(Job(), signals))
    delivery = WebhookDelivery.objects.get(webhook=webhook)
    assert delivery.status == "delivered"


def test_one_job_runs_while_there_are_webhooks(receiver: Receiver, hook: Any) -> None:
    assert not starter.ensure_job(shared=True)
    hook()
    assert starter.ensure_job(shared=True)
    assert not starter.ensure_job(shared=True)
    job = Job.objects.get()
    assert (job.queue, job.process, job.kwargs) == ("delivery", "", {})
    Job.objects.update(finished_at=timezone.now())
    assert not starter.ensure_job(shared=True)  # another process has just done so
    hook(owner("bob"), storage="memory")
    StandingStarter(starter.WEBHOOKS).look()
    bound = Job.objects.get(process=local.name_of_process())
    assert bound.kwargs == {"shared": False}


def test_a_store_in_memory(receiver: Receiver, hook: Any) -> None:
    """Its webhooks are for the process that has it, from its first round on."""
    store = storages["memory"]
    webhook = hook(storage="memory", on_created=True)
    Webhook.objects.update(position={"of": "memory before", "changes": 3})
    job = Dispatcher(shared=False)
    store.load_entities([entity("before")], replace=True)
    assert not job.round(enabled(shared=True))
    job.round(enabled(shared=False))
    try:
        store.load_entities([entity("a")])
        rounds(job, lambda: receiver.received)
    finally:
        store.load_entities([], replace=True)
        job.pool.shutdown()
    assert ids(receiver) == ["a"]
    webhook.refresh_from_db()
    assert webhook.position["of"] == f"memory {local.name_of_process()}"


@pytest.mark.django_db(transaction=True)
def test_a_saved_webhook_has_the_job_run(receiver: Receiver, hook: Any) -> None:
    hook(enabled=False)
    assert not Job.objects.exists()
    hook(owner("bob"))
    assert Job.objects.get().title == "deliver webhooks"
