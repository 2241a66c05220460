"""Measure the evaluator of alarms: points that send a value each quarter of an hour.

    python -m tests.bench.alarms --points 100000 --rules 2000 --seconds 60

Each second so many points send a value that ``--every`` seconds, 900, reach all of
them; the evaluator does a round each two seconds. What counts is its CPU by second of time, besides surveys,
which take a hundredth of the time, however much there is. The CPU of a server of a
database is not in it.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime as dt
import pstats
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import scratch

if TYPE_CHECKING:
    from haystack_app.alarms.evaluator import Evaluator

_SPARE = 10
"""Samples of each point before."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--store", choices=scratch.STORES, default="sqlite")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rules", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60, help="rounds")
    parser.add_argument("--every", type=int, default=900, help="seconds of a value")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with scratch.database(options.store):
        measure(options)


def measure(options: argparse.Namespace) -> None:
    from haystack_app.alarms.evaluator import Evaluator
    from haystack_app.models import Alarm
    from haystack_app.storage.handler import storages

    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    ids = fill(options.points, options.rules, now)
    evaluator = Evaluator(storages["default"])
    wall, cpu = time.monotonic(), time.process_time()
    evaluator.round(now)
    print(
        f"survey of {options.rules:,} rules and {options.points:,} points:"
        f" {time.monotonic() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU"
    )
    evaluator._next_survey = float("inf")  # a hundredth of the time, apart from this
    with profiled() if options.profile else unprofiled():
        used = follow(evaluator, ids, now, options)
    share = 100 * used / options.seconds
    print(
        f"{options.seconds} s with {len(ids) // options.every} values each:"
        f" {used:.2f} s of CPU, {share:.1f} % of a core; with surveys at most"
        f" {share + 1:.1f} %; {Alarm.objects.count():,} alarms"
    )


def follow(
    evaluator: Evaluator,
    ids: Sequence[str],
    now: dt.datetime,
    options: argparse.Namespace,
) -> float:
    """Seconds of CPU of the evaluator, for so many seconds of values."""
    from haystack_app.alarms import news
    from haystack_app.kinds import DateTime, Number
    from haystack_app.storage.signals import samples_written

    samples_written.connect(news.collect)
    each = max(1, len(ids) // options.every)
    used = 0.0
    rng = random.Random(1)
    for second in range(1, options.seconds + 1):
        at = now + dt.timedelta(seconds=second)
        part = [ids[(second * each + n) % len(ids)] for n in range(each)]
        rows = {
            id: [(DateTime(at, "UTC"), Number(rng.uniform(15, 26), "°C"))]
            for id in part
        }
        evaluator.store.his_write_all(rows, at)
        cpu = time.process_time()
        news.flush(frozenset({"default"}))
        if second % 2 == 0:  # as the job does
            evaluator.round(at)
        used += time.process_time() - cpu
    return used


def fill(points: int, rules: int, now: dt.datetime) -> list[str]:
    """Points in groups, a rule for each group: most compare a value or an average."""
    from haystack_app.kinds import MARKER, DateTime, Number, Ref
    from haystack_app.models import AlarmRule
    from haystack_app.storage.handler import storages

    store = storages["default"]
    ids = [f"p{n}" for n in range(points)]
    shared = {"point": MARKER, "his": MARKER, "sensor": MARKER, "tz": "UTC"}
    shared |= {"kind": "Number", "unit": "°C", "hisStaleTime": Number(45, "min")}
    rows = [
        {"id": Ref(id), **shared, "group": Number(n % rules)}
        for n, id in enumerate(ids)
    ]
    for at in range(0, points, 5_000):
        store.load_entities(rows[at : at + 5_000])
    times = [
        DateTime(now - dt.timedelta(minutes=15 * n), "UTC") for n in range(1, _SPARE)
    ]
    for at in range(0, points, 1_000):
        values = {
            id: [(ts, Number(20, "°C")) for ts in times] for id in ids[at : at + 1_000]
        }
        store.his_write_all(values, now)
    AlarmRule.objects.bulk_create(
        AlarmRule(
            name=f"r{n}", filter=f"group == {n}", enabled=True, **_CONDITIONS[n % 4]
        )
        for n in range(rules)
    )
    return ids


_CONDITIONS: Sequence[dict[str, Any]] = (
    {"value": "25°C", "hysteresis": 1},
    {"value": "25°C", "delay_seconds": 1_800},
    {"measure": "avg", "window_seconds": 3_600, "value": "24°C"},
    {"measure": "age", "value": "1h"},
)


@contextmanager
def profiled() -> Iterator[None]:
    profile = cProfile.Profile()
    profile.enable()
    yield
    profile.disable()
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


@contextmanager
def unprofiled() -> Iterator[None]:
    yield


if __name__ == "__main__":
    main()
