"""Folding of changed samples: what marks them, and what becomes of the parts."""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connections

from haystack_app.folds.buckets import Interval
from haystack_app.folds.meaning import Meaning
from haystack_app.folds.rollup import Rollup
from haystack_app.kinds import Number
from haystack_app.kinds.series import instant_of
from haystack_app.models import FoldMark, FoldPart, FoldPoint, HisSample
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter, fold_work, stored_parts
from haystack_app.storage.samples import Batch
from tests.api.servers import url_of
from tests.folds.test_rollup import streamed
from tests.forks import Forked
from tests.patience import eventually
from tests.storage.building import point
from tests.storage.test_folds import agree, written

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_709_269_200_000_000
"""2024-03-01, midnight in New_York; clocks change on the 10th."""
DAYS = 20
FOREVER = """
import django
django.setup()
from haystack_app.storage.handler import storages
print("folding", flush=True)
while True:
    storages["default"].fold_dirty(3)
"""
committed = pytest.mark.django_db(transaction=True, databases="__all__")
Samples = dict[int, Any]


def rollups(unit: str = "day") -> list[Rollup]:
    found = []
    for mode in ({}, {"is_linear": True}, {"ends_included": True}):
        folds = ["avg", "min", "max", "count", "first", "last", "delta"]
        if "ends_included" not in mode:
            folds += ["twa", "integral"]
        meaning = Meaning("Number", "kW", horizon=START + DAYS * DAY, **mode)
        interval = Interval.of(Number(1, unit))
        end = START + (DAYS + 2) * DAY
        found.append(Rollup(folds, interval, "New_York", START, end, meaning))
    return found


def check(store: StorageAdapter, samples: Samples, id: str = "p") -> None:
    for rollup in [*rollups(), *rollups("hr"), *rollups("mo")]:
        rows = [(at, row) for at, _, row in store.his_fold([(id, rollup)])]
        agree(rollup, rows, streamed(rollup, sorted(samples.items())))


def fold_all(store: StorageAdapter) -> None:
    while store.fold_dirty():
        continue


