"""Relative times in filters: what they mean, on every store, and that none is kept."""

from __future__ import annotations

import datetime as dt
import functools
from random import Random
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from haystack_app import filters
from haystack_app.auth.permissions import parsed_scope
from haystack_app.filters import (
    And,
    Compare,
    Filter,
    Has,
    Missing,
    Or,
    is_relative,
    parse,
)
from haystack_app.filters.planner import Term, plan
from haystack_app.filters.times import Now, Today
from haystack_app.kinds import MARKER, DateTime, Number, Ref
from haystack_app.models import Entity, GroupScope
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import StorageError
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter, statements
from haystack_app.wire.errors import ParseError
from tests.api.conftest import Api, logged_in
from tests.defects.building import run
from tests.filters.test_equivalence import answer, load, prefer_index
from tests.storage.building import entity, ids, point

NOW = dt.datetime(2024, 6, 1, 10, 30, tzinfo=dt.UTC)
"""Still May in Niue, already the afternoon in Auckland, half past midnight in +14."""
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def at_now() -> Any:
    return time_machine.travel(NOW, tick=False)


# -- parsing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("now", Now()),
        ("now-2day", Now(-2 * DAY)),
        ("now - 2day", Now(-2 * DAY)),
        ("now+1hr", Now(HOUR)),
        ("now+ 1.5hr", Now(1.5 * HOUR)),
        ("now-500ms", Now(-dt.timedelta(milliseconds=500))),
        ("now-1wk", Now(-7 * DAY)),
        ("today", Today()),
        ("yesterday", Today(-1)),
        ("tomorrow", Today(1)),
        ("today-1wk", Today(-7)),
        ("yesterday+3day", Today(2)),
        ("today+48hr", Today(2)),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert parse(f"a < {text}") == Compare(("a",), "<", value)
    tree = parse(f"(a->b >= {text} and x) or not y")
    assert isinstance(tree, Or)
    assert is_relative(tree)
    assert tree.terms[0] == And((Compare(("a", "b"), ">=", value), Has(("x",))))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("now", Has(("now",))),
        ("not today", Missing(("today",))),
        ("now == 5", Compare(("now",), "==", Number(5))),
        ("a->today", Has(("a", "today"))),
        ("today < now", Compare(("today",), "<", Now())),
        (
            "a < now and today",
            And((Compare(("a",), "<", Now()), Has(("today",)))),
        ),
        ('a == "now"', Compare(("a",), "==", "now")),
    ],
)
def test_tags_with_these_names_are_tags(text: str, tree: Filter) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a < now-2", "expected a Number after now, such as 2day: ms, sec, min"),
        ("a < now-2kW", "ms, sec, min, hr, day or wk"),
        ("a < now-1mo", "ms, sec, min, hr, day or wk"),
        ("a < now-", "expected a Number after now"),
        ("a < now-x", "expected a Number after now"),
        ("a < now-2024-01-01", "expected a Number after now"),
        ("a < now-101000day", "at most 100 years"),
        ("a < today-1hr", r"whole days \(day or wk\)"),
        ("a < today+0.5day", "whole days"),
        ("a < later", "expected a value"),
        ("a < now5", "expected a value"),
    ],
)
def test_refused_values(text: str, why: str) -> None:
    with pytest.raises(ParseError, match=why) as caught:
        parse(text)
    assert "column" in str(caught.value)


# -- meaning -------------------------------------------------------------------------

