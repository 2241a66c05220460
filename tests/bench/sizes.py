"""Bytes of a sample in each store: ``python -m tests.bench.sizes --store redis``.

Points get their samples in turn, each a quarter of an hour after the one before, in
batches of a day: an index grows in as many places as there are points.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .scratch import STORES, database

_START = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
_STEP = dt.timedelta(minutes=15)
_POINTS = 100
_DAY = 96


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizes")
    parser.add_argument("--store", choices=[*STORES, "redis", "memory"], required=True)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--id", type=int, default=20, help="characters of each id")
    asked = parser.parse_args()
    sql = asked.store if asked.store in STORES else "sqlite"
    with database(sql):
        ids = [f"p{n}".ljust(asked.id, "-") for n in range(_POINTS)]
        before = _bytes(store := _store(asked.store, ids))
        count = 0
        for id, day in _days(ids, asked.samples):
            store.his_write(id, day)
            count += len(day)
        name = f"{asked.store}, ids of {asked.id}"
        _print(f"{name}, {count:,} samples", _bytes(store) - before, count)
        if asked.store in ("postgres", "timescale"):
            _rebuild_indexes()
            _print(f"{name}, indexes rebuilt", _bytes(store) - before, count)


def _print(name: str, size: int, count: int) -> None:
    print(f"{name}: {size:,} bytes, {size / count:.0f} each", flush=True)


def _store(name: str, ids: list[str]) -> Any:
    from haystack_app.kinds import MARKER, Ref
    from haystack_app.storage.handler import storages
    from haystack_app.storage.memory import InMemoryAdapter

    alias = "redis" if name == "redis" else "default"
    store: Any = InMemoryAdapter() if name == "memory" else storages[alias]
    marks = {"point": MARKER, "his": MARKER, "kind": "Number", "tz": "UTC"}
    store.load_entities({"id": Ref(id), **marks} for id in ids)
    return store


def _days(ids: list[str], wanted: int) -> Iterator[tuple[str, list[Any]]]:
    from haystack_app.kinds import DateTime, Number

    for day in range(wanted // (_POINTS * _DAY)):
        first = _START + day * _DAY * _STEP
        times = [DateTime(first + _STEP * n, "UTC") for n in range(_DAY)]
        for point, id in enumerate(ids):
            at = day * _DAY + point
            values = (Number(70 + (at + n) * 7919 % 1000 / 100) for n in range(_DAY))
            yield id, list(zip(times, values, strict=True))


def _bytes(store: Any) -> int:
    """Of the histories, or of the whole store where these are not known."""
    from django.db import connection

    from haystack_app.monitoring.stores import store_facts
    from haystack_app.sql.tables import HISTORY
    from haystack_app.storage.memory import InMemoryAdapter
    from haystack_app.storage.redis import RedisAdapter

    if isinstance(store, InMemoryAdapter):
        return _resident()
    if isinstance(store, RedisAdapter):
        redis: Any = store.server.redis
        keys = redis.scan_iter(f"*{os.environ['BENCH_PREFIX']}*", count=1_000)
        return sum(redis.memory_usage(key, samples=0) or 0 for key in keys)
    if connection.vendor == "postgresql":
        return store_facts(store).tables[HISTORY]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(connection.settings_dict["NAME"]).stat().st_size


def _resident() -> int:
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) * 1024


def _rebuild_indexes() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'history'::regclass"
        )
        for table in [name for (name,) in cursor.fetchall()] or ["history"]:
            cursor.execute(f"REINDEX TABLE {table}")


if __name__ == "__main__":
    main()
