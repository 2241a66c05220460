"""Points of demo campuses, and their samples up to now."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection

from haystack_app.storage.handler import storages
from tests.bench.data import Building, add_entities, analyze, build_entities

from .plan import Plan

__all__ = ["Filled", "fill"]

_STEP = 900
_DAY = 96
_YEAR = 366 * _DAY
_SOME = 2_000


@dataclass(slots=True)
class Filled:
    """``groups`` are points of a zone, with their units; ``samples`` are stored."""

    entities: int
    groups: list[tuple[str, dict[str, str]]]
    charted: list[str]
    equips: list[str]
    points: list[str]
    samples: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of tables with their indexes."""


def fill(plan: Plan, now: dt.datetime) -> Filled:
    building = build_entities(1)
    ratio = building.stored / len(building.points)
    add_entities(building, math.ceil(plan.stored * ratio))
    ids = building.points[: plan.stored]
    charted = ids[:: max(1, len(ids) // plan.charted)][: plan.charted]
    found = Filled(building.stored, _groups(plan, ids), charted, _equips(building), ids)
    found.samples = _insert(charted, now, _YEAR)
    others = sorted({*ids} - {*charted})
    for at in range(0, len(others), _SOME):
        found.samples += _insert(others[at : at + _SOME], now, _DAY)
    analyze("history")
    call_command("haystack_check", repair=True, stdout=StringIO())
    store = storages["default"]
    while store.fold_dirty(10_000):
        continue
    analyze("history", "haystack_fold_parts")
    return found


def _equips(building: Building) -> list[str]:
    return [one["id"].id for one in building.sample if "equip" in one]


def _groups(plan: Plan, ids: list[str]) -> list[tuple[str, dict[str, str]]]:
    zones: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for at in range(0, len(ids), _SOME):
        for record in storages["default"].read_by_ids(ids[at : at + _SOME]):
            assert record is not None
            zones[record["tz"]].append((record["id"].id, record["unit"]))
    size = plan.per_gateway
    return [
        (tz, dict(some[at : at + size]))
        for tz, some in zones.items()
        for at in range(0, len(some), size)
    ]


def _insert(ids: list[str], now: dt.datetime, count: int) -> int:
    last = int(now.timestamp()) // _STEP * _STEP
    value = "70 + ((n * 7919 + length(id)) %% 1000) / 100.0"
    if connection.vendor == "postgresql":
        query = (
            "INSERT INTO history (point_id, ts, val)"
            f" SELECT id, to_timestamp(%s - n * {_STEP}), {value}"
            " FROM unnest(%s::text[]) AS id, generate_series(1, %s) AS n"
        )
        params: list[Any] = [last, ids, count]
    else:
        query = (
            "WITH RECURSIVE series(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM series"
            " WHERE n < %s) INSERT INTO history (point_id, ts, val) SELECT id,"
            f" strftime('%%Y-%%m-%%d %%H:%%M:%%S', %s - n * {_STEP}, 'unixepoch'),"
            f" {value} FROM entities, series WHERE id IN"
            f" ({', '.join(['%s'] * len(ids))})"
        )
        params = [count, last, *ids]
    with connection.cursor() as cursor:
        cursor.execute(query, params)
    return count * len(ids)
