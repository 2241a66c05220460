"""A process that writes to a Redis store until it is killed.

    python -m tests.storage.redis.worker URL PREFIX MODULES NUMBER

prints a line of JSON for each write that the store has acknowledged.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from itertools import count

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from haystack_app.kinds import MARKER, DateTime, Number, Ref  # noqa: E402
from haystack_app.kinds.series import EPOCH, microseconds_of  # noqa: E402
from haystack_app.storage.redis import RedisAdapter, locks  # noqa: E402

SHARED = [f"e{number}" for number in range(10)]
"""Entities that every worker writes, all in one commit."""


def acknowledge(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def work(store: RedisAdapter, number: int) -> None:
    own = f"p{number}"
    tags = {"point": MARKER, "his": MARKER, "tz": "UTC", "kind": "Number"}
    if store.read_by_ids([own]) == [None]:
        store.load_entities([{"id": Ref(own), "writable": MARKER, **tags}])
    record = store.existing(own)
    end = record.get("hisEnd")
    first = 0 if end is None else microseconds_of(end.utc) // 1_000_000 + 1
    for turn in count():
        at = [EPOCH + dt.timedelta(seconds=first + 30 * turn + n) for n in range(30)]
        store.his_write(own, [(DateTime(one), Number(n)) for n, one in enumerate(at)])
        acknowledge(samples=first + 30 * turn + 30)
        word = f"{number}-{os.getpid()}-{turn}"
        rows = [{"id": Ref(id), "word": word, "byRef": Ref(own)} for id in SHARED]
        store.load_entities(rows)
        acknowledge(word=word)
        # made, written to and taken away again
        passing = f"x{number}"
        store.load_entities([{"id": Ref(passing), **tags}])
        store.his_write(passing, [(DateTime(one), Number(1)) for one in at])
        store.commit([], remove=[passing])
        level = first + 30 * turn  # it grows, from one process to the next as well
        ends = at[0] + dt.timedelta(days=40_000)
        store.point_write(own, 8, Number(level), "me", ends)
        acknowledge(level=level)


if __name__ == "__main__":
    locks.LEASE_SECONDS = 0.5
    url, prefix, modules, number = sys.argv[1:]
    print("{}", flush=True)
    work(RedisAdapter(url=url, prefix=prefix, modules=modules == "1"), int(number))
