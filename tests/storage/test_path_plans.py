"""Paths, and alternatives of refs, are looked up: no plan reads all entities."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from haystack_app import filters
from haystack_app.filters import matches
from haystack_app.filters.parser import MAX_PATH
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.sql.tables import ENTITIES, ENTITY_REF
from haystack_app.storage.orm import OrmAdapter
from tests.bench.explain import GIN, scanned_tables
from tests.storage.building import ids

SITES = 20
POINTS = 100


def records() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for site in range(SITES):
        here = Ref(f"s{site}")
        found.append({"id": here, "site": MARKER, "geoCity": f"City{site}"})
        found += [
            {
                "id": Ref(f"s{site}p{number}"),
                "point": MARKER,
                "siteRef": here,
                "nextRef": Ref(f"s{site}p{number + 1}"),
                "number": Number(number),
                "dis": f"A point with a name as long as usual, {site}-{number}",
            }
            for number in range(POINTS)
        ]
    return found


def chain(name: str, length: int, end: str) -> str:
    return "->".join([name] * (length - 1) + [end])


LAST = POINTS - 1
PATHS = {
    "present": lambda length: chain("nextRef", length, "rare"),
    "equal": lambda length: chain("nextRef", length, f"number == {LAST}"),
    "site": lambda length: chain("siteRef", length, 'geoCity == "City3"'),
    "conjunct": lambda length: f"point and {chain('nextRef', length, 'rare')}",
    "either": lambda length: f"site and rare or {chain('nextRef', length, 'rare')}",
    "refs": lambda length: " or ".join(
        f"{chain('nextRef', length, 'siteRef')} == @s{number}" for number in (98, 99)
    ),
}


@pytest.fixture(params=["fresh", "stale"])
def filled(request: pytest.FixtureRequest, sql_store: OrmAdapter) -> OrmAdapter:
    """A store whose statistics are of its data, or of an empty table."""
    connection = connections[sql_store.using]
    analyze = f"ANALYZE {ENTITIES}, {ENTITY_REF}"
    is_postgres = connection.vendor == "postgresql"
    if is_postgres and request.param == "stale":
        connection.cursor().execute(analyze)
    sql_store.load_entities(records())
    if is_postgres:
        # what VACUUM would do, which no transaction may
        connection.cursor().execute(
            "SELECT gin_clean_pending_list(%s::regclass)", [GIN]
        )
        # as in a larger table; autovacuum may look at this one meanwhile
        connection.cursor().execute("SET LOCAL seq_page_cost = 10")
    if is_postgres and request.param == "fresh":
        connection.cursor().execute(analyze)
    return sql_store


def scanned(store: OrmAdapter, filter: str) -> list[str]:
    if connections[store.using].vendor == "postgresql":
        return [it for it in scanned_tables(store, filter) if it == ENTITIES]
    steps = store.matching(filter).values_list("id").explain().splitlines()
    # paths begin in tables that json_each makes
    return [it for it in steps if "SCAN entities" in it or "SCAN d" in it.split()]


def test_no_path_reads_all_entities(filled: OrmAdapter) -> None:
    is_postgres = connections[filled.using].vendor == "postgresql"
    found = {
        filter: scanned(filled, filter)
        for kind, text in PATHS.items()
        for length in range(2, MAX_PATH + 1)
        # SQLite has no index of tags
        if (filter := text(length)) and (is_postgres or kind != "either")
    }
    assert {filter: tables for filter, tables in found.items() if tables} == {}


def test_long_paths_find_what_they_lead_to(filled: OrmAdapter) -> None:
    for length in (2, 4, 5, 9, MAX_PATH):
        first = f"p{LAST - length + 1}"
        found = ids(filled.read(PATHS["equal"](length)))
        assert sorted(found) == sorted(f"s{site}{first}" for site in range(SITES))


def test_many_refs_are_one_test(filled: OrmAdapter) -> None:
    for name, count, right in [
        ("siteRef", 700, 2 * POINTS),
        ("id", 700, 2),
        ("siteRef->siteRef", 48, 0),
        ("siteRef->id", 90, 2 * POINTS),
    ]:
        refs = ["s3", "s7", *(f"x{number}" for number in range(count))]
        filter = " or ".join(f"{name} == @{ref}" for ref in refs)
        assert scanned(filled, filter) == []
        assert len(filled.read(filter)) == right
        text, _ = filled.matching(filter).query.get_compiler(filled.using).as_sql()
        assert len(text) < 5_000


def test_alternatives_of_paths(filled: OrmAdapter) -> None:
    """Ninety-nine paths, each of which is a set."""
    filter = " or ".join(f'siteRef->geoCity == "City{n}"' for n in range(99))
    assert scanned(filled, filter) == []
    assert len(filled.read(filter)) == SITES * POINTS


COMBINED = [
    'point and nextRef->number == 5 and siteRef->geoCity == "City3"',
    "siteRef == @s3 and nextRef->nextRef->nextRef->nextRef->nextRef->number == 5",
    'siteRef->geoCity == "City3" and not nextRef->number',
    'number == 5 and (siteRef->geoCity == "City3" or siteRef->geoCity == "no")',
    '(point and siteRef->geoCity == "City3") or (site and nextRef->number)',
    'site or siteRef->geoCity == "City3"',
    "dis and " + " or ".join(f"siteRef == @s{number}" for number in range(3, 15)),
]


@pytest.mark.parametrize("scope", [None, 'siteRef->geoCity == "City3"', "siteRef"])
def test_combinations_equal_the_matcher(filled: OrmAdapter, scope: str | None) -> None:
    every = {record["id"].id: record for record in records()}
    by_id = every
    if scope is not None:
        tree = filters.parse(scope)
        by_id = {id: it for id, it in every.items() if matches(tree, it, every.get)}
    store = filled if scope is None else filled.visible_to(scope)
    for filter in COMBINED:
        tree = filters.parse(filter)
        right = {id for id, it in by_id.items() if matches(tree, it, by_id.get)}
        assert set(ids(store.read(filter))) == right, filter
    one = min(by_id)
    assert ids(store.read(f"id == @{one}")) == [one]
    assert [row is None for row in store.read_by_ids(["s3", one])] == [
        "s3" not in by_id,
        False,
    ]
