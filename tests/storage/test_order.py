"""Reading in an order, and counting: every store, against a plain reference."""

from __future__ import annotations

import datetime as dt
from functools import cmp_to_key
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.filters.ordering import By
from haystack_app.kinds import MARKER, NA, Coord, DateTime, Number, Ref, Symbol, Uri
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import entity

IN_ORDER: list[list[Any]] = [
    [False],
    [True],
    [Number(float("-inf"))],
    [Number(-2)],
    [Number(0)],
    [Number(1.5)],
    [Number(20)],
    [Number(float("inf")), Number(float("nan"))],
    [Number(3, "kW")],
    [Number(1, "m²")],
    [""],
    ["B"],
    ["a"],
    ["a b"],
    ["é"],
    ["\U0001f3e0"],
    [Uri("http://a/")],
    [Ref("a", "Zoo"), Ref("a")],
    [Ref("b", "Ant")],
    [Symbol("ahu")],
    [dt.date(1999, 12, 31)],
    [dt.date(2024, 1, 1)],
    [dt.time(8)],
    [dt.time(8, 0, 0, 500_000)],
    [DateTime.parse("0999-01-01T00:00:00Z", "UTC")],
    [
        DateTime.parse("2024-03-01T12:00:00Z", "UTC"),
        DateTime.parse("2024-03-01T07:00:00-05:00", "New_York"),
    ],
    [DateTime.parse("2024-03-01T12:00:00.000001Z", "UTC")],
    [DateTime.parse("2024-03-01T12:00:00.5Z", "UTC")],
    [MARKER, NA, Coord(1, 2), [Number(1)], {"a": Number(2)}],
    [None],
]
"""Values of the tag ``v``, those of a list equal to each other."""


def records() -> list[dict[str, Any]]:
    found = []
    for place, values in enumerate(reversed(IN_ORDER)):
        for at, value in enumerate(values):
            tags = {} if value is None else {"v": value}
            odd = {"odd": MARKER} if place % 2 else {}
            found.append(entity(f"e{place:02}{at}", n=Number(place % 3), **tags, **odd))
    return found


def ids_in_order(store: StorageAdapter, *order: By, **options: Any) -> list[str]:
    found = store.read_in_order("id", order, **options)
    return [record["id"].id for record in found]


def expected(*, descending: bool) -> list[str]:
    ranks = {
        f"e{place:02}{at}": len(IN_ORDER) - place
        for place, values in enumerate(reversed(IN_ORDER))
        for at in range(len(values))
    }
    last = len(IN_ORDER)

    def compare(one: str, other: str) -> int:
        a, b = ranks[one], ranks[other]
        if a == b:
            return -1 if one < other else 1
        if last in (a, b):
            return 1 if a == last else -1
        return (b - a) if descending else (a - b)

    return sorted(ranks, key=cmp_to_key(compare))


@pytest.mark.parametrize("descending", [False, True])
def test_all_kinds(store: StorageAdapter, descending: bool) -> None:
    store.load_entities(records())
    wanted = expected(descending=descending)
    assert ids_in_order(store, By("v", descending)) == wanted
    for limit in (0, 1, 7, 1_000):
        assert ids_in_order(store, By("v", descending), limit=limit) == wanted[:limit]


def test_several_tags_and_transient_ones(store: StorageAdapter) -> None:
    store.load_entities(records())
    found = ids_in_order(store, By("n", True), By("id", True))
    numbers = {row["id"].id: row["n"].val for row in records()}
    assert found == sorted(numbers, key=lambda id: (numbers[id], id), reverse=True)
    first, second = found[0], found[1]
    store.update_transient(
        [
            {"id": Ref(first), "curVal": Number(2)},
            {"id": Ref(second), "curVal": Number(1)},
        ],
        force=True,
    )
    assert ids_in_order(store, By("curVal"), limit=2) == [second, first]
    assert ids_in_order(store, By("mod"), limit=1) == [min(numbers)]


def test_names_that_sql_has_words_for(store: StorageAdapter) -> None:
    store.load_entities([entity("a", order=Number(2)), entity("b", order=Number(1))])
    assert ids_in_order(store, By("order")) == ["b", "a"]
    assert ids_in_order(store, By("select")) == ["a", "b"]


def test_in_a_scope(store: StorageAdapter) -> None:
    store.load_entities(records())
    view = store.visible_to(parse("odd"))
    seen = {row["id"].id for row in records() if "odd" in row}
    wanted = [id for id in expected(descending=True) if id in seen]
    assert ids_in_order(view, By("v", True)) == wanted
    assert ids_in_order(view, By("v", True), limit=3) == wanted[:3]
    assert view.count("id") == len(seen)
    assert view.count(parse("not odd")) == 0


def test_count(store: StorageAdapter) -> None:
    assert store.count("id") == 0
    store.load_entities(records())
    assert store.count("id") == len(records())
    assert store.count(parse("n == 1 and not odd")) == len(
        list(store.read("n == 1 and not odd"))
    )


def test_revisions_are_those_of_the_rows(store: StorageAdapter) -> None:
    store.load_entities(records())
    found = store.read_in_order("id", [By("v")], 5)
    every = store.read("id")
    assert every.revisions is not None
    ids = [row["id"].id for row in every]
    known = dict(zip(ids, every.revisions, strict=True))
    assert found.revisions == [known[row["id"].id] for row in found]
    assert found.names == {name for row in found for name in row}
