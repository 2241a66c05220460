"""Processes that are killed while they write leave a whole store."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from haystack_app.kinds import Number
from haystack_app.storage.redis import RedisAdapter
from tests.forks import Forked
from tests.patience import eventually
from tests.storage.redis.worker import SHARED

ROUNDS, AT_ONCE = 7, 3


class Worker:
    """A process that writes to the store, and a file of what it told."""

    def __init__(self, store: RedisAdapter, number: int, folder: Path) -> None:
        where = [store.server.url, store.keys.prefix]
        modules = str(int(bool(store.server.modules)))
        self.told = Path(tempfile.mkstemp(dir=folder)[1])
        self.process = Forked(
            ["-m", "tests.storage.redis.worker", *where, modules, str(number)],
            os.environ,
            self.told,
            folder / "errors",
        )

    def begins(self) -> None:
        eventually(lambda: self.told.read_text().startswith("{}\n"), "it begins")

    def acknowledged(self) -> dict[str, Any]:
        """The last of each kind; a line that the kill cut off does not count."""
        found: dict[str, Any] = {}
        for line in self.told.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                found |= json.loads(line)
        return found


def samples(store: RedisAdapter) -> list[int]:
    """How many each has written."""
    points = store.read_by_ids([f"p{number}" for number in range(AT_ONCE)])
    sizes = [(point or {}).get("hisSize", Number(0)) for point in points]
    return [int(size.val) for size in sizes]


def test_kill_9_under_load(redis_store: RedisAdapter, tmp_path: Path) -> None:
    """21 kills: nothing that was acknowledged is lost, nothing is half there."""
    store, dice = redis_store, random.Random(9)
    last: dict[int, dict[str, Any]] = {number: {} for number in range(AT_ONCE)}
    for _ in range(ROUNDS):
        workers = [Worker(store, number, tmp_path) for number in range(AT_ONCE)]
        for worker in workers:
            worker.begins()
        before = samples(store)
        eventually(
            lambda before=before: all(
                now >= then + 60
                for now, then in zip(samples(store), before, strict=True)
            ),
            "each has done all that it does",
        )
        time.sleep(dice.random())
        for worker in workers:
            worker.process.kill()
            assert worker.process.wait() == -9
        words = set()
        for number, worker in enumerate(workers):
            last[number] |= worker.acknowledged()
            words.add(last[number].get("word"))
        check(store, last, words)
    assert all(facts["samples"] > 100 and facts["level"] > 1 for facts in last.values())


def check(
    store: RedisAdapter, last: dict[int, dict[str, Any]], words: set[Any]
) -> None:
    assert store.differences() == []
    found = {record["word"] for record in store.read("word")}
    assert len(found) == 1, "a batch is there in part"
    assert len(store.read("word")) == len(SHARED)
    for number, facts in last.items():
        record = store.existing(f"p{number}")
        times = [time for time, _ in store.his_read(f"p{number}").pairs()]
        assert times == [second * 1_000_000 for second in range(len(times))]
        assert len(times) >= facts.get("samples", 0)
        assert len(times) % 30 == 0, "a batch is there in part"
        assert record["hisSize"] == Number(len(times))
        if "level" in facts:
            assert record["writeVal"].val >= facts["level"]
            array = store.point_array(f"p{number}", dt.datetime.now(dt.UTC))
            assert array[8].val == record["writeVal"]
    changes = store.changes_of(SHARED[0], 1_000_000)
    logged = {
        one.get("word") for change in changes for one in (change.before, change.after)
    }
    assert words <= logged | found | {None}