RECORDS = [
    entity("hour", when=DateTime(NOW - HOUR, "New_York")),
    entity("days", when=DateTime(NOW - 2 * DAY, "UTC")),
    entity("exact", when=DateTime(NOW, "Tokyo")),
    entity("later", when=DateTime(NOW + HOUR, "UTC")),
    # the local day of its own zone: 31 May at the same instant as 1 June
    entity("niue", when=DateTime(NOW, "Niue"), niue=MARKER),
    entity("far", when=DateTime(NOW + 36 * HOUR, "Kiritimati")),
    entity("date", when=dt.date(2024, 6, 1)),
    entity("before", when=dt.date(2024, 5, 31)),
    entity("text", when="today"),
    entity("list", when=[DateTime(NOW, "UTC")]),
    entity("via", ref=Ref("hour")),
]
MEANINGS = {
    "when < now": ["days", "hour"],
    "when <= now": ["days", "exact", "hour", "niue"],
    "when > now-2hr": ["exact", "far", "hour", "later", "niue"],
    "when < now-1day": ["days"],
    "when == now": ["exact", "niue"],
    "when == now+1hr": ["later"],
    "when == today": ["date", "exact", "hour", "later", "niue"],
    "when < today": ["before", "days"],
    "when == yesterday": ["before"],
    "when >= tomorrow": ["far"],
    "when > today-1wk and when < today+1wk": [
        *("before", "date", "days", "exact", "far", "hour", "later", "niue")
    ],
    "when != today": ["before", "days", "far", "list", "text"],
    "when->date == today": ["exact", "hour", "later"],  # a Date of the server's zone
    "ref->when == today": ["via"],
    "ref->when < now-30min": ["via"],
    "not ref and when == today and niue": ["niue"],
}


def test_meanings(store: StorageAdapter) -> None:
    store.load_entities(RECORDS)
    with at_now():
        for text, expected in MEANINGS.items():
            assert sorted(ids(store.read(text))) == sorted(expected), text
        assert (
            sorted(ids(run(store, "read", filter="when == today")))
            == MEANINGS["when == today"]
        )


def test_dates_are_of_the_zone_of_the_server(
    store: StorageAdapter, settings: Any
) -> None:
    settings.TIME_ZONE = "Pacific/Niue"
    store.load_entities(RECORDS)
    with at_now():
        assert sorted(ids(store.read("when == today"))) == [
            *("before", "exact", "hour", "later", "niue")
        ]


def test_the_next_evaluation_is_at_another_time(store: StorageAdapter) -> None:
    store.load_entities(RECORDS)
    for later, expected in ((dt.timedelta(0), ["days", "hour"]), (2 * HOUR, None)):
        with time_machine.travel(NOW + later, tick=False):
            found = sorted(ids(store.read("when < now", 10)))
            revisions = store.revisions(parse("when < now"), 10)
        assert found == (expected or ["days", "exact", "hour", "later", "niue"])
        if revisions is not None:
            assert len(revisions) == len(found)


# -- every store as the matcher ------------------------------------------------------

ZONES = ("UTC", "New_York", "Kolkata", "Kiritimati", "Niue", "Apia", "Lord_Howe")
SETS, PAIRS = range(8), 80


