"""The change log as it grows: readers get every entry exactly once."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.models import Change as ChangeRow
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import CursorExpired, OutOfScope
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.memory import log as memory_log
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import entity
from tests.storage.test_concurrency import at_once, committed, elsewhere

WRITERS = 8
TURNS = 10
NOW = dt.datetime.now(dt.UTC)
LATER = NOW + dt.timedelta(days=1)


class Undone(Exception):
    pass


def end_of(store: StorageAdapter) -> int:
    return store.changes_since(None, 1).cursor


def rest(store: StorageAdapter, cursor: int, limit: int = 2) -> list[tuple[int, Any]]:
    """All entries after a cursor, page by page."""
    found: list[tuple[int, Any]] = []
    while True:
        part = store.changes_since(cursor, limit)
        assert len(part.entries) <= limit
        found.extend(part.entries)
        cursor = part.cursor
        if not part.more:
            return found


def told(entries: list[tuple[int, Any]]) -> list[tuple[str, str]]:
    places = [place for place, _ in entries]
    assert places == sorted(set(places))
    return [(change.kind, change.id) for _, change in entries]


def test_entries_in_the_order_of_the_commits(store: StorageAdapter) -> None:
    begin = end_of(store)
    assert rest(store, begin) == []
    store.load_entities([entity("b"), entity("a")], who="joe")
    store.update_entities([{"id": Ref("b"), "v": Number(1)}], force=True)
    middle = end_of(store)
    store.commit([], remove=["a"], who="ann")
    store.load_entities([entity("b", v=Number(1))])  # as it is
    entries = rest(store, begin)
    assert sorted(told(entries)[:2]) == [("add", "a"), ("add", "b")]
    assert told(entries)[2:] == [("update", "b"), ("remove", "a")]
    assert told(rest(store, middle)) == [("remove", "a")]
    assert entries[-1][0] == end_of(store)
    update, removal = entries[2][1], entries[3][1]
    assert (update.before.raw, dict(update.after)) == ("{}", {"v": Number(1)})
    assert (removal.who, removal.before["id"]) == ("ann", Ref("a"))
    assert update.at <= removal.at


def test_parts(store: StorageAdapter) -> None:
    begin = end_of(store)
    store.load_entities([entity(f"e{number}") for number in range(5)])
    part = store.changes_since(begin, 3)
    assert (len(part.entries), part.more) == (3, True)
    assert part.cursor == part.entries[-1][0]
    part = store.changes_since(part.cursor, 2)
    assert (len(part.entries), part.more) == (2, False)
    part = store.changes_since(part.cursor, 2)
    assert (part.entries, part.more) == ([], False)
    assert told(rest(store, begin, 1)) == told(rest(store, begin, 100))


def test_transient_tags_are_not_in_it(store: StorageAdapter) -> None:
    store.load_entities([entity("a", v=Number(1))])
    begin = end_of(store)
    store.update_transient([{"id": Ref("a"), "curVal": Number(1)}], force=True)
    assert rest(store, begin) == []


def test_what_is_refused_is_not_in_it(store: StorageAdapter) -> None:
    store.load_entities([entity("a", site=MARKER)])
    begin = end_of(store)
    own = store.visible_to(store.parsed("site"))
    with pytest.raises(OutOfScope):
        own.load_entities([entity("b", site=MARKER), entity("c")])
    store.load_entities([entity("d")])
    assert told(rest(store, begin)) == [("add", "d")]


def test_a_place_of_another_log(store: StorageAdapter) -> None:
    store.load_entities([entity("a")])
    with pytest.raises(CursorExpired, match="another log"):
        store.changes_since(end_of(store) + 1, 5)
    with pytest.raises(CursorExpired):
        store.changes_since(10**30, 5)


def test_pruning(store: StorageAdapter) -> None:
    begin = end_of(store)
    assert store.prune_changes(LATER) == 0
    store.load_entities([entity(f"e{number}") for number in range(5)])
    assert store.prune_changes(NOW - dt.timedelta(days=1)) == 0
    places = [place for place, _ in rest(store, begin)]
    assert store.prune_changes(LATER, limit=2) == 2
    with pytest.raises(CursorExpired, match="too old") as caught:
        store.changes_since(begin, 5)
    assert caught.value.oldest == places[1]
    with pytest.raises(CursorExpired):
        store.changes_since(places[0], 5)
    assert [place for place, _ in rest(store, places[1])] == places[2:]
    assert store.prune_changes(LATER) == 3
    assert store.prune_changes(LATER) == 0
    assert end_of(store) == places[4]
    assert rest(store, places[4]) == []
    with pytest.raises(CursorExpired):
        store.changes_since(places[3], 5)
    store.load_entities([entity("f")])
    assert told(rest(store, places[4])) == [("add", "f")]


def test_only_the_beginning_is_pruned(sql_store: OrmAdapter) -> None:
    """One entry with a wrong clock keeps the entries after it."""
    begin = end_of(sql_store)
    sql_store.load_entities([entity(f"e{number}") for number in range(3)])
    places = [place for place, _ in rest(sql_store, begin)]
    rows = ChangeRow.objects.using(sql_store.using)
    rows.filter(id=places[1]).update(at=LATER + dt.timedelta(days=1))
    assert sql_store.prune_changes(LATER) == 1
    assert [place for place, _ in rest(sql_store, places[0])] == places[1:]


def test_the_memory_forgets_what_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_log, "MOST", 3)
    store = InMemoryAdapter()
    begin = end_of(store)
    store.load_entities([entity(f"e{number}") for number in range(5)])
    with pytest.raises(CursorExpired, match=f"oldest cursor is {begin + 2}"):
        store.changes_since(begin, 9)
    assert len(rest(store, begin + 2)) == 3
    with pytest.raises(CursorExpired):  # of a process before
        InMemoryAdapter().changes_since(begin, 9)


# -- beside writers -----------------------------------------------------------


class Follower(threading.Thread):
    """Reads the log from a cursor until it is stopped after the last write."""

    def __init__(self, store: StorageAdapter, cursor: int, limit: int) -> None:
        super().__init__()
        self.store, self.cursor, self.limit = store, cursor, limit
        self.over = threading.Event()
        self.found: list[tuple[int, Any]] = []

    def run(self) -> None:
        try:
            more = True
            while more or not self.over.is_set():
                over = self.over.is_set()
                part = self.store.changes_since(self.cursor, self.limit)
                self.found.extend(part.entries)
                self.cursor = part.cursor
                more = part.more or not over
        finally:
            connections.close_all()


def write(store: StorageAdapter, number: int, kept: list[tuple[str, str]]) -> None:
    """Commits, some of them in a caller's transaction, and some of these undone."""
    lot = random.Random(number)
    for turn in range(TURNS):
        id = f"w{number}.{turn}"
        if not isinstance(store, OrmAdapter) or lot.random() < 0.5:
            store.load_entities([entity(id), entity(f"{id}.b")])
            kept += [("add", id), ("add", f"{id}.b")]
            continue
        try:
            with transaction.atomic(using=store.using):
                store.load_entities([entity(id)])
                try:
                    with transaction.atomic(using=store.using):
                        store.load_entities([entity(f"{id}.b")])
                        if lot.random() < 0.4:
                            raise Undone
                    inner = [("add", f"{id}.b")]
                except Undone:
                    inner = []
                store.commit([], remove=[id])
                if lot.random() < 0.3:
                    raise Undone
            kept += [("add", id), *inner, ("remove", id)]
        except Undone:
            pass


