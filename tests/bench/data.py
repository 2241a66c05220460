"""What is measured against: replicated campuses, and histories made by SQL."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction

from haystack_app.demo import entities
from haystack_app.models import HisSample
from haystack_app.sql.tables import ENTITIES, ENTITY_REF, HISTORY, TAG_SETS
from haystack_app.storage.handler import storages

__all__ = [
    "STEP",
    "Building",
    "History",
    "add_entities",
    "add_histories",
    "analyze",
    "build_entities",
    "build_histories",
    "insert_samples",
    "remove_samples",
]

Tags = dict[str, Any]

START = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
STEP = dt.timedelta(minutes=15)
FINE_STEP = dt.timedelta(minutes=1)
A_POINT = 100_000
"""Samples of an ordinary point; the long one has ten times as many."""


@dataclass(slots=True)
class Building:
    """The entities that were stored; ``sample`` holds one copy's records."""

    stored: int = 0
    copies: int = 0
    sample: list[Tags] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    sites: int = 0
    seconds: float = 0.0


def build_entities(wanted: int) -> Building:
    """Store whole copies until there are as many entities as wanted."""
    found = Building()
    add_entities(found, wanted)
    return found


def add_entities(found: Building, wanted: int) -> None:
    """Store more copies until there are as many entities as wanted."""
    while found.stored < wanted:
        records = [dict(record) for record in entities(copy=found.copies)]
        start = time.perf_counter()
        storages["default"].load_entities(records)
        found.seconds += time.perf_counter() - start
        found.stored += len(records)
        found.copies += 1
        found.sites += sum("site" in record for record in records)
        found.points += [record["id"].id for record in records if _numeric(record)]
        if wanted / 2 <= found.stored and not found.sample:
            found.sample = records  # from the middle of the table
    analyze(ENTITIES, ENTITY_REF, TAG_SETS)


def _numeric(record: Tags) -> bool:
    return (
        "point" in record
        and "his" in record
        and record.get("kind") == "Number"
        and "unit" in record
        and "tz" in record
    )


@dataclass(slots=True)
class History:
    """Which points have how many samples."""

    long: str
    """Has ``long_count`` samples, one a minute."""
    long_count: int
    points: list[str]
    """Each has ``count`` samples, one a quarter of an hour."""
    count: int
    empty: list[str]
    """Points without samples, to write to."""
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.long_count + len(self.points) * self.count

    @property
    def long_end(self) -> dt.datetime:
        return START + FINE_STEP * self.long_count

    def span(self, samples: int) -> tuple[dt.datetime, dt.datetime]:
        """Bounds around some samples in the middle of an ordinary point's."""
        samples = min(samples, self.count)
        start = START + STEP * ((self.count - samples) // 2)
        return start, start + STEP * samples

    def blocks(self, samples: int, blocks: int) -> list[list[dt.datetime]]:
        """Times of successive writes, where other points have samples already."""
        step = STEP / 3
        if step * samples * blocks > STEP * self.count:
            raise ValueError("no room to write to: ask for more samples")
        return [
            [START + step * (block * samples + index) for index in range(samples)]
            for block in range(blocks)
        ]


def build_histories(building: Building, wanted: int) -> History:
    """About ``wanted`` samples by INSERT .. SELECT, one point after the other."""
    long_count = min(10 * A_POINT, wanted // 2)
    count = min(A_POINT, wanted - long_count)
    ordinary = (wanted - long_count) // count
    ids = building.points[: 2 * (ordinary + 3)][::2]
    history = History(ids[0], long_count, ids[3:], count, ids[1:3])
    start = time.perf_counter()
    insert_samples(history.long, FINE_STEP, long_count)
    for id in history.points:
        insert_samples(id, STEP, count)
    history.seconds = time.perf_counter() - start
    analyze(HISTORY)
    return history


def add_histories(building: Building, history: History, wanted: int) -> None:
    """Samples of more points, each as many as the others have, until ``wanted``."""
    ids = building.points[2 * (3 + len(history.points)) :: 2]
    for id in ids[: max(0, -(-(wanted - history.total) // history.count))]:
        insert_samples(id, STEP, history.count)
        history.points.append(id)
    analyze(HISTORY)


def remove_samples(ids: list[str]) -> None:
    HisSample.objects.filter(point_id__in=ids)._raw_delete(DEFAULT_DB_ALIAS)


def insert_samples(id: str, step: dt.timedelta, count: int) -> None:
    seconds = int(step.total_seconds())
    value = "70 + (n * 7919 %% 1000) / 100.0"
    if connection.vendor == "postgresql":
        query = (
            "INSERT INTO history (point_id, ts, val)"
            f" SELECT %s, to_timestamp(%s + n * {seconds}), {value}"
            " FROM generate_series(0, %s::bigint) AS n"
        )
    else:
        query = (
            "WITH RECURSIVE series(n) AS ("
            " VALUES (0) UNION ALL SELECT n + 1 FROM series WHERE n < %s)"
            " INSERT INTO history (point_id, ts, val)"
            f" SELECT %s, datetime(%s + n * {seconds}, 'unixepoch'), {value} FROM series"
        )
    params: list[Any] = [id, int(START.timestamp()), count - 1]
    if connection.vendor != "postgresql":
        params = [count - 1, id, int(START.timestamp())]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, params)


def analyze(*tables: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"VACUUM ANALYZE {', '.join(tables)}")
        else:
            cursor.execute("ANALYZE")
