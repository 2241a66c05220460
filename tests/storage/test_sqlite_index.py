"""SQLite's own index of tags: its plans, its upkeep, and rows that plain SQL changed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from importlib import import_module
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from haystack_app import filters
from haystack_app.filters import And, Filter, matches
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.sql.sqlite_terms import ENTITY_VALUES, SET_TERMS
from haystack_app.storage.errors import TooCostly
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm.sqlite_index_check import faults
from tests.filters.generator import Generator
from tests.storage.building import ids

pytestmark = pytest.mark.django_db

POINTS = 2_000
EQUIPS = 50
LONG = "A name that is longer than the part of a text that the index compares: "


@pytest.fixture
def store() -> OrmAdapter:
    return OrmAdapter()


def records() -> Iterator[dict[str, Any]]:
    yield {"id": Ref("hq"), "site": MARKER, "geoCity": "Richmond", "area": Number(5)}
    for number in range(EQUIPS):
        yield {
            "id": Ref(f"e{number}"),
            "equip": MARKER,
            "siteRef": Ref("hq"),
            "enabled": number != 7,
            "floor": Number(number % 5),
            "dis": f"{LONG}{number}",
        }
    for number in range(POINTS):
        yield {
            "id": Ref(f"p{number}"),
            "point": MARKER,
            "siteRef": Ref("hq"),
            "equipRef": Ref(f"e{number % EQUIPS}"),
            "dis": f"Point {number}",
            "kind": "Number" if number % 100 else "Bool",
            **({"rare": MARKER} if number % 500 == 3 else {}),
            **({"unit": "kW"} if number % 400 == 5 else {"unit": "°C"}),
        }


@pytest.fixture(params=["absent", "fresh", "wrong"])
def filled(request: pytest.FixtureRequest, store: OrmAdapter) -> OrmAdapter:
    """A store with statistics, without, and with those that favour a scan."""
    store.load_entities(list(records()))
    if request.param == "absent":
        return store
    with connections[store.using].cursor() as cursor:
        cursor.execute("ANALYZE")
        if request.param == "wrong":
            cursor.execute(
                "UPDATE sqlite_stat1 SET stat = '2000 2000 2000'"
                " WHERE idx NOT LIKE 'sqlite_autoindex_%'"
            )
            cursor.execute("ANALYZE sqlite_schema")
    return store


FILTERS = {
    "rare": 4,
    "rare and not trash": 4,
    "point and rare": 4,
    "site": 1,
    "siteRef == @hq and rare": 4,
    "equipRef == @e7 and point": 40,
    "siteRef == @hq and equipRef == @e7": 40,
    'dis == "Point 77"': 1,
    f'dis == "{LONG}7"': 1,
    'point and kind == "Number" and dis == "Point 77"': 1,
    'siteRef == @hq and dis == "Point 77"': 1,
    'geoCity == "Richmond"': 1,
    'unit == "kW"': 5,
    'unit == "kW" and siteRef == @hq': 5,
    'kind == "Bool" and equip': 0,
    "enabled == false": 1,
    "area == 5": 1,
    "floor == 3 and equip": 10,
    "floor > 3": 10,
    'dis == "Point 77" or dis == "Point 78" or site': 3,
    'rare or (equipRef == @e7 and kind == "Bool") or site': 5,
    "rare and (equip or point)": 4,
    "rare and equipRef->equip": 4,
    "equipRef == @e7 and equipRef->equip": 40,
    "rare or equipRef->floor == 3": 400,
    " or ".join(f"equipRef == @e{n}" for n in range(20, 30)): 400,
}


def plan(store: OrmAdapter, filter: str) -> list[str]:
    """The steps that SQLite takes, the one on the table of the rows first."""
    query = store.matching(filter).values_list("tags").query
    text, params = query.get_compiler(store.using).as_sql()
    with connections[store.using].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}", params)
        return [detail for *_, detail in cursor.fetchall()]


def scans(lines: list[str]) -> list[str]:
    tables = {"entities", "main.entities", "e", "d", "m"}
    return [line for line in lines if line[:4] == "SCAN" and line.split()[1] in tables]


@pytest.mark.parametrize("scope", [None, "siteRef == @hq or site", "point or site"])
def test_no_filter_reads_all_entities(filled: OrmAdapter, scope: str | None) -> None:
    found = filled if scope is None else filled.visible_to(scope)
    for filter in FILTERS:
        assert scans(plan(found, filter)) == [], filter


def test_answers(filled: OrmAdapter) -> None:
    assert {filter: len(filled.read(filter)) for filter in FILTERS} == FILTERS


def test_a_scan_is_seen(filled: OrmAdapter) -> None:
    assert scans(plan(filled, "not rare"))


def test_no_statistics_change_what_drives_a_statement(store: OrmAdapter) -> None:
    """The rows are looked up by the ids that the index gives."""
    store.load_entities(list(records()))
    without = {filter: plan(store, filter)[0] for filter in FILTERS}
    connections[store.using].cursor().execute("ANALYZE")
    for filter, first in without.items():
        assert plan(store, filter)[0] == first
        assert first.startswith("SEARCH entities ")
        assert first.endswith("(id=?)")


# -- upkeep ---------------------------------------------------------------------


def change(store: OrmAdapter, random: Random, generator: Generator) -> None:
    """A random commit, or a change by plain SQL."""
    held = [record["id"].id for record in store.scan()]
    roll = random.random()
    if roll < 0.4 or not held:
        store.load_entities(generator.records(), replace=roll < 0.05)
    elif roll < 0.55:
        store.commit([], remove=[random.choice(held)])
    elif roll < 0.65:
        store.mend_marked()
    else:
        by_sql(random, generator, random.choice(held))


def by_sql(random: Random, generator: Generator, id: str) -> None:
    name = random.choice(("x", "dis", "siteRef", "val", "unit"))
    value = random.choice(("text", "°C", 5, 2.5, True, {"_kind": "marker"}))
    with connections["default"].cursor() as cursor:
        if random.random() < 0.3:
            cursor.execute(
                "UPDATE entities SET tags = json_remove(tags, %s) WHERE id = %s",
                [f"$.{name}", id],
            )
        else:
            cursor.execute(
                "UPDATE entities SET tags = json_set(tags, %s, json(%s)) WHERE id = %s",
                [f"$.{name}", json.dumps(value), id],
            )


def expected(tree: Filter, store: OrmAdapter) -> set[str]:
    every = {record["id"].id: dict(record) for record in store.scan()}
    return {id for id, tags in every.items() if matches(tree, tags, every.get)}


@pytest.mark.parametrize("seed", range(5))
def test_rows_changed_by_plain_sql_are_found(store: OrmAdapter, seed: int) -> None:
    """After any commits and changes by SQL, filters of own tags equal the matcher."""
    random, generator = Random(seed), Generator(f"index-{seed}")
    store.load_entities(generator.records())
    texts = ("x", 'x == "text"', "val == 5", "val == true", 'unit == "°C"', "val > 2")
    for _ in range(12):
        change(store, random, generator)
        drawn = [it for it in generator.filters(generator.records(), 25) if own(it)]
        trees = [*drawn, *map(filters.parse, (*texts, "dis and not x"))]
        trees += [And(pair) for pair in itertools.pairwise(trees)]
        for tree in map(store.parsed, trees):
            assert set(ids(store.read(tree))) == expected(tree, store), tree
    store.mend_marked()
    assert list(faults(connections[store.using])) == []


def own(tree: Filter) -> bool:
    """Without paths, which may use old edges until the row is mended."""
    terms = getattr(tree, "terms", None)
    return all(map(own, terms)) if terms else len(getattr(tree, "path", "x")) == 1


@pytest.mark.parametrize("seed", range(3))
def test_random_filters_in_random_scopes(store: OrmAdapter, seed: int) -> None:
    """Neither the candidates of a scope nor those of a filter are too few."""
    generator = Generator(f"scope-{seed}")
    drawn = generator.records()
    store.load_entities(drawn)
    every = {record["id"].id: dict(record) for record in store.scan()}
    for scope in map(store.parsed, generator.filters(drawn, 8)):
        seen = {id: it for id, it in every.items() if matches(scope, it, every.get)}
        scoped = store.visible_to(scope)
        for tree in map(store.parsed, generator.filters(drawn, 8)):
            right = {id for id, it in seen.items() if matches(tree, it, seen.get)}
            assert set(ids(scoped.read(tree))) == right, (scope, tree)
            assert len(scoped.page(tree, "", 3)) == min(3, len(right))


def test_a_row_of_plain_sql_is_found_in_a_scope(store: OrmAdapter) -> None:
    store.load_entities(list(records()))
    with connections[store.using].cursor() as cursor:
        cursor.execute(
            "UPDATE entities SET tags = json_set(tags, '$.dis', 'Changed', '$.rare',"
            """ json('{"_kind":"marker"}')) WHERE id = 'p9'"""
        )
    for scope in ("siteRef == @hq", "point", "rare", 'dis == "Changed"'):
        scoped = store.visible_to(scope)
        assert ids(scoped.read('dis == "Changed"')) == ["p9"], scope
        assert "p9" in ids(scoped.read("rare and point")), scope
    hidden = store.visible_to("equip")
    assert ids(hidden.read('dis == "Changed" or rare')) == []


def test_a_row_that_cannot_be_read_is_found(store: OrmAdapter) -> None:
    store.load_entities([{"id": Ref("a"), "dis": "A"}])
    with connections[store.using].cursor() as cursor:
        cursor.execute(
            "UPDATE entities SET tags = json_set(tags, '$.dis', 'B', '$.bad', json(%s))",
            ['{"_kind":"date","val":"never"}'],
        )
    store.mend_marked()
    assert ids(store.read('dis == "B"')) == ["a"]
    assert ids(store.read("dis and not missing")) == ["a"]


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_row_that_plain_sql_deletes_leaves_nothing(
    store: OrmAdapter, is_marked: bool
) -> None:
    store.load_entities(list(records()))
    with connections[store.using].cursor() as cursor:
        if is_marked:
            cursor.execute("UPDATE entities SET tags = json_remove(tags, '$.dis')")
        cursor.execute("DELETE FROM entities")
        cursor.execute(f"SELECT count(*) FROM {ENTITY_VALUES}")
        assert cursor.fetchone() == (0,)


# -- check and repair -----------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (f"DELETE FROM {SET_TERMS} WHERE name = 'rare'", "does not have its names"),
        (f"DELETE FROM {SET_TERMS} WHERE name = 'unit'", "values of its entities"),
        (f"DELETE FROM {ENTITY_VALUES} WHERE src = 'p7'", "does not have its values"),
        (
            f"INSERT INTO {ENTITY_VALUES} VALUES ('dis', 'x', 'p7')",
            "@p7: the index has",
        ),
        (f"INSERT INTO {ENTITY_VALUES} VALUES ('a', 'b', 'c')", "@c: the index has"),
    ],
)
def test_a_wrong_index_is_found_and_repaired(
    store: OrmAdapter, damage: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.load_entities(list(records()))
    assert store.differences() == []
    with connections[store.using].cursor() as cursor:
        cursor.execute(damage)
    with pytest.raises(CommandError):
        call_command("haystack_check")
    assert fault in capsys.readouterr().out
    call_command("haystack_check", repair=True)
    assert store.differences() == []
    assert {filter: len(store.read(filter)) for filter in FILTERS} == FILTERS


def test_the_index_of_an_existing_database_is_built(store: OrmAdapter) -> None:
    """As the migration does, from rows alone."""
    generator = Generator("existing")
    store.load_entities(generator.records())
    migration = import_module("haystack_app.migrations.0017_sqlite_index").Migration
    connection = connections[store.using]
    with connection.cursor() as cursor:
        for operation in reversed(migration.operations):
            for sql in filter(None, [operation.backwards]):
                cursor.execute(sql)
        for operation in migration.operations:
            cursor.execute(operation.forwards)
    assert list(faults(connection)) == []


# -- cost -----------------------------------------------------------------------


COSTLY = {
    "not siteRef->a{}": "not siteRef->a0",
    "siteRef->area != {}": "siteRef->area",
    "curVal->a{}": "curVal->a0",
}


@pytest.mark.parametrize("term", COSTLY)
def test_many_paths_from_every_row_are_refused(store: OrmAdapter, term: str) -> None:
    store.load_entities(list(records()))
    trees = [term.format(number) for number in range(99)]
    with pytest.raises(TooCostly, match=COSTLY[term]):
        store.read(" and ".join(trees))
    # few of them, or from few rows
    store.read(" and ".join(trees[:6]))
    if term != "siteRef->area != {}":
        store.read("rare and " + " and ".join(trees[:98]))


def test_paths_that_lead_to_few_rows_are_not_refused(store: OrmAdapter) -> None:
    store.load_entities(list(records()))
    for term in ('siteRef->geoCity == "C{}"', "siteRef->a{}", 'siteRef->tz == "C{}"'):
        filter = " or ".join(term.format(number) for number in range(99))
        assert len(store.read(filter)) == 0
        assert (
            len(store.read(f"equipRef == @e7 and ({filter.rpartition(' or ')[0]})"))
            == 0
        )