class Drawn:
    """Records around a time, and filters with relative times on them."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)

    def when(self) -> Any:
        roll = self.random.random()
        moment = NOW + self.random.choice((-1, 1)) * self.random.choice(
            [dt.timedelta(0), dt.timedelta(microseconds=1), HOUR, 11 * HOUR, 25 * HOUR]
        ) * self.random.randint(0, 2)
        if roll < 0.3:
            return moment.date()
        value = DateTime(moment, self.random.choice(ZONES))
        if roll < 0.35:
            return [value, Ref("r1")]
        return "2024-06-01" if roll < 0.4 else value

    def record(self, id: str) -> dict[str, Any]:
        others = [f"r{n}" for n in range(14)]
        refs = [Ref(it) for it in self.random.sample(others, 2)]
        return {
            "id": Ref(id),
            "when": self.when(),
            "curVal": self.when(),
            "cfg": {"when": self.when(), "ref": refs[0]},
            "next": refs[0],
            "many": refs,
            **({"x": MARKER} if self.random.random() < 0.5 else {}),
        }

    def leaf(self) -> Filter:
        paths = ["when", "curVal", "cfg->when", "next->when", "many->when", "x"]
        paths += ["next->curVal", "many->next->when", "cfg->ref->when", "when->date"]
        path = tuple(self.random.choice(paths).split("->"))
        if path == ("x",):
            return self.random.choice((Has(path), Missing(path)))
        op = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        value = self.random.choice(
            [
                Today(self.random.randint(-2, 2)),
                Today(),
                Now(self.random.randint(-2, 2) * self.random.choice((HOUR, DAY))),
                Now(),
            ]
        )
        return Compare(path, op, value)

    def tree(self) -> Filter:
        if self.random.random() < 0.5:
            return self.leaf()
        kind = self.random.choice((And, Or))
        return kind((self.leaf(), self.leaf()))


@functools.cache
def drawn(index: int) -> tuple[list[dict[str, Any]], list[Filter]]:
    generator = Drawn(f"times-{index}")
    records = [generator.record(f"r{n}") for n in range(12)]
    return records, [generator.tree() for _ in range(PAIRS)]


@pytest.mark.parametrize("index", SETS)
def test_every_store_equals_the_matcher(store: StorageAdapter, index: int) -> None:
    records, trees = drawn(index)
    stored = load(store, records)
    prefer_index(store, index)
    by_id = {record["id"].id: record for record in stored}
    now = NOW + index * dt.timedelta(hours=3, minutes=7)
    answered = 0
    with time_machine.travel(now, tick=False):
        for tree in trees:
            resolved = filters.resolve_times(tree, now)
            right = {
                id
                for id, tags in by_id.items()
                if filters.matches(resolved, tags, by_id.get)
            }
            assert answer(store, tree) == right, tree
            answered += bool(right)
    assert answered > PAIRS / 3


def test_the_planner_has_no_term_for_a_day() -> None:
    day = filters.resolve_times(parse("when == today"), NOW)
    assert plan(day) == Term("when")
    assert plan(filters.resolve_times(parse("when == now"), NOW)) == Term(
        "when", (DateTime, NOW)
    )


# -- nothing is remembered -------------------------------------------------------------


def test_no_statement_is_remembered(sql_store: OrmAdapter) -> None:
    sql_store.load_entities(RECORDS)
    statements._statements.clear()
    for text in ("when < now", "when == today", "niue and when > now-1day"):
        sql_store.read(text, 10)
        sql_store.revisions(parse(text), 10)
    assert {key[-2] for key in statements._statements} <= {"frame", "ids"}
    sql_store.read("niue", 10)
    assert "rows" in {key[-2] for key in statements._statements}


def test_etags_follow_the_time(db: None) -> None:
    storages["default"].load_entities(RECORDS, replace=True)
    api = Api(logged_in("alice", "viewer"))
    for path in ("read?filter=when<now", "entities/?filter=when<now"):
        etag = ""
        for later, status in ((0, 200), (0, 304), (2, 200), (2, 304)):
            with time_machine.travel(NOW + later * HOUR, tick=False):
                headers = {"If-None-Match": etag, "Accept": "application/json"}
                found = api.client.get(f"/api/{path}", headers=headers)
                assert found.status_code == status, (path, later)
                etag = found["ETag"]


def test_querysets(db: None) -> None:
    OrmAdapter().load_entities(RECORDS)
    with at_now():
        found = Entity.objects.matching("when == yesterday")
        assert [it.pk for it in found] == ["before"]


# -- where they are refused, and where not ----------------------------------------------


def test_the_filter_of_a_group_has_none(db: None) -> None:
    group = Group.objects.create(name="a")
    for text in ("hisEnd < now", "site and (x or due == today)"):
        scope = GroupScope(group=group, filter=text)
        with pytest.raises(ValidationError, match="now and today are not allowed"):
            scope.full_clean()
        assert parsed_scope(text) == parsed_scope("(")  # matches nothing
    GroupScope(group=group, filter="now or today").full_clean()


def test_a_watch_has_none(store: StorageAdapter) -> None:
    with pytest.raises(StorageError, match="not allowed in a watch"):
        store.watch_open("t", owner="a", lease=60, now=NOW, filter="when < now")


def test_ops_by_filter(store: StorageAdapter) -> None:
    rows = [point("p", due=dt.date(2024, 6, 1)), point("q", due=dt.date(2024, 5, 1))]
    store.load_entities(rows)
    with at_now():
        grid = run(store, "hisRead", filter="due == today", range="today")
        assert [col.meta["id"].id for col in grid.cols[1:]] == ["p"]
        assert list(run(store, "defs", filter="when < now")) == []
