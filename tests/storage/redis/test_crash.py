"""Processes that are killed while they write leave a whole store."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
import time
from typing import Any

from haystack_app.kinds import Number
from haystack_app.storage.redis import RedisAdapter
from tests.patience import PATIENCE, eventually
from tests.storage.redis.worker import SHARED

ROUNDS, AT_ONCE = 7, 3


def start(store: RedisAdapter, number: int) -> subprocess.Popen[str]:
    where = [store.server.url, store.keys.prefix]
    modules = str(int(bool(store.server.modules)))
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.storage.redis.worker",
            *where,
            modules,
            str(number),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def acknowledged(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The last of each kind; a line that the kill cut off does not count."""
    assert process.stdout
    found: dict[str, Any] = {}
    with process.stdout as lines:
        for line in lines:
            if line.endswith("\n"):
                found |= json.loads(line)
    return found


def samples(store: RedisAdapter) -> list[int]:
    """How many each has written."""
    points = store.read_by_ids([f"p{number}" for number in range(AT_ONCE)])
    sizes = [(point or {}).get("hisSize", Number(0)) for point in points]
    return [int(size.val) for size in sizes]


def test_kill_9_under_load(redis_store: RedisAdapter) -> None:
    """21 kills: nothing that was acknowledged is lost, nothing is half there."""
    store, dice = redis_store, random.Random(9)
    last: dict[int, dict[str, Any]] = {number: {} for number in range(AT_ONCE)}
    for _ in range(ROUNDS):
        processes = [start(store, number) for number in range(AT_ONCE)]
        for process in processes:
            assert process.stdout and process.stdout.readline() == "{}\n"
        before = samples(store)
        eventually(
            lambda before=before: all(
                now >= then + 60
                for now, then in zip(samples(store), before, strict=True)
            ),
            "each has done all that it does",
        )
        time.sleep(dice.random())
        for process in processes:
            process.kill()
            assert process.wait(PATIENCE) == -9
        words = set()
        for number, process in enumerate(processes):
            last[number] |= acknowledged(process)
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
