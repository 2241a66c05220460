"""Points of demo campuses, and their samples up to now.

Points of a zone and a unit have the same samples, so that the server itself computes
the facts and the folds of one of them, and a statement copies them to the others.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection

from haystack_app.kinds.transient import HIS_FACTS
from haystack_app.models import Entity, FoldMark, FoldPart, FoldPoint
from haystack_app.sql.tables import ENTITIES, FOLD_PARTS, HISTORY
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import transient
from tests.bench.data import Building, add_entities, analyze, build_entities

from .plan import Plan

__all__ = ["Filled", "fill"]

_STEP = 900
_DAY = 96
_YEAR = 366 * _DAY
_SOME = 2_000
_Kind = tuple[str, str]
"""Zone and unit of a point."""


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
    kinds = _kinds(ids)
    groups = list(_groups(plan, kinds))
    found = Filled(building.stored, groups, charted, _equips(building), ids)
    for some, count in ((charted, _YEAR), (sorted({*ids} - {*charted}), _DAY)):
        for part in _parts(some):
            found.samples += _insert(part, now, count)
        _derive(some, kinds)
    analyze(ENTITIES, HISTORY, FOLD_PARTS)
    return found


def _equips(building: Building) -> list[str]:
    return [one["id"].id for one in building.sample if "equip" in one]


def _kinds(ids: list[str]) -> dict[str, _Kind]:
    kinds: dict[str, _Kind] = {}
    for some in _parts(ids):
        for record in storages["default"].read_by_ids(some):
            assert record is not None
            kinds[record["id"].id] = record["tz"], record["unit"]
    return kinds


def _groups(
    plan: Plan, kinds: dict[str, _Kind]
) -> Iterator[tuple[str, dict[str, str]]]:
    zones: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for id, (tz, unit) in kinds.items():
        zones[tz].append((id, unit))
    size = plan.per_gateway
    for tz, some in zones.items():
        for at in range(0, len(some), size):
            yield tz, dict(some[at : at + size])


# -- samples --------------------------------------------------------------------


def _insert(ids: Sequence[str], now: dt.datetime, count: int) -> int:
    """The same samples for all, in the order in which they would have come."""
    last = int(now.timestamp()) // _STEP * _STEP
    value = "70 + (n * 7919 %% 1000) / 100.0"
    if connection.vendor == "postgresql":
        query = (
            f"INSERT INTO {HISTORY} (point_id, ts, val)"
            f" SELECT id, to_timestamp(%s - n * {_STEP}), {value}"
            " FROM generate_series(%s, 1, -1) AS n, unnest(%s::text[]) AS id"
            " ORDER BY n DESC"
        )
        params: list[Any] = [last, count, list(ids)]
    else:
        query = (
            "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series"
            f" WHERE n < %s) INSERT INTO {HISTORY} (point_id, ts, val) SELECT id.value,"
            f" strftime('%%Y-%%m-%%d %%H:%%M:%%S', %s - n * {_STEP}, 'unixepoch'),"
            f" {value} FROM series, json_each(%s) AS id ORDER BY n DESC"
        )
        params = [count, last, orjson.dumps(list(ids)).decode()]
    with connection.cursor() as cursor:
        cursor.execute(query, params)
    return count * len(ids)


# -- what is derived from them --------------------------------------------------


def _derive(ids: Sequence[str], kinds: dict[str, _Kind]) -> None:
    """Facts and folds, of points that have the same samples."""
    alike: dict[_Kind, list[str]] = defaultdict(list)
    of_zone: dict[str, list[str]] = defaultdict(list)
    for id in ids:
        alike[kinds[id]].append(id)
        of_zone[kinds[id][0]].append(id)
    store = storages["default"]
    firsts = [some[0] for some in alike.values()]
    store.his_recount(firsts)
    for first, *others in alike.values():
        _copy_facts(first, others)
    marks = FoldMark.objects.exclude(
        point_id__in=[some[0] for some in of_zone.values()]
    )
    marks._raw_delete(DEFAULT_DB_ALIAS)
    while store.fold_dirty(10_000):
        continue
    for first, *others in of_zone.values():
        _copy_folds(first, others)


def _copy_facts(first: str, others: Sequence[str]) -> None:
    cur = orjson.loads(Entity.rows.values_list("cur", flat=True).get(id=first))
    facts = orjson.dumps({name: cur[name] for name in HIS_FACTS}).decode()
    for some in _parts(others):
        transient.update(connection, dict.fromkeys(some, facts))


def _copy_folds(first: str, others: Sequence[str]) -> None:
    point = FoldPoint.objects.get(point_id=first)
    columns = ", ".join(
        connection.ops.quote_name(one.column)
        for one in FoldPart._meta.concrete_fields
        if one.column != "point_id"
    )
    values = "json_array_elements_text(%s::json) AS id(value)"
    if connection.vendor == "sqlite":
        values = "json_each(%s) AS id"
    query = (
        f"INSERT INTO {FOLD_PARTS} (point_id, {columns})"
        f" SELECT id.value, {columns} FROM {FOLD_PARTS}, {values} WHERE point_id = %s"
    )
    for some in _parts(others):
        FoldPoint.objects.bulk_create(
            FoldPoint(point_id=id, zone=point.zone, hourly=point.hourly) for id in some
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [orjson.dumps(some).decode(), first])


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _SOME):
        yield ids[at : at + _SOME]