def filled(store: StorageAdapter, step: int = HOUR, id: str = "p") -> Samples:
    """A point with some days of samples."""
    store.load_entities([point(id, unit="kW")])
    samples = {START + n * step: float(n % 37) for n in range(10 * DAY // step)}
    with store.locked([id]):
        store.his_store({id: written(sorted(samples.items()))})
    return samples


def parts(store: OrmAdapter) -> set[int]:
    rows = FoldPart.objects.using(store.history_using)
    return set(rows.values_list("hours", flat=True))


def sql(store: OrmAdapter, statement: str, *params: Any) -> None:
    connection = store.samples
    if connection.vendor == "sqlite":
        adapt = connection.ops.adapt_datetimefield_value
        params = tuple(
            adapt(at) if isinstance(at, dt.datetime) else at for at in params
        )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_a_store_without_parts_has_nothing_to_fold(store: StorageAdapter) -> None:
    samples = filled(store)
    if not isinstance(store, OrmAdapter):
        assert store.fold_dirty() == 0
    check(store, samples)


def test_days_are_stored_and_hours_of_dense_points(sql_store: OrmAdapter) -> None:
    samples = filled(sql_store)
    fold_all(sql_store)
    assert parts(sql_store) == {24}
    assert not FoldMark.objects.using(sql_store.history_using).exists()
    check(sql_store, samples)
    dense = {START + n * HOUR // 12: float(n % 7) for n in range(300)}
    with sql_store.locked(["p"]):
        sql_store.his_store({"p": written(sorted(dense.items()))})
    samples |= dense
    check(sql_store, samples)
    later = {START + 10 * DAY + n * HOUR // 12: float(n % 5) for n in range(200)}
    with sql_store.locked(["p"]):
        sql_store.his_store({"p": written(sorted(later.items()))})
    samples |= later
    fold_all(sql_store)
    assert parts(sql_store) == {1, 24}
    check(sql_store, samples)


def test_stored_parts_are_read(sql_store: OrmAdapter) -> None:
    """Otherwise the other tests would compare samples with samples."""
    filled(sql_store)
    fold_all(sql_store)
    FoldPart.objects.using(sql_store.history_using).update(count=1_000)
    rollup = rollups()[0]
    [row, *_] = [row for _, _, row in sql_store.his_fold([("p", rollup)])]
    assert row["count"] == 1_001


def test_changes_by_plain_sql(sql_store: OrmAdapter) -> None:
    samples = filled(sql_store)
    fold_all(sql_store)
    history = HisSample.objects.using(sql_store.history_using).filter(point_id="p")
    at, new = START + 30 * HOUR, START + 12 * DAY + 5
    history.filter(ts=instant_of(at)).update(val=1e6)
    samples[at] = 1e6
    check(sql_store, samples)
    history.filter(ts=instant_of(at + HOUR)).delete()
    del samples[at + HOUR]
    check(sql_store, samples)
    history.create(point_id="p", ts=instant_of(new), val=-5.0)
    samples[new] = -5.0
    check(sql_store, samples)
    fold_all(sql_store)
    check(sql_store, samples)
    moved = START + 11 * DAY + 7
    sql(
        sql_store,
        "UPDATE history SET ts = %s WHERE point_id = %s AND ts = %s",
        *(instant_of(moved), "p", instant_of(new)),
    )
    samples[moved] = samples.pop(new)
    check(sql_store, samples)
    fold_all(sql_store)
    check(sql_store, samples)


def test_a_history_that_is_emptied(sql_store: OrmAdapter) -> None:
    filled(sql_store)
    fold_all(sql_store)
    if sql_store.samples.vendor == "postgresql":
        sql(sql_store, "TRUNCATE history")
        assert parts(sql_store) == set()
    else:
        sql(sql_store, "DELETE FROM history")
    check(sql_store, {})
    fold_all(sql_store)
    assert parts(sql_store) == set()
    check(sql_store, {})


def test_a_removed_point_leaves_nothing(
    sql_store: OrmAdapter, django_capture_on_commit_callbacks: Any
) -> None:
    filled(sql_store)
    fold_all(sql_store)
    with django_capture_on_commit_callbacks(using=sql_store.using, execute=True):
        sql_store.remove_entities([sql_store.existing("p")])
    fold_all(sql_store)
    for model in (FoldPart, FoldMark, FoldPoint):
        assert not model.objects.using(sql_store.history_using).exists()
    samples = filled(sql_store)
    check(sql_store, samples)


def test_histories_from_before_the_upgrade(sql_store: OrmAdapter) -> None:
    samples = {id: filled(sql_store, id=id) for id in ("p", "q")}
    sql_store.load_entities([point("empty")])
    rows = FoldMark.objects.using(sql_store.history_using)
    rows.all().delete()
    check(sql_store, samples["p"])
    ends = {"first": instant_of(0), "last": instant_of(START)}
    rows.create(point_id=FoldMark.ALL_AFTER, **ends)
    fold_all(sql_store)
    assert not rows.exists()
    points = FoldPoint.objects.using(sql_store.history_using)
    assert set(points.values_list("point_id", flat=True)) == {"p", "q"}
    for id, own in samples.items():
        check(sql_store, own, id)


def test_other_rules_of_a_zone(
    sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days may begin at other times after an update of the zones."""
    samples = filled(sql_store)
    fold_all(sql_store)
    FoldPart.objects.using(sql_store.history_using).update(count=1_000)
    monkeypatch.setattr(stored_parts, "_rules_version", lambda: "2099z")
    check(sql_store, samples)


def test_differences_are_found_and_repaired(sql_store: OrmAdapter) -> None:
    samples = filled(sql_store)
    fold_all(sql_store)
    sql_store.repair()
    fold_all(sql_store)
    assert sql_store.differences() == []
    [first, *_] = FoldPart.objects.using(sql_store.history_using).order_by("start")
    first.delete(using=sql_store.history_using)
    faults = ["@p: the stored folds are not those of the history"]
    assert sql_store.differences() == faults
    sql_store.repair()
    check(sql_store, samples)
    fold_all(sql_store)
    assert sql_store.differences() == []
    check(sql_store, samples)


def test_few_buckets_at_a_time(sql_store: OrmAdapter) -> None:
    fold_all(sql_store)
    samples = filled(sql_store)
    for _ in range(3):
        assert 1 <= sql_store.fold_dirty(3) <= 6
        check(sql_store, samples)
    rows = FoldPart.objects.using(sql_store.history_using)
    assert rows.count() == 9


def changed(random: Random, store: OrmAdapter, samples: Samples) -> None:
    """Write late samples, and remove one."""
    new = {
        START + random.randrange(DAYS * 24) * HOUR: float(random.randrange(100))
        for _ in range(3)
    }
    old = random.choice(sorted(samples))
    removed = [] if old in new else [old]
    with store.locked(["p"]):
        store.his_store({"p": Batch(dict(sorted(new.items())), removed)})
    samples.update(new)
    for time_ in removed:
        del samples[time_]


@committed
def test_answers_are_exact_when_folding_is_killed(
    sql_store: OrmAdapter, tmp_path: Path
) -> None:
    random = Random(1)
    samples = filled(sql_store)
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": "only for tests",
        "VAR_DIR": str(tmp_path),
        "HAYSTACK_STORAGE": "orm",
        "TIMESCALE_DSN": "",
        "DATABASE_URL": url_of(sql_store.using),
        "HISTORY_DATABASE_URL": (
            url_of(sql_store.history_using) if sql_store.is_split else ""
        ),
    }
    for number in range(4):
        out = tmp_path / f"{number}.out"
        process = Forked(["-c", FOREVER], environ, out, tmp_path / "err")
        eventually(lambda: out.exists() and "folding" in out.read_text())  # noqa: B023
        end = time.monotonic() + 0.3 * random.random()
        while time.monotonic() < end:
            changed(random, sql_store, samples)
        check(sql_store, samples)
        process.kill()
        process.wait()
        check(sql_store, samples)
    fold_all(sql_store)
    assert not FoldMark.objects.using(sql_store.history_using).exists()
    check(sql_store, samples)
    assert parts(sql_store) == {24}


def test_a_sample_is_removed_between_two_statements_of_a_day(
    sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a writer that commits meanwhile."""
    samples = filled(sql_store)
    read_parts = fold_work.read_parts
    removed = [START + day * DAY for day in range(5)]

    def late(*args: Any) -> Any:
        if args[2].statement == "held" and removed:
            del samples[removed[0]]
            with sql_store.locked(["p"]):
                sql_store.his_store({"p": Batch({}, [removed.pop(0)])})
        return read_parts(*args)

    monkeypatch.setattr(fold_work, "read_parts", late)
    sql_store.fold_dirty()
    assert len(removed) < 5
    check(sql_store, samples)
    fold_all(sql_store)
    check(sql_store, samples)
    assert not FoldMark.objects.using(sql_store.history_using).exists()


@committed
def test_several_fold_beside_writers(sql_store: OrmAdapter) -> None:
    random = Random(2)
    samples = filled(sql_store)
    stop = threading.Event()
    failed: list[Exception] = []

    def fold() -> None:
        try:
            while not stop.wait(0.001):  # or SQLite's lock may starve the writer
                sql_store.fold_dirty(5)
        except Exception as err:
            failed.append(err)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=fold) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            changed(random, sql_store, samples)
        check(sql_store, samples)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    fold_all(sql_store)
    check(sql_store, samples)
