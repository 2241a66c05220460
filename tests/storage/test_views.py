"""Views for SQL: points, samples and roll-ups, of everything or of one group."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, NA, Coord, DateTime, Number, Ref
from haystack_app.kinds.series import microseconds_of
from haystack_app.models import GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.views import create_views, drop_views, view_names
from tests.commands.conftest import Run, run
from tests.storage.building import HOUR, at, entity, numbers, point

__all__ = ["run"]

DAY = "2024-03-10"  # of 23 hours in New_York
START = at(f"{DAY} 00:00")


def fill(store: StorageAdapter) -> None:
    rows = [
        entity("a", site=MARKER),
        entity("b", site=MARKER, region="no'rth %s"),
        point(
            *("t",),
            dis="Temp",
            unit="°F",
            siteRef=Ref("a"),
            equipRef=Ref("ahu"),
            sensor=MARKER,
            curVal=Number(71.5, "°F"),
            curStatus="ok",
        ),
        point("on", kind="Bool", siteRef=Ref("a"), curVal=True),
        point("s", kind="Str", siteRef=Ref("b"), curVal="auto", dis=Number(5)),
        point("c", kind="Coord", siteRef=[Ref("b")]),
        point("kwh", tz="Asia/Kolkata", unit="kWh", hisMode="consumption"),
        point("gone", trash=MARKER),
    ]
    store.load_entities(rows, replace=True)
    hours = [DateTime(START.utc + n * HOUR, START.tz) for n in range(4)]
    values: dict[str, list[Any]] = {
        "t": [Number(1), Number(math.nan), NA, Number(math.inf)],
        "on": [True, False, NA, True],
        "s": ["x", "", NA, "y"],
        "c": [Coord(37.5, -77.25), NA, NA, NA],
    }
    for id, own in values.items():
        store.his_write(id, list(zip(hours, own, strict=True)))
    store.his_write("kwh", numbers(25, at(f"{DAY} 00:00", "Kolkata")))


@pytest.fixture
def filled(sql_store: OrmAdapter) -> Iterator[OrmAdapter]:
    fill(sql_store)
    yield sql_store


def rows(store: OrmAdapter, query: str) -> list[Any]:
    with connections[store.using].cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def is_postgres(store: OrmAdapter) -> bool:
    return bool(connections[store.using].vendor == "postgresql")


def test_points(filled: OrmAdapter) -> None:
    create_views(filled.using)
    query = "SELECT id, dis, site, equip, kind, unit, tz, cur_val, cur_text, cur_status"
    found = rows(filled, f"{query} FROM haystack_points ORDER BY id")
    none = (None, None, None)
    assert found == [
        ("c", None, None, None, "Coord", None, "New_York", *none),
        ("kwh", None, None, None, "Number", "kWh", "Kolkata", *none),
        ("on", None, "a", None, "Bool", None, "New_York", 1, None, None),
        ("s", None, "b", None, "Str", None, "New_York", None, "auto", None),
        ("t", "Temp", "a", "ahu", "Number", "°F", "New_York", 71.5, None, "ok"),
    ]
    [(markers,)] = rows(filled, "SELECT markers FROM haystack_points WHERE id = 't'")
    expected = ["his", "point", "sensor"]
    if is_postgres(filled):
        assert markers == expected
    else:
        assert markers == '["his","point","sensor"]'


def test_samples(filled: OrmAdapter) -> None:
    create_views(filled.using)
    found = rows(
        filled,
        "SELECT id, val, text, unit FROM haystack_samples WHERE id <> 'kwh'"
        " ORDER BY id, ts",
    )
    by_id: dict[str, list[Any]] = {}
    for id, val, text, _ in found:
        by_id.setdefault(id, []).append(text if val is None else val)
    assert by_id["on"] == [1, 0, None, 1]
    assert by_id["s"] == ["x", "", None, "y"]
    assert by_id["c"] == ["C(37.5,-77.25)", None, None, None]
    first, nan, na, infinite = by_id["t"]
    assert (first, na, infinite) == (1, None, math.inf)
    assert nan == "NaN" or math.isnan(nan)
    assert {unit for id, _, _, unit in found if id == "t"} == {"°F"}


def test_local_times(filled: OrmAdapter) -> None:
    names = create_views(filled.using)
    if not is_postgres(filled):
        assert names == ["haystack_points", "haystack_samples"]
        return
    found = rows(
        filled,
        "SELECT id, local::text FROM haystack_samples WHERE id IN ('t', 'kwh')"
        " ORDER BY id DESC, ts LIMIT 5",
    )
    assert found == [
        ("t", f"{DAY} 00:00:00"),
        ("t", f"{DAY} 01:00:00"),
        ("t", f"{DAY} 03:00:00"),  # 02:00 does not exist
        ("t", f"{DAY} 04:00:00"),
        ("kwh", f"{DAY} 00:00:00"),
    ]


def test_roll_ups_by_day(filled: OrmAdapter) -> None:
    if "haystack_rollups" not in create_views(filled.using):
        assert not is_postgres(filled)
        return
    found = rows(
        filled,
        "SELECT id, day::text, count, avg, min, max, sum, unit FROM haystack_rollups"
        " WHERE id IN ('t', 'on', 'kwh') ORDER BY id, day",
    )
    assert found == [
        # the sample of 00:00 belongs to the day before
        ("kwh", "2024-03-09", 1, 0, 0, 0, 0, "kWh"),
        ("kwh", DAY, 24, 12.5, 1, 24, 300, "kWh"),
        ("on", DAY, 4, pytest.approx(2 / 3), 0, 1, 2, None),
        ("t", DAY, 4, 1, 1, 1, 1, "°F"),
    ]


def test_roll_ups_of_dropped_days(filled: OrmAdapter) -> None:
    """Dropping changes nothing, also of samples at midnight."""
    if not is_postgres(filled):
        pytest.skip("SQLite has no zones: the view is not there")
    halves = numbers(170, at("2024-03-08 00:00"), 12 * HOUR)
    for id, mode in (("m1", {"hisMode": "consumption"}), ("m2", {}), ("m3", {})):
        filled.load_entities([point(id, unit="kWh", **mode)])
        filled.his_write(id, halves)
    filled.his_write("m2", [(at("2024-03-09 00:00"), NA), (at("2024-03-09 05:00"), NA)])
    filled.his_write(
        "m3", [(at("2024-03-10 12:00"), Number(5e300)), (at("2024-03-10 13:00"), NA)]
    )
    create_views(filled.using)
    query = "SELECT * FROM haystack_rollups WHERE id LIKE 'm%%' ORDER BY id, day"
    before = rows(filled, query)
    assert len({day for _, _, day, *_ in before}) > 80
    for end in ("2024-03-10 00:00", "2024-03-11 00:00", "2024-05-01 00:00"):
        for held in filled.his_points(["m1", "m2", "m3"]):
            filled.his_drop(held, microseconds_of(at(end).utc))
        after = rows(filled, query)
        assert [row[:4] for row in after] == [row[:4] for row in before]
        assert repr(after) == repr(before)
    ids = rows(filled, "SELECT DISTINCT id FROM haystack_samples WHERE id LIKE 'm%%'")
    assert len(ids) == 3


def test_values_that_plain_sql_wrote(filled: OrmAdapter) -> None:
    """Nothing that a row may contain is an error of the view."""
    create_views(filled.using)
    cast = "::jsonb" if is_postgres(filled) else ""
    odd = '{"point": 5, "kind": {"_kind": "number", "val": "x"}, "siteRef": "a"}'
    cur = '{"curVal": {"_kind": "number", "val": "many"}, "curStatus": [1]}'
    with connections[filled.using].cursor() as cursor:
        cursor.execute(
            "INSERT INTO entities (id, tags, cur, tag_set_id, mod, version)"
            f" VALUES ('odd', %s{cast}, %s{cast}, 0, '2024-01-01', 1)",
            [odd, cur],
        )
    [found] = rows(
        filled,
        "SELECT kind, site, tz, cur_text, cur_status FROM haystack_points"
        " WHERE id = 'odd'",
    )
    assert found == (None, None, None, None, None)


SCOPES = [
    ("siteRef == @a", ["on", "t"]),
    ('siteRef->region == "no\'rth %s"', ["c", "s"]),
    ("point and not siteRef and unit", ["kwh"]),
    ("siteRef == @a and never", []),
    ("^point and curVal", ["on", "s", "t"]),
]


@pytest.mark.parametrize(("scope", "ids"), SCOPES)
def test_views_of_a_group(filled: OrmAdapter, scope: str, ids: list[str]) -> None:
    tree = filled.parsed(parse(scope))
    names = create_views(filled.using, "North 1", tree)
    assert names[0] == "haystack_points_north_1"
    found = rows(filled, "SELECT id FROM haystack_points_north_1 ORDER BY id")
    assert [id for (id,) in found] == ids
    held = sorted(record["id"].id for record in filled.visible_to(tree).read("point"))
    assert [id for id in held if id != "gone"] == ids
    samples = rows(filled, "SELECT DISTINCT id FROM haystack_samples_north_1")
    assert sorted(id for (id,) in samples) == [id for id in ids if id != "none"]


def test_views_follow_the_tables(filled: OrmAdapter) -> None:
    create_views(filled.using)
    filled.load_entities([point("new")])
    assert ("new",) in rows(filled, "SELECT id FROM haystack_points")
    create_views(filled.using)  # again
    held = drop_views(filled.using)
    assert held[-2:] == ["haystack_samples", "haystack_points"]
    assert drop_views(filled.using) == []
    vendor = connections[filled.using]
    with vendor.cursor() as cursor:
        tables = vendor.introspection.get_table_list(cursor)
    assert not {it.name for it in tables} & set(view_names().values())


# -- the command -------------------------------------------------------------------


def test_the_command(run: Run) -> None:
    out = run("haystack_views")
    assert out == "made: haystack_points, haystack_samples\n"
    out = run("haystack_views", "--drop")
    assert out == "dropped: haystack_samples, haystack_points\n"
    assert run("haystack_views", "--drop") == "no views\n"
    run("haystack_views")
    with pytest.raises(CommandError, match="not both of them"):
        run("haystack_views", "--drop", "--grant", "x")
    assert run("haystack_views", "--drop").startswith("dropped: ")


def test_groups_of_the_command(run: Run) -> None:
    fill(OrmAdapter())
    group = Group.objects.create(name="north")
    with pytest.raises(CommandError, match="'north' has no filter"):
        run("haystack_views", "--group", "north")
    GroupScope.objects.create(group=group, filter="siteRef == @a")
    out = run("haystack_views", "--group", "north")
    assert out == "made: haystack_points_north, haystack_samples_north\n"
    store = OrmAdapter()
    found = rows(store, "SELECT DISTINCT id FROM haystack_samples_north ORDER BY id")
    assert found == [("on",), ("t",)]
    Group.objects.create(name="North!")
    with pytest.raises(CommandError, match="would have the names of those of 'North!'"):
        run("haystack_views", "--group", "north")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--group", "none"], "unknown group 'none'"),
        (["--grant", "someone"], "SQLite has no roles"),
        (["--drop", "--group", "!"], "must have letters or digits"),
        (["--storage", "memory"], "not in a database that has views"),
    ],
)
def test_refused_arguments(run: Run, arguments: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        run("haystack_views", *arguments)


def test_a_role_sees_the_views_and_nothing_else(
    filled: OrmAdapter, settings: Any
) -> None:
    if not is_postgres(filled):
        with pytest.raises(CommandError, match="SQLite has no roles"):
            call_command("haystack_views", grant=["analyst"])
        return
    backend = "haystack_app.storage.orm.OrmAdapter"
    storages = {
        **settings.HAYSTACK["STORAGES"],
        "views": {"BACKEND": backend, "OPTIONS": {"using": filled.using}},
    }
    settings.HAYSTACK = {**settings.HAYSTACK, "STORAGES": storages}
    with connections[filled.using].cursor() as cursor:
        cursor.execute('CREATE ROLE "an""alyst"')  # undone with the transaction
    call_command("haystack_views", storage="views", grant=['an"alyst'])
    with pytest.raises(CommandError, match="unknown role 'other'"):
        call_command("haystack_views", storage="views", grant=["other"])
    call_command("haystack_views", storage="views")  # the grant stays
    for name, may in (
        ("haystack_points", True),
        ("haystack_samples", True),
        ("haystack_rollups", True),
        ("entities", False),
        ("history", False),
    ):
        query = f"SELECT has_table_privilege('an\"alyst', '{name}', 'SELECT')"
        assert rows(filled, query) == [(may,)], name
