"""What a write of samples costs where they are in a database of their own.

    python -m tests.bench.two_databases

Writes to points in turn, to one database and to two of them: entities in PostgreSQL,
samples in TimescaleDB (``POSTGRES_DSN`` and ``TIMESCALE_DSN``).
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from .scratch import _server_database, _set_up

POINTS = 20
ROUNDS = 200
SIZES = (1, 1_000)


def main() -> None:
    with ExitStack() as exits:
        folder = exits.enter_context(TemporaryDirectory(prefix="haystack-bench-"))
        entities = exits.enter_context(_server_database("postgres", keep=False))
        samples = exits.enter_context(_server_database("timescale", keep=False))
        urls = {"DATABASE_URL": _url(entities), "HISTORY_DATABASE_URL": _url(samples)}
        _set_up(folder, **urls)
        exits.callback(_disconnect)
        _measure()


def _url(conninfo: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    at: dict[str, Any] = conninfo_to_dict(conninfo)
    login = ":".join(filter(None, (at.get("user"), at.get("password"))))
    return f"postgresql://{login}@{at['host']}:{at['port']}/{at['dbname']}"


def _disconnect() -> None:
    from django.db import connections

    for alias in connections:
        connections[alias].close()
        if hasattr(connections[alias], "close_pool"):
            connections[alias].close_pool()


def _measure() -> None:
    from haystack_app.kinds import MARKER, DateTime, Number, Ref
    from haystack_app.kinds.series import instant_of
    from haystack_app.storage.orm import OrmAdapter

    tags = {"point": MARKER, "his": MARKER, "kind": "Number", "tz": "UTC"}
    stores = {
        "PostgreSQL": (OrmAdapter(), "a"),
        "TimescaleDB": (OrmAdapter(using="history"), "b"),
        "entities in PostgreSQL, samples in TimescaleDB": (
            OrmAdapter(history="history"),
            "c",
        ),
    }
    for store, prefix in stores.values():
        store.load_entities(
            [{"id": Ref(f"{prefix}{number}"), **tags} for number in range(POINTS)]
        )
    at = 1_760_000_000
    for size in SIZES:
        times: dict[str, list[float]] = {name: [] for name in stores}
        for number in range(ROUNDS):
            at += size
            rows = [
                (DateTime(instant_of((at + n) * 1_000_000), "UTC"), Number(n))
                for n in range(size)
            ]
            for name, (store, prefix) in stores.items():
                begin = time.perf_counter()
                store.his_write(f"{prefix}{number % POINTS}", rows)
                times[name].append(time.perf_counter() - begin)
        for name, found in times.items():
            slow = sorted(found)[int(len(found) * 0.95)]
            print(
                f"{size:5,} samples  {median(found) * 1_000:6.2f} ms"
                f"  p95 {slow * 1_000:6.2f} ms  {name}"
            )


if __name__ == "__main__":
    main()