@pytest.fixture
def followers(store: StorageAdapter) -> Iterator[list[Follower]]:
    started: list[Follower] = []
    yield started
    for one in started:
        one.over.set()
        one.join(30)


@committed
def test_followers_beside_writers(
    store: StorageAdapter, followers: list[Follower]
) -> None:
    begin = end_of(store)
    followers += [Follower(store, begin, limit) for limit in (1, 7, 1_000)]
    for one in followers:
        one.start()
    kept: list[list[tuple[str, str]]] = [[] for _ in range(WRITERS)]
    works = [lambda n=n: write(store, n, kept[n]) for n in range(WRITERS)]
    assert at_once(works) == [None] * WRITERS  # type: ignore[arg-type]
    wanted = sorted(told(rest(store, begin, 100)))
    assert wanted == sorted(one for own in kept for one in own)
    for one in followers:
        one.over.set()
        one.join(60)
        assert told(one.found) == told(rest(store, begin, 100))


@committed
def test_an_entry_after_an_unfinished_one_waits(sql_store: OrmAdapter) -> None:
    """Ids that are drawn by a transaction which is not over yet hide no other."""
    if connections[sql_store.using].vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: the other one waits for it")
    begin = end_of(sql_store)
    second = threading.Thread(
        target=lambda: elsewhere(lambda: sql_store.load_entities([entity("second")]))
    )
    with transaction.atomic(using=sql_store.using):
        sql_store.load_entities([entity("first", site=MARKER)])
        second.start()
        second.join(1.0)
        assert second.is_alive()
        assert elsewhere(lambda: rest(sql_store, begin)) == []
    second.join(30)
    assert told(rest(sql_store, begin)) == [("add", "first"), ("add", "second")]


@committed
def test_pruners_at_once(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([entity(f"e{number}") for number in range(100)])
    end = end_of(sql_store)
    counts = at_once([lambda: sql_store.prune_changes(LATER, limit=30)] * 4)
    assert sum(counts) == 100
    assert max(counts) == 30
    with pytest.raises(CursorExpired, match=f"oldest cursor is {end}"):
        sql_store.changes_since(end - 1, 5)
    assert rest(sql_store, end) == []
