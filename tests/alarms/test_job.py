"""One job evaluates while there are rules; hints are stored by a thread of a process."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from haystack_app.alarms import job, news
from haystack_app.alarms.evaluator import Evaluator
from haystack_app.alarms.retention import prune
from haystack_app.jobs import local
from haystack_app.jobs.context import JobContext, JobPaused, JobSignals
from haystack_app.jobs.standing import StandingStarter
from haystack_app.kinds import DateTime, Number
from haystack_app.models import Alarm, AlarmNews, AlarmPair, AlarmRule, Job
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.signals import samples_written
from tests.alarms.conftest import committed, evaluate, minute, rule, spans, write
from tests.storage.building import point


def context(signals: JobSignals | None = None) -> JobContext:
    return JobContext(  # type: ignore[arg-type]
        task_result=None, job=Job(), signals=signals or JobSignals()
    )


@pytest.fixture
def store(db: None) -> OrmAdapter:
    """The job does not depend on the kind of store."""
    return OrmAdapter(using="default")


@pytest.fixture
def sqlite(storage: StorageAdapter, monkeypatch: pytest.MonkeyPatch) -> StorageAdapter:
    # the transaction of the test goes on
    monkeypatch.setattr(job, "connections", SimpleNamespace(close_all=lambda: None))
    monkeypatch.setattr(job, "close_old_connections", lambda: None)
    return storage


def test_it_runs_while_there_are_rules(sqlite: StorageAdapter) -> None:
    assert not job.EVALUATION.ensure(shared=True)
    one = rule()
    assert job.EVALUATION.ensure(shared=True)
    assert not job.EVALUATION.ensure(shared=True)
    made = Job.objects.get()
    assert (made.queue, made.process) == ("alarms", "")
    one.storage = "memory"
    one.save()
    StandingStarter(job.EVALUATION).look()
    bound = Job.objects.get(process=local.name_of_process())
    assert bound.kwargs == {"shared": False}


def test_it_ends_after_the_last_rule(
    sqlite: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alarms of a rule that is switched off are cleared first."""
    monkeypatch.setattr(job, "_aliases", lambda shared: ["default"])
    one = rule()
    evaluator = Evaluator(sqlite)
    evaluate(evaluator, 0)
    write(sqlite, "t", (1, 27.0))
    evaluate(evaluator, 2)
    one.enabled = False
    one.save()
    job.evaluate_alarms.call(context())
    alarm = Alarm.objects.get()
    last = alarm.transitions.last()
    assert alarm.state == "cleared" and last is not None
    assert last.note == "the rule was switched off"
    assert not AlarmPair.objects.exists()


def test_it_stops_with_its_worker(sqlite: StorageAdapter) -> None:
    rule()
    signals = JobSignals()
    signals.stopping.set()
    with pytest.raises(JobPaused):
        job.evaluate_alarms.call(context(signals=signals))


def test_a_storage_that_fails_keeps_no_other_from_working(
    sqlite: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    signals = JobSignals()
    seen: list[str] = []

    def fail(self: Evaluator, *args: Any) -> int:
        seen.append(self.store.alias)
        if len(seen) > 3:
            signals.stopping.set()
        raise OperationalError("gone")

    monkeypatch.setattr(Evaluator, "round", fail)
    monkeypatch.setattr(job, "_PAUSE_SECONDS", 0.01)
    with pytest.raises(JobPaused):
        job.evaluate_alarms.call(context(signals=signals))
    shared = [alias for alias in storages if storages[alias].shared]
    assert set(shared) <= set(seen)


def test_a_rule_that_fails_keeps_no_other_from_working(sqlite: StorageAdapter) -> None:
    """Nor the storage's next rounds from remembering what they know."""
    broken, good = rule(name="broken"), rule()
    AlarmRule.objects.filter(pk=broken.pk).update(suppress="equip and")
    evaluator = Evaluator(sqlite)
    write(sqlite, "t", (1, 27.0))
    assert evaluate(evaluator, 2) == 1
    assert Alarm.objects.get().rule == good
    broken.refresh_from_db()
    assert "could not be looked through" in broken.problem
    AlarmRule.objects.filter(pk=broken.pk).update(suppress="")
    evaluator = Evaluator(sqlite)
    assert evaluate(evaluator, 3) == 1
    broken.refresh_from_db()
    assert broken.problem == ""


@pytest.mark.usefixtures("hints")
def test_a_storage_in_memory(db: None) -> None:
    """Of a process: what it forgets is cleared."""
    store = storages["memory"]
    store.load_entities([point("m", unit="°C")], replace=True)
    AlarmRule.objects.create(
        name="m", storage="memory", filter="point", value="25°C", enabled=True
    )
    evaluator = Evaluator(store)
    try:
        evaluator.round(minute(0))
        store.his_write("m", [(DateTime(minute(1), "New_York"), Number(27, "°C"))])
        news.flush(frozenset({"memory"}))
        evaluator.round(minute(2))
        assert spans("m") == [(1, None)]
    finally:
        store.load_entities([], replace=True)
    Evaluator(store).round(minute(5))
    assert spans("m") == [(1, 5)]


def test_hints(sqlite: StorageAdapter) -> None:
    """Only of storages with rules; the first time of each point counts."""
    with committed(sqlite):
        write(sqlite, "t", (5, 20.0), (9, 20.0))
        write(sqlite, "t", (7, 20.0))
    thread = news.NewsThread()
    thread.look()
    assert not AlarmNews.objects.exists() and not news._news
    rule()
    thread.ask_at = 0
    write(sqlite, "t", (5, 21.0), (9, 20.0))
    write(sqlite, "u", (7, 20.0))
    thread.look()
    (row,) = AlarmNews.objects.all()
    start = minute(5).timestamp() * 1_000_000
    assert (row.storage, row.points["t"]) == ("default", start)
    assert row.points.keys() == {"t", "u"}


def test_no_hints_without_the_thread(sqlite: StorageAdapter) -> None:
    rule()
    samples_written.disconnect(news.collect)
    write(sqlite, "t", (5, 20.0))
    assert not news._news


def test_pruning(sqlite: StorageAdapter, settings: Any) -> None:
    one = rule()
    now = timezone.now()
    for days, is_open in ((500, False), (400, True), (10, False)):
        at = now - dt.timedelta(days=days)
        Alarm.objects.create(
            rule=one,
            point_id=f"p{days}",
            dis="",
            raised_at=at,
            recorded_at=at,
            cleared_at=None if is_open else at,
        )
    AlarmNews.objects.bulk_create(
        AlarmNews(storage="default", points={"t": n}) for n in range(2_005)
    )
    assert prune(now) == 1
    assert set(Alarm.objects.values_list("point_id", flat=True)) == {"p400", "p10"}
    assert AlarmNews.objects.count() == 2_000
    settings.HAYSTACK = {**settings.HAYSTACK, "ALARM_DAYS": 0}
    assert prune(now + dt.timedelta(days=4_000)) == 0
