"""Checks and repairs of databases beside writers: no false difference, no long wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, Ref
from haystack_app.models import EntityRef, HisSample
from haystack_app.storage.orm import OrmAdapter, facts
from tests.patience import eventually
from tests.storage.building import at, entity, numbers, point
from tests.storage.test_concurrency import NOON, committed

POINTS = 60


@pytest.fixture
def filled(sql_store: OrmAdapter) -> OrmAdapter:
    sites = [entity(f"s{n}", site=MARKER) for n in range(3)]
    points = (point(f"p{n}", siteRef=Ref(f"s{n % 3}")) for n in range(POINTS))
    sql_store.load_entities([*sites, *points])
    for n in range(POINTS):
        sql_store.his_write(f"p{n}", numbers(3, NOON))
    return sql_store


@contextmanager
def writing(store: OrmAdapter) -> Iterator[Callable[[], int]]:
    """Samples, tags, refs, creations and removals all the time; gives the turns."""
    stopped = threading.Event()
    failures: list[BaseException] = []
    turns = count(1)
    done: list[int] = []

    def run() -> None:
        dice = Random(1)
        try:
            while not stopped.is_set():
                id, turn = f"p{dice.randrange(POINTS)}", next(turns)
                new = point(f"new-{turn}", siteRef=Ref("s1"))
                changed = point(id, siteRef=Ref(f"s{turn % 3}"), **{f"x{turn}": MARKER})
                store.load_entities([new, changed])
                day = at(f"2024-03-{1 + turn % 27:02} 12:00")
                store.his_write(id, numbers(1 + turn % 3, day))
                if turn % 2:
                    store.commit([], remove=[f"new-{turn}"])
                done.append(turn)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: len(done)
    finally:
        stopped.set()
        thread.join()
    assert failures == []


@committed
@pytest.mark.parametrize("repairing", [False, True])
def test_writers_cause_no_difference(
    filled: OrmAdapter, monkeypatch: pytest.MonkeyPatch, repairing: bool
) -> None:
    monkeypatch.setattr(facts, "POINTS", 7)
    with writing(filled) as turns:
        begun = turns()
        while turns() < begun + 15:
            if repairing:
                assert filled.repair() == 0
            else:
                assert filled.differences() == []
            filled.mend_facts("", 50)
    assert filled.differences() == []


@committed
def test_repairs_beside_writers(filled: OrmAdapter) -> None:
    using = filled.using
    with writing(filled) as turns:
        EntityRef.objects.using(using).create(path="odd", dst="s1", src_id="s2")
        samples: Any = HisSample.objects.using(using)
        samples.create(point_id="s1", ts=NOON.utc, val=1.0)
        found = filled.differences()
        assert "@s2: the stored references do not match its tags" in found
        assert filled.repair() > 0
        begun = turns()
        eventually(lambda: turns() >= begun + 3)
    samples.filter(point_id="s1")._raw_delete(using)
    assert filled.differences() == []
