"""Evaluation of filters: the table of docHaystack Filters, case by case."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pytest

from haystack_app.defs import shipped
from haystack_app.filters import Filter, matches, parse, resolve_symbols
from haystack_app.filters.narrowing import narrowed
from haystack_app.filters.planner import candidates, plan, terms_of
from haystack_app.kinds import (
    MARKER,
    NA,
    Coord,
    DateTime,
    Number,
    Ref,
    Symbol,
    Uri,
    XStr,
)
from haystack_app.storage.base import StorageAdapter
from tests.filters.generator import Generator
from tests.strategies import filter_text

NEW_YORK = DateTime.parse("2024-06-01T08:00:00.5-04:00", "New_York")

RECORD: dict[str, Any] = {
    "id": Ref("me", "Me"),
    "marker": MARKER,
    "na": NA,
    "no": False,
    "yes": True,
    "empty": "",
    "str": "b",
    "five": Number(5),
    "kw": Number(5, "kW"),
    "hour": Number(1, "hour"),
    "minute": Number(1, "min"),
    "nan": Number(float("nan")),
    "inf": Number(float("inf")),
    "uri": Uri("b"),
    "ref": Ref("a", "Text"),
    "lost": Ref("gone"),
    "symbol": Symbol("b"),
    "date": dt.date(2024, 6, 1),
    "time": dt.time(8, 0),
    "ts": NEW_YORK,
    "coord": Coord(1, 2),
    "xstr": XStr("Color", "red"),
    "refs": [Ref("a"), Ref("gone")],
    "mixed": [Number(1), Ref("a")],
    "numbers": [Number(5)],
    "none": [],
    "dict": {"five": Number(5), "ref": Ref("a"), "inner": {"x": MARKER}},
    "hot": MARKER,
    "water": MARKER,
}
TARGET: dict[str, Any] = {
    "id": Ref("a"),
    "cool": MARKER,
    "num": Number(7),
    "back": Ref("me"),
    "refs": [Ref("me"), Ref("a")],
}

TRUE = """
marker | na | no | empty | none | inf | refs | dict | id
not missing | not missing->x | not marker->x | not str->x | not lost->x
no == false | no < true | no <= false | yes > false | yes != "true" | yes != 1
str == "b" | str > "a" | str >= "B" | str < "bb" | empty == "" | empty < " "
five == 5 | five == 5.0 | five != 5kW | kw == 5kW | kw == 5kilowatt | kw != 5
kw >= 5kW | hour == 1h | hour == 1hr | five > 4 | five < 1e300 | inf > 1e308 | inf >= 5
nan != 5 | inf != 5 | minute != 60sec
uri == `b` | uri > `a` | uri != "b" | symbol == ^b | symbol < ^c | symbol != "b"
ref == @a | ref != @b | ref < @b | ref != "a" | ref->id == @a | id == @me
date == 2024-06-01 | date < 2024-06-02 | time == 08:00 | time == 08:00:00 | time < 08:00:01
ts == 2024-06-01T12:00:00.5Z | ts < 2024-06-01T12:00:01Z | ts > 2024-06-01T13:59:00+02:00 Berlin
ts->date == 2024-06-01 | ts->time == 08:00:00.5 | ts->tz == "New_York" | not ts->year | not ts->date->x
coord != 5 | xstr != "red" | marker != 5 | na != 5 | dict != 5
refs == @a | refs == @gone | refs != @a | refs != @zzz | refs < @b | refs->cool | not refs->cool | not refs->id
mixed == @a | mixed->cool | numbers != 5 | none != 5 | none != @a
dict->five == 5 | dict->ref->cool | dict->inner->x | not dict->x | not dict->ref->x | not dict->five->x
ref->back->five == 5 | ref->refs->refs->cool | id->id->id->marker | ref->num > 5
^hot-water | ^hot | ^marker
"""

FALSE = """
missing | not marker | not na | not no | not empty | not none | missing->x | marker->x
missing == 5 | missing != 5 | missing < 5 | lost->x | lost->x != 5 | ref->missing != 5
no == true | no == 0 | yes == 1 | yes == "true" | yes > 0 | yes < "z"
str == "B" | str == `b` | str == @b | str == ^b | str > "b" | empty == "x" | empty > ""
five == 5kW | five > 4kW | kw > 4 | kw < 6 | kw < 6W | kw == 5000W | hour == 60min | minute == 60sec
nan == 5 | nan < 5 | nan > 5 | nan <= 5 | inf < 5 | inf == 1e308
ref == @b | ref == "a" | ref == "@a" | ref > @a | uri == "b"
date == "2024-06-01" | date > 2024-06-01 | time > 08:00 | ts == 2024-06-01 | ts == 2024-06-01T12:00:00Z
ts->time == 08:00 | ts->tz == "UTC" | ts->tz->x | ts->date->x
coord == 5 | coord < 5 | xstr == "red" | xstr > "a" | na == 5 | dict == 5 | marker == true
refs == @zzz | refs->cool == 5 | refs->id == @gone | refs > @z | refs->missing
mixed == 1 | mixed < 5 | not mixed->cool | numbers == 5 | numbers > 4 | numbers->x | not numbers->x
none->x | not none->x | none == @a | dict->inner->missing | dict->missing->x | not dict->five
^hot-ice | ^lib:hot | ^hot- | ^missing | Site | ph::Site
"""


def _cases(table: str) -> list[str]:
    return [
        case.strip() for row in table.strip().splitlines() for case in row.split("|")
    ]


CASES = [*((case, True) for case in _cases(TRUE)), *((case, False) for case in _cases(FALSE))]  # fmt: skip


def resolve(id: str) -> dict[str, Any] | None:
    return {"me": RECORD, "a": TARGET}.get(id)


@pytest.mark.parametrize(("text", "right"), CASES)
def test_meaning(text: str, right: bool) -> None:
    assert matches(parse(text), RECORD, resolve) is right


def test_meaning_in_every_store(store: StorageAdapter) -> None:
    """The same table; all differences are shown at once."""
    store.load_entities([RECORD, TARGET])
    wrong = []
    for text, right in CASES:
        found = "me" in {row["id"].id for row in store.read(text)}
        if found is not right:
            wrong.append(f"{text}: {found}")
    assert not wrong


@pytest.mark.parametrize("word", ["and", "or"])
def test_combinations(word: str) -> None:
    for left, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        names = ["marker" if side else "missing" for side in (left, right)]
        found = matches(parse(f" {word} ".join(names)), RECORD, resolve)
        assert found is bool(left and right if word == "and" else left or right)


def test_circular_references_terminate() -> None:
    records = {id: {"id": Ref(id), "next": [Ref("x"), Ref("y")]} for id in "xy"}
    path = "->".join(["next"] * 10)
    assert matches(parse(path), records["x"], records.get)
    assert not matches(parse(path + " == @z"), records["x"], records.get)


@pytest.mark.parametrize("seed", range(8))
def test_plan_candidates_are_a_superset(seed: int) -> None:
    generator = Generator(f"plan-{seed}")
    records = {record["id"].id: record for record in generator.records()}
    index: dict[Any, set[str]] = {}
    for id, record in records.items():
        for term in terms_of(record):
            index.setdefault(term, set()).add(id)
    fewer = 0

    def found_by(tree: Filter) -> set[str]:
        return candidates(
            plan(tree), lambda term: index.get(term, set()), lambda: set(records)
        )

    for given in generator.filters(list(records.values()), 300):
        tree = resolve_symbols(given, shipped().implementations)
        found = found_by(narrowed(tree, lambda end: list(found_by(end))))
        right = {id for id, tags in records.items() if matches(tree, tags, records.get)}
        assert right <= found, filter_text(given)
        assert found <= found_by(tree), filter_text(given)
        fewer += len(found) < len(records)
    assert fewer > 100


def test_terms_of_a_list_are_its_refs() -> None:
    values = [Ref("a", "dis"), Number(1), Ref("a"), None, [Ref("b")]]
    Random(1).shuffle(values)
    found = list(terms_of({"x": values}))
    assert len(found) == 2
