"""The filter grammar: trees, literals, and errors with their column."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.filters import (
    And,
    Compare,
    Filter,
    Has,
    IsSpec,
    IsSymbol,
    Missing,
    Or,
    parse,
)
from haystack_app.filters.parser import MAX_DEPTH, MAX_LENGTH, MAX_PATH
from haystack_app.kinds import DateTime, Number, Ref, Symbol, Uri
from haystack_app.wire.errors import ParseError
from tests.strategies import asts, filter_text

A, B, C = Has(("a",)), Has(("b",)), Has(("c",))

TREES: dict[str, Filter] = {
    "a": A,
    "  a\t": A,
    "(((a)))": A,
    "a and b and c": And((A, B, C)),
    "(a and b) and c": And((A, B, C)),
    "a or b and c": Or((A, And((B, C)))),
    "(a or b) and c": And((Or((A, B)), C)),
    "a->b->c": Has(("a", "b", "c")),
    "a -> b": Has(("a", "b")),
    "not a->b": Missing(("a", "b")),
    "a->b==5": Compare(("a", "b"), "==", Number(5)),
    "^hot-water": IsSymbol("hot-water"),
    "Site": IsSpec("Site"),
    "ph.points::Temp_2": IsSpec("ph.points::Temp_2"),
    # keywords are tag names where a name is allowed
    "not": Has(("not",)),
    "not not": Missing(("not",)),
    "not->a": Has(("not", "a")),
    "not == 5": Compare(("not",), "==", Number(5)),
    "(not) and a": And((Has(("not",)), A)),
    "a and and": And((A, Has(("and",)))),
    "and and and": And((Has(("and",)), Has(("and",)))),
    "or or or": Or((Has(("or",)), Has(("or",)))),
    "true": Has(("true",)),
    "true == true": Compare(("true",), "==", True),
    "not and and a": And((Missing(("and",)), A)),
    "android or b": Or((Has(("android",)), B)),
    "_a": Has(("_a",)),
    # comments and the non-breaking space count as blanks
    "a /* x */ and\u00a0b // rest": And((A, B)),
}

LITERALS: dict[str, Any] = {
    "true": True,
    "false": False,
    "5": Number(5),
    "-5.5e-3kW": Number(-0.0055, "kW"),
    "1_000": Number(1000),
    "5hour": Number(5, "hr"),
    "0xff": Number(255),
    '""': "",
    '"a\\"b\\\\\\$\\n\\u00e9\\u{1F600}"': 'a"b\\$\né😀',
    '"$5"': "$5",
    '"\\uD83D\\uDE00"': "😀",
    "`http://x/`": Uri("http://x/"),
    "@a.b:c-d~e_1": Ref("a.b:c-d~e_1"),
    "^hot-water": Symbol("hot-water"),
    "2024-02-29": dt.date(2024, 2, 29),
    "08:30": dt.time(8, 30),
    "08:30:00.5": dt.time(8, 30, 0, 500_000),
    "2024-06-01T08:00:00-04:00 New_York": DateTime.parse(
        "2024-06-01T08:00:00-04:00", "New_York"
    ),
    "2024-06-01T08:00:00Z": DateTime.parse("2024-06-01T08:00:00Z", "UTC"),
    "2024-06-01T08:00:00Z London": DateTime.parse("2024-06-01T08:00:00Z", "London"),
}

FAULTS: dict[str, int] = {
    "": 1,
    "   ": 4,
    "a and": 6,
    "a b": 3,
    "a or or or": 11,
    "point and and)": 14,
    "(a": 3,
    "a)": 2,
    "not (a)": 5,
    "not ^ahu": 5,
    "not a == 5": 7,
    "not not not": 9,
    "a ==": 5,
    "a == b": 6,
    "a = 5": 3,
    "a === 5": 5,
    "a->": 4,
    "a->Bc": 4,
    "a->b->": 7,
    "Ab->c": 3,
    "5 == a": 1,
    "a == 5 == 5": 8,
    "a == N": 6,
    "a == M": 6,
    "a == T": 6,
    "a == NA": 6,
    "a == INF": 6,
    "a == -INF": 6,
    "a == NaN": 6,
    "a == 1e999": 6,
    "a == C(1,2)": 6,
    'a == Color("red")': 6,
    "a == [1]": 6,
    "a == {x}": 6,
    "a == @": 6,
    'a == @b "Dis"': 9,
    'a == "x': 6,
    'a == "\\q"': 7,
    'a == "\\uD800"': 7,
    "a == `x": 6,
    "a == ^": 6,
    "a == ^Up": 6,
    "a == 5bogus": 6,
    "a == 2024-13-01": 6,
    "a == 2024-02-30": 6,
    "a == 25:00": 6,
    "a == 2024-06-01T08:00:00-04:00": 6,
    "a == 2024-06-01T08:00:00-04:00 Nowhere": 6,
    "a == 2024-06-01T08:00:00-04:00 America/New_York": 6,
    "a\nand b": 2,
    "a and\nb": 6,
    "^": 1,
    "lib::": 1,
    "inputs?": 7,
}


@pytest.mark.parametrize("text", TREES)
def test_trees(text: str) -> None:
    assert parse(text) == TREES[text]


@pytest.mark.parametrize("text", LITERALS)
def test_literals(text: str) -> None:
    for op in ("==", "!=", "<", "<=", ">", ">="):
        right = Compare(("a",), op, LITERALS[text])
        assert parse(f"a{op}{text}") == right
        assert parse(f"(a {op} {text})and b") == And((right, B))


@pytest.mark.parametrize("text", FAULTS)
def test_errors_have_a_column(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.message
    assert caught.value.position.endswith(f"column {FAULTS[text]}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('dis = "x"', "expected '==', found '='"),
        ("siteRef == hq", 'expected a value (true, 5kW, "text", @ref), found'),
        ("dis == 'x'", 'expected a value (true, 5kW, "text", @ref), found'),
    ],
)
def test_common_mistakes_get_a_hint(text: str, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.message.startswith(words)


def test_limits() -> None:
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == A
    path = "->".join(["a"] * MAX_PATH)
    assert parse(path) == Has(("a",) * MAX_PATH)
    padded = "a".ljust(MAX_LENGTH)
    assert parse(padded) == A
    deep = "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1)
    for text in (deep, "(" * 10_000, path + "->a", padded + " "):
        with pytest.raises(ParseError):
            parse(text)


@given(asts)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_tree_round_trips_through_text(tree: Filter) -> None:
    assert parse(filter_text(tree)) == tree


@given(asts, st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_damaged_text_is_a_parse_error_or_a_filter(
    tree: Filter, data: st.DataObject
) -> None:
    text = filter_text(tree)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    junk = data.draw(st.text(max_size=3) | st.sampled_from('()"`@^-><=!0:TZ\\ '))
    try:
        found = parse(text[:start] + junk + text[end:])
    except ParseError as error:
        assert error.position
    else:
        assert parse(filter_text(found)) == found
