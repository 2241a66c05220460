"""Every store returns the same records for a filter as the matcher.

A pair is a distinct filter on a data set. ``FUZZ_PAIRS`` sets their number, with random
seeds; ``FUZZ_SEED``, printed at the start of such a run and in each failure, repeats
them.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections
from django.db.models import Case, Q, Value, When
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from haystack_app import filters
from haystack_app.defs import shipped
from haystack_app.filters import And, Compare, Filter, Has, Missing, Or, matches
from haystack_app.filters.parser import MAX_DEPTH, MAX_PATH
from haystack_app.kinds import Number, Ref
from haystack_app.sql.compiler import compile_filter
from haystack_app.sql.expressions import PathHolds
from haystack_app.sql.fragments import Test
from haystack_app.sql.tables import ENTITIES, ENTITY_REF
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from haystack_app.wire import hayson_writer
from tests.drawn import given_once
from tests.filters.generator import Generator
from tests.strategies import asts, canonical, data_sets, filter_text, joined

Tags = dict[str, Any]

PAIRS_A_SET = 500
PAIRS = int(os.environ.get("FUZZ_PAIRS") or 20_000)
SEED = os.environ.get("FUZZ_SEED") or "ci"
SETS = range(-(-PAIRS // PAIRS_A_SET))
LEAST_ANSWERED = 0.3
_MOST_TRIALS = 400
_NAME_IN_REF = re.compile(r'"_kind":"ref","dis":"(?:[^"\\]|\\.)*"')


# -- the meaning ----------------------------------------------------------------


def expected(tree: Filter, records: list[Tags]) -> set[str]:
    """The ids of the records that match."""
    by_id = {record["id"].id: record for record in records}
    tree = filters.resolve_symbols(tree, shipped().implementations)
    return {id for id, tags in by_id.items() if matches(tree, tags, by_id.get)}


def answer(store: StorageAdapter, tree: Filter) -> set[str]:
    rows = list(store.read(tree))
    found = {row.json["id"]["val"] for row in rows}  # decoding takes longer
    assert len(rows) == len(found), "a record came twice"
    return found


def load(store: StorageAdapter, records: list[Tags]) -> list[Tags]:
    """Replace the content of the store; returns its records, decoded."""
    store.load_entities([], replace=True)  # an update keeps transient tags
    store.load_entities(records)
    if cursor := postgres_cursor(store):
        with cursor:  # rolled-back tests leave statistics of other data
            cursor.execute(f"ANALYZE {ENTITIES}, {ENTITY_REF}")
    return [dict(record) for record in store.scan()]


def postgres_cursor(store: StorageAdapter) -> Any:
    if isinstance(store, OrmAdapter):
        connection = connections[store.using]
        return connection.cursor() if connection.vendor == "postgresql" else None
    return None


# -- shrinking of failures ------------------------------------------------------


def smaller_filters(tree: Filter) -> Iterator[Filter]:
    if isinstance(tree, And | Or):
        yield from tree.terms
        for index, term in enumerate(tree.terms):
            rest = [*tree.terms[:index], *tree.terms[index + 1 :]]
            yield joined(type(tree), rest)
            for smaller in smaller_filters(term):
                terms = [*tree.terms[:index], smaller, *tree.terms[index + 1 :]]
                yield joined(type(tree), terms)
    elif isinstance(tree, Has | Missing | Compare) and len(tree.path) > 1:
        yield replace(tree, path=tree.path[:-1])
        yield replace(tree, path=tree.path[1:])


def smaller_data(records: list[Tags]) -> Iterator[list[Tags]]:
    half = len(records) // 2
    if half > 1:
        yield records[:half]
        yield records[half:]
    for index, record in enumerate(records):
        rest = [*records[:index], *records[index + 1 :]]
        if rest:
            yield rest
        for name in record.keys() - {"id"}:
            less = {tag: value for tag, value in record.items() if tag != name}
            yield [*records[:index], less, *records[index + 1 :]]


def shrunk(
    fails: Callable[[Filter, list[Tags]], bool], tree: Filter, records: list[Tags]
) -> tuple[Filter, list[Tags]]:
    """Shrink greedily: accept any smaller filter or data set that still fails."""
    trials = 0
    progress = True
    while progress and trials < _MOST_TRIALS:
        progress = False
        candidates: list[tuple[Filter, list[Tags]]] = [
            *((smaller, records) for smaller in smaller_filters(tree)),
            *((tree, smaller) for smaller in smaller_data(records)),
        ]
        for candidate in candidates:
            trials += 1
            if trials >= _MOST_TRIALS:
                break
            if fails(*candidate):
                (tree, records), progress = candidate, True
                break
    return tree, records


def report(store: StorageAdapter, tree: Filter, records: list[Tags], seed: str) -> str:
    def fails(tree: Filter, records: list[Tags]) -> bool:
        load(store, records)
        return answer(store, tree) != expected(tree, records)

    small, data = shrunk(fails, tree, records) if fails(tree, records) else (tree, [])
    load(store, data)
    shown = "\n  ".join(map(hayson_writer.dump, data))
    return (
        f"{type(store).__name__} differs, seed {seed!r}\n"
        f"  filter:   {filter_text(small)}\n"
        f"  answer:   {sorted(answer(store, small))}\n"
        f"  expected: {sorted(expected(small, data))}\n"
        f"  records:\n  {shown}"
    )


# -- random pairs ---------------------------------------------------------------


@functools.cache
def random_set(
    seed: str, count: int
) -> tuple[list[Tags], list[tuple[Filter, set[str]]]]:
    """Records, and filters with what the matcher answers: the same on each store."""
    generator = Generator(seed)
    records = generator.records()
    trees = generator.filters(records, count)
    return records, [(tree, expected(tree, records)) for tree in trees]


def texts(records: list[Tags]) -> list[str]:
    """All of them but ``mod`` and the names in refs, which stores set.

    No filter here asks for ``mod``, and none can ask for the name in a ref.
    """
    return sorted(
        _NAME_IN_REF.sub(
            '"_kind":"ref"',
            canonical({tag: value for tag, value in record.items() if tag != "mod"}),
        )
        for record in records
    )


def prefer_index(store: StorageAdapter, index: int) -> None:
    """On PostgreSQL, query every second data set through the indexes."""
    if index % 2 and (cursor := postgres_cursor(store)):
        with cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.parametrize("index", SETS)
def test_random_filters(store: StorageAdapter, index: int) -> None:
    seed = f"{SEED}-{index}"
    records, pairs = random_set(seed, PAIRS_A_SET)
    stored = load(store, records)
    unchanged = texts(stored) == texts(records)
    prefer_index(store, index)
    # TimescaleDB has the same compiler as PostgreSQL, on a newer server
    shared = isinstance(store, OrmAdapter) and store.using == "timescale"
    count = PAIRS_A_SET // 4 if shared else PAIRS_A_SET
    answered = 0
    for tree, right in pairs[:count]:
        if not unchanged:
            assert expected(tree, stored) == right, (seed, filter_text(tree))
        if answer(store, tree) != right:
            pytest.fail(report(store, tree, records, seed))
        answered += bool(right)
    assert answered / count >= LEAST_ANSWERED, seed


@pytest.mark.parametrize("index", SETS[: max(4, len(SETS) // 5)])
def test_walked_paths_equal_set_paths(sql_store: OrmAdapter, index: int) -> None:
    """Following a path row by row gives the same result as sets of ids."""
    seed = f"{SEED}-paths-{index}"
    generator = Generator(seed)
    records = generator.records()
    load(sql_store, records)
    prefer_index(sql_store, index)
    leaves: dict[Filter, None] = {}
    while len(leaves) < PAIRS_A_SET // 2:
        leaf = generator.leaf(records)
        if isinstance(leaf, Has | Missing | Compare) and len(leaf.path) > 1:
            leaves.setdefault(leaf)
    for leaf in leaves:
        right = expected(leaf, records)
        for walk in (False, True):
            held = PathHolds(leaf.path, Test.of(leaf), walk=walk)
            found = sql_store.entities.filter(held).values_list("id", flat=True)
            assert set(found) == right, (seed, walk, filter_text(leaf))


@pytest.mark.parametrize("index", range(4))
def test_filters_are_conditions_for_any_query(
    sql_store: OrmAdapter, index: int
) -> None:
    """As a selected column, under NOT and combined with other conditions."""
    generator = Generator(f"{SEED}-conditions-{index}")
    records = generator.records()
    load(sql_store, records)
    every = {record["id"].id for record in records}
    for tree in generator.filters(records, 50):
        right = expected(tree, records)
        condition = compile_filter(sql_store.parsed(tree))
        case = Case(When(condition, then=Value(1)), default=Value(0))
        shown = sql_store.entities.values_list("id", case)
        assert {id for id, held in shown if held} == right
        either = sql_store.entities.filter(condition | Q(id="a"))
        assert {row.id for row in either} == right | (every & {"a"})


@given_once(
    settings(
        max_examples=50,
        deadline=None,
        derandomize="FUZZ_PAIRS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    ),
    records=data_sets(),
    trees=st.lists(asts, min_size=1, max_size=8),
)
def test_any_filter(
    store: StorageAdapter, records: list[Tags], trees: list[Filter]
) -> None:
    stored = load(store, records)
    for tree in trees:
        right = expected(tree, records)
        assert expected(tree, stored) == right
        assert answer(store, tree) == right, filter_text(tree)


# -- extreme shapes -------------------------------------------------------------

SMALL: list[Tags] = [
    {"id": Ref("a"), "x": Number(1), "next": Ref("b"), "many": [Ref("a"), Ref("b")]},
    {"id": Ref("b"), "x": Number(2), "next": Ref("a"), "many": [Ref("gone")]},
    {"id": Ref("c"), "next": Ref("gone"), "y": True},
]


def check(store: StorageAdapter, tree: Filter) -> None:
    load(store, SMALL)
    text = filter_text(tree)
    assert filters.parse(text) == tree
    assert answer(store, tree) == expected(tree, SMALL)


LEAVES = {
    "tag": "x",
    "number": "x >= 2",
    "path": "next->next->x == 1",
    "not": "not next->y",
    "time": "next->ts->time < 12:00:00",
}


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
@pytest.mark.parametrize("first", [True, False], ids=["leaf first", "leaf last"])
def test_deepest_nesting(store: StorageAdapter, leaf: str, first: bool) -> None:
    tree = filters.parse(leaf)
    inner: Filter = Has(("x",))
    for level in range(2 * MAX_DEPTH):  # two levels need one parenthesis
        kind = Or if level % 2 else And
        other = tree if level < 40 else Has(("y",))  # arrows are limited too
        inner = joined(kind, [other, inner] if first else [inner, other])
    check(store, inner)


@pytest.mark.parametrize("word", ["and", "or"])
@pytest.mark.parametrize("name", ["x", "y"])
def test_three_thousand_terms(store: StorageAdapter, word: str, name: str) -> None:
    check(store, filters.parse(f" {word} ".join([name] * 2_300 + ["x"] * 2)))
    load(store, SMALL)
    kind = And if word == "and" else Or
    wide = kind(tuple(Compare(("x",), "!=", Number(n)) for n in range(3_000)))
    assert answer(store, wide) == expected(wide, SMALL)


@pytest.mark.parametrize("name", ["next", "many", "id"])
@pytest.mark.parametrize("ending", ["", " == @b", " != @a"])
@pytest.mark.parametrize("length", [2, 5, MAX_PATH])
def test_long_paths(store: StorageAdapter, name: str, ending: str, length: int) -> None:
    check(store, filters.parse("->".join([name] * length) + ending))
    check(store, filters.parse("not " + "->".join([name] * length)))


def test_wide_and_deep(store: StorageAdapter) -> None:
    """A balanced tree of a thousand leaves."""

    def tree(level: int, number: int) -> Filter:
        if level == 0:
            return Compare(("x",), "==", Number(number % 7))
        kind = And if level % 2 else Or
        return joined(
            kind, [tree(level - 1, 2 * number), tree(level - 1, 2 * number + 1)]
        )

    load(store, SMALL)
    check(store, tree(9, 1))


@pytest.mark.parametrize("length", [2, 3, 4])
def test_stale_statistics_of_an_empty_table(sql_store: OrmAdapter, length: int) -> None:
    """A planner that expects no rows must not nest loops over all of them."""
    records = [
        {"id": Ref(f"r{n}"), "a": [Ref(f"r{n + 1}"), Ref(f"r{n + 2}")], "x": Number(n)}
        for n in range(60)
    ]
    load(sql_store, records)
    load(sql_store, [])
    sql_store.load_entities(records)
    if cursor := postgres_cursor(sql_store):
        with cursor:
            cursor.execute("SET LOCAL statement_timeout = 60000")
    path = "->".join(["a"] * (length - 1))
    for ending in ("->missing", "->x == 59"):
        tree = filters.parse(path + ending)
        assert answer(sql_store, tree) == expected(tree, records)
