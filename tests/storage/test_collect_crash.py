"""Processes that collect are killed while they write: samples are whole, and once."""

from __future__ import annotations

import datetime as dt
import os
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from haystack_app.kinds import MARKER, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.redis import RedisAdapter
from tests.forks import Forked
from tests.patience import eventually
from tests.storage.building import point
from tests.test_maintenance import deployment, url_of

WRITER = """
import datetime as dt, itertools, random, sys
import django
django.setup()
from haystack_app.collector import Collector
from haystack_app.kinds import Number
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
store, first = storages["default"], int(sys.argv[1])
if sys.argv[2:]:
    from haystack_app.storage.redis import RedisAdapter
    store = RedisAdapter(url=sys.argv[2], prefix=sys.argv[3], modules=False)
collector = Collector(store, 0.5)
for number in itertools.count(first):
    store.cur_write({id: Current(Number(number)) for id in ("cov", "both", "every")})
    collector.tick(dt.datetime.now(dt.UTC))
    print(number, flush=True)
"""
ROUNDS = 3
SECOND = 1_000_000


class Writer:
    def __init__(self, number: int, folder: Path, environ: dict[str, str], *at: str):
        self.out = folder / f"out-{number}"
        self.out.touch()
        words = ["-c", WRITER, str(number * 1_000_000), *at]
        self.process = Forked(words, environ, self.out, folder / f"err-{number}")

    def begins(self) -> None:
        eventually(lambda: "\n" in self.out.read_text(), "it begins")


def check(store: StorageAdapter, folder: Path, *where: str, **environ: str) -> None:
    fast = {"hisCollectCov": MARKER, "hisCollectCovRateLimit": Number(0, "sec")}
    second = {"hisCollectInterval": Number(1, "sec")}
    store.load_entities(
        [
            point("cov", cur=MARKER, **fast),
            point("both", cur=MARKER, **fast, **second),
            point("every", cur=MARKER, **second),
        ]
    )
    dice, started = random.Random(5), 0
    writers: list[Writer] = []
    begun = time.monotonic()
    while started < 2 + ROUNDS or time.monotonic() < begun + 3:
        while len(writers) < 2:
            started += 1
            env = deployment(folder, **environ) if environ else dict(os.environ)
            writers.append(Writer(started, folder, env, *where))
            writers[-1].begins()
        time.sleep(dice.uniform(0.2, 0.9))
        killed = writers.pop(dice.randrange(2))
        killed.process.kill()
        killed.process.wait()
    for writer in writers:
        writer.process.kill()
        writer.process.wait()
    for _ in range(2):  # locks of killed processes end after some seconds
        later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
        store.collect_postponed(later)
    _check_changes(store)
    times, _ = _samples(store, "every")
    assert times
    assert not [time for time in times if time % SECOND]
    assert len(set(times)) == len(times)
    for id in ("cov", "both", "every"):
        assert store.existing(id)["hisSize"].val == len(_samples(store, id)[0])
    assert store.differences() == []


def _check_changes(store: StorageAdapter) -> None:
    """Each sample differs from the one before, and the last one is current."""
    times, values = _samples(store, "cov")
    assert len(values) > 2 * ROUNDS
    assert all(one != other for one, other in pairwise(values))
    assert len(set(values)) == len(values)  # no value was written twice
    assert store.existing("cov")["curVal"].val == values[-1]
    assert len(set(times)) == len(times)


def _samples(store: StorageAdapter, id: str) -> tuple[list[int], list[Any]]:
    times, values = [], []
    for chunk in store.his_chunks(id):
        times += chunk.times
        values += chunk.vals
    return times, values


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_kill_9_on_a_database(sql_store: OrmAdapter, tmp_path: Path) -> None:
    check(sql_store, tmp_path, DATABASE_URL=url_of(sql_store.using))


def test_kill_9_on_redis(redis_store: RedisAdapter, tmp_path: Path) -> None:
    where = redis_store.server.url, redis_store.keys.prefix
    check(redis_store, tmp_path, *where)
