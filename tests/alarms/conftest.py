"""Rules of the storage ``default``, which is each kind of store in turn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import TestCase

from haystack_app.alarms import news
from haystack_app.alarms.evaluator import Evaluator
from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.models import Alarm, AlarmRule
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.signals import samples_written
from tests.storage.building import entity, point

START = dt.datetime(2026, 11, 2, 10, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ONE_STORE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
"""For what does not depend on the kind of store."""


@pytest.fixture
def hints() -> Iterator[None]:
    """Hints are collected, as in a process with the thread."""
    news._news.clear()
    samples_written.connect(news.collect)
    yield
    samples_written.disconnect(news.collect)
    news._news.clear()


@pytest.fixture
def storage(
    store: StorageAdapter, db: None, hints: None, monkeypatch: pytest.MonkeyPatch
) -> StorageAdapter:
    """The ``store`` as the storage ``default``; alarms are in the database.

    It has a site, an AHU, and the points ``t`` and ``u`` of it. Hints are collected.
    """
    monkeypatch.setitem(storages._adapters, "default", store)
    made = {"siteRef": Ref("hq"), "equipRef": Ref("ahu"), "unit": "°C", "temp": MARKER}
    store.load_entities(
        [
            entity("hq", site=MARKER, dis="HQ"),
            entity("ahu", equip=MARKER, dis="AHU", siteRef=Ref("hq")),
            point("t", dis="Temp", **made),
            point("u", dis="Other", **made),
            point("sp", dis="Set point", **{**made, "temp": "no"}),
        ],
        replace=True,
    )
    return store


@contextmanager
def committed(store: StorageAdapter) -> Iterator[None]:
    """What follows a commit follows the block, inside the transaction of a test."""
    using = store.database
    if using is None:
        yield
        return
    with TestCase.captureOnCommitCallbacks(using=using, execute=True):
        yield


def minute(number: float) -> dt.datetime:
    return START + number * MINUTE


def rule(**fields: Any) -> AlarmRule:
    """A saved rule, by default for values of ``t`` and ``u`` above 25 °C."""
    given = {"name": "too warm", "filter": "temp == M", "value": "25°C"}
    given = {**given, "filter": "temp and equipRef", "enabled": True} | fields
    made = AlarmRule(**given)
    made.full_clean()
    made.save()
    return made


def write(store: StorageAdapter, id: str, *samples: tuple[float, Any]) -> None:
    """Samples at minutes; floats are °C."""
    rows = [
        (
            DateTime(minute(at), "New_York"),
            Number(value, "°C") if isinstance(value, float) else value,
        )
        for at, value in samples
    ]
    with committed(store):
        store.his_write(id, rows, minute(max(at for at, _ in samples)))


def evaluate(evaluator: Evaluator, at: float) -> int:
    """A round with all hints, up to a minute."""
    news.flush(frozenset({"default"}))
    return evaluator.round(minute(at))


def spans(id: str = "t") -> list[tuple[float, float | None]]:
    """Minutes in which alarms of a point are raised."""
    rows = Alarm.objects.filter(point_id=id, withdrawn=False).order_by("raised_at")
    return [
        (
            (one.raised_at - START) / MINUTE,
            None if one.cleared_at is None else (one.cleared_at - START) / MINUTE,
        )
        for one in rows
    ]
