"""``eval``: its grammar on every store, what it refuses, and that rights hold."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haystack_app.filters import parse, parser
from haystack_app.kinds import MARKER, Grid, Number, Ref, Symbol
from haystack_app.ops import Context, OpError, find_op
from haystack_app.ops.axon import UNDERSTOOD, parse_query
from haystack_app.ops.his_range import parse_range
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import UnknownEntity
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.wire.errors import ParseError
from tests.storage.building import at, entity, numbers, point

NOW = dt.datetime(2024, 3, 13, 16, tzinfo=dt.UTC)  # a Wednesday, noon in New York


def fill(store: StorageAdapter) -> None:
    store.load_entities(
        [
            entity("hq", site=MARKER, dis="Headquarters"),
            point("a", unit="kW", siteRef=Ref("hq"), kw=MARKER),
            point("b", unit="kW", siteRef=Ref("hq"), kw=MARKER),
            point("gone", kw=MARKER, trash=MARKER),
            point("far", tz="Denver", kw=MARKER, far=MARKER, dis="Far"),
        ]
    )
    for id in ("a", "b"):
        store.his_write(id, numbers(24 * 40, at("2024-02-10 00:00")))


def evaluate(store: StorageAdapter, expr: Any, **given: Any) -> Grid:
    op = find_op("eval")
    assert op is not None
    row = {} if expr is None else {"expr": expr}
    return op.run(Context(store, now=NOW, **given), Grid.of([row]))


def ask(store: StorageAdapter, op_name: str, *rows: Any, **meta: Any) -> Grid:
    op = find_op(op_name)
    assert op is not None
    return op.run(Context(store, now=NOW), Grid.of(rows, meta=meta))


def ids_of(grid: Grid) -> list[str]:
    return sorted(row["id"].id for row in grid)


def test_reads_of_entities(store: StorageAdapter) -> None:
    fill(store)
    wanted = ids_of(ask(store, "read", {"filter": "kw and siteRef->site"}))
    assert wanted == ["a", "b"]
    for expr in ("kw and siteRef->site", " readAll( kw and siteRef->site ) "):
        assert ids_of(evaluate(store, expr)) == wanted
    assert ids_of(evaluate(store, "read(kw)")) == ["a"]
    assert ids_of(evaluate(store, "readById(@hq)")) == ["hq"]
    assert ids_of(evaluate(store, Symbol("site"))) == ["hq"]  # ?expr=^site
    assert ids_of(evaluate(store, "readAll(nosuch)")) == []
    with pytest.raises(OpError, match="matches no entities"):
        evaluate(store, "read(nosuch)")
    for id in ("nosuch", "gone"):
        with pytest.raises(UnknownEntity):
            evaluate(store, f"readById(@{id})")


RANGES = {
    "today": "2024-03-13",
    "today()": "2024-03-13",
    "yesterday": "2024-03-12",
    "2024-03-02": "2024-03-02",
    "2024-02": "2024-02-01,2024-02-29",
    "2024-03-01..2024-03-03": "2024-03-01,2024-03-03",
    "2024-02..2024-03-03": "2024-02-01,2024-03-03",
    "today-7day..yesterday": "2024-03-06,2024-03-12",
    "thisWeek": "2024-03-11,2024-03-17",
    "lastWeek": "2024-03-04,2024-03-10",
    "pastWeek()": "2024-03-06,2024-03-13",
    "thisMonth": "2024-03-01,2024-03-31",
    "lastMonth": "2024-02-01,2024-02-29",
    "pastMonth": "2024-02-13,2024-03-13",
    "thisQuarter": "2024-01-01,2024-03-31",
    "lastQuarter": "2023-10-01,2023-12-31",
    "pastQuarter": "2023-12-13,2024-03-13",
    "thisYear": "2024-01-01,2024-12-31",
    "lastYear": "2023-01-01,2023-12-31",
    "pastYear": "2023-03-13,2024-03-13",
    'dateTime(2024-03-01,05:00:00,"UTC")..dateTime( 2024-03-02, 05:00:00.5, "New_York" )': (
        "2024-03-01T00:00:00-05:00 New_York,2024-03-02T05:00:00.5-05:00 New_York"
    ),
    "now-1day..now()": (
        "2024-03-12T12:00:00-04:00 New_York,2024-03-13T12:00:00-04:00 New_York"
    ),
    "today..now": (
        "2024-03-13T00:00:00-04:00 New_York,2024-03-13T12:00:00-04:00 New_York"
    ),
    "now-1day..today": (
        "2024-03-12T12:00:00-04:00 New_York,2024-03-14T00:00:00-04:00 New_York"
    ),
    "2024-03-01T05:00:00Z..now": (
        "2024-03-01T00:00:00-05:00 New_York,2024-03-13T12:00:00-04:00 New_York"
    ),
}


@pytest.mark.parametrize("range", RANGES)
def test_ranges(range: str) -> None:
    store = InMemoryAdapter()
    fill(store)
    wanted = ask(store, "hisRead", {"id": Ref("a")}, range=RANGES[range])
    found = evaluate(store, f"readById(@a).hisRead({range})")
    assert found.meta == wanted.meta
    assert list(found) == list(wanted)
    assert bool(list(found)) is (range not in ("lastQuarter", "lastYear"))


def test_samples(store: StorageAdapter) -> None:
    fill(store)
    both = {"filter": "kw and siteRef", "range": "2024-03-01"}
    wanted = ask(store, "hisRead", both)
    found = evaluate(store, "readAll(kw and siteRef).hisRead(2024-03-01)")
    assert (found.cols, found.meta) == (wanted.cols, wanted.meta)
    assert len(list(found)) == 24
    assert list(found) == list(wanted)
    one = evaluate(store, "read(kw).hisRead(2024-03-01)")
    assert [col.meta.get("id") for col in one.cols] == [None, Ref("a")]
    assert [row["v0"] for row in one] == [row["v0"] for row in wanted]


@pytest.mark.parametrize(
    ("written", "interval"),
    [
        ("1day", Number(1, "day")),
        ("1440min", Number(1, "day")),
        ("10080min", Number(1, "wk")),
        ("0.5min", Number(30, "sec")),
        ("0.00025min", Number(1, "sec")),
        ("15min", Number(15, "min")),
        ("5m", Number(5, "min")),
        ("30s", Number(30, "sec")),
        ("1d", Number(1, "day")),
        ("7d", Number(1, "wk")),
        ("1M", Number(1, "mo")),
        ("1hr", Number(1, "hr")),
    ],
)
def test_intervals(written: str, interval: Number) -> None:
    query = parse_query(f"readAll(kw).hisRead(today).hisRollup(max, {written})")
    assert (query.fold, query.interval) == ("max", interval)


def test_roll_ups(store: StorageAdapter) -> None:
    fill(store)
    asked = {"filter": "kw and siteRef", "range": "2024-02-01,2024-02-29"}
    wanted = ask(
        store, "hisRead", asked | {"rollup": "max", "interval": Number(1, "day")}
    )
    expr = "readAll(kw and siteRef).hisRead(lastMonth).hisRollup(max, 1day)"
    found = evaluate(store, expr)
    assert (found.cols, found.meta) == (wanted.cols, wanted.meta)
    assert len(list(found)) == 20
    assert list(found) == list(wanted)


REFUSED = {
    None: "missing expr",
    Number(1): "expr must be a Str",
    "": "filter is cut short at column 1",
    "[{ts: now()-1hr, v0: 0}].toGrid": "expected a tag name.* at column 1",
    "readAll(site": "expected '\\)', found the end at column 13",
    "readAll(site).toGrid": "expected hisRead.* at column 15",
    "readAll(site) or ahu": "unexpected 'or ahu' at column 15",
    "readAll(site, {limit: 1})": "expected '\\)'.* at column 13",
    "readAll(a = 1)": "expected '=='.* at column 11",
    "readById(hq)": "invalid ref at column 10",
    "readAll(kw).hisRead": "expected '\\('.* at column 20",
    "readAll(kw).hisRead()": "expected a range such as .* at column 21",
    "readAll(kw).hisRead(soon)": "expected a range such as .* at column 21",
    "readAll(kw).hisRead(2024-02-30)": "invalid date.* at column 21",
    "readAll(kw).hisRead(2024-13)": "invalid month.* at column 21",
    'readAll(kw).hisRead(dateTime(2024-01-01,08:00,"Nowhere"))': "Nowhere.* at column 47",
    'readAll(kw).hisRead(dateTime(2024-01-01,"New_York"))': "invalid number.* at column 41",
    "readAll(kw).hisRead(today).hisRollup(mean, 1day)": "expected a fold.* at column 38",
    "readAll(kw).hisRead(today).hisRollup(avg)": "expected ','.* at column 41",
    "readAll(kw).hisRead(today).hisRollup(avg, 7min)": "7min .* at column 43",
    "readAll(kw).hisRead(today).hisRollup(avg, 1day).fold": "unexpected.* at column 48",
    "readAll(kw)\n.hisRead(soon)": "at line 2, column 10",
    "__import__('os')": "expected a tag name|unexpected",
    "x" * 20_000: "longer than 16384 characters \\(cap FILTER_LENGTH\\)",
    f"readAll({'(' * 5_000}a": "nested deeper than 100",
}


@pytest.mark.parametrize("expr", REFUSED, ids=lambda expr: str(expr)[:30])
def test_refused(expr: Any) -> None:
    with pytest.raises(OpError, match=REFUSED[expr]) as raised:
        evaluate(InMemoryAdapter(), expr)
    is_parsed = isinstance(expr, str) and len(expr) <= parser.MAX_LENGTH
    assert str(raised.value).endswith(UNDERSTOOD) is is_parsed


def test_what_the_points_lack(store: StorageAdapter) -> None:
    fill(store)
    with pytest.raises(OpError, match=r"missing a condition on tz .*Denver, New_York"):
        evaluate(store, "readAll(kw).hisRead(today)")
    with pytest.raises(OpError, match="without a history"):
        evaluate(store, "readAll(site).hisRead(today)")
    with pytest.raises(OpError, match="matches no entities"):
        evaluate(store, "readAll(nosuch).hisRead(today)")


def test_a_scope(store: StorageAdapter) -> None:
    fill(store)
    view = store.visible_to(parse("far"))
    assert ids_of(evaluate(view, "readAll(kw)")) == ["far"]
    assert ids_of(evaluate(view, "read(kw)")) == ["far"]
    for expr in ("readById(@a)", "readById(@a).hisRead(today)"):
        with pytest.raises(UnknownEntity):
            evaluate(view, expr)
    found = evaluate(view, "readAll(kw).hisRead(today)")
    [col] = found.cols[1:]
    assert col.meta == {"id": Ref("far"), "dis": "Far"}


SEEDS = [
    "readAll(kw and siteRef->site).hisRead(lastMonth).hisRollup(max, 1day)",
    'readById(@a).hisRead(dateTime(2024-03-01,05:00:00,"UTC")..now-1day)',
    "read(a == 5kW or not b).hisRead(2024-01..today()-7day)",
    "(site and area > 1000m²) or ^ahu",
]
PIECES = [
    *"().,@^\"'`-+ \n\0é\ud800",
    "..",
    "today",
    "now",
    "2024-13",
    "9999-12-31",
    "1e999",
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 80), st.sampled_from(PIECES)), max_size=4),
    st.integers(0, 80),
)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_damaged_expressions(seed: str, pieces: list[Any], cut: int) -> None:
    """A Query whose range has a meaning, or a ParseError."""
    text = seed[:cut] + seed[cut + 1 :]
    for place, piece in pieces:
        text = text[:place] + piece + text[place:]
    try:
        query = parse_query(text)
    except ParseError:
        return
    if query.span is not None:
        with suppress(ParseError):
            parse_range(query.span, "New_York", NOW)
