"""The log of writes, followed by a cursor."""

from __future__ import annotations

import datetime as dt
from threading import Event, Thread

import pytest
from django.db import connections, transaction

from haystack_app.kinds import MARKER, Number
from haystack_app.models import PointWrite
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.orm import OrmAdapter
from tests.patience import PATIENCE
from tests.storage.building import point

NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)


def values(store: StorageAdapter, cursor: str, limit: int = 10) -> tuple[list, str]:
    page = store.writes_since(cursor, limit)
    return [write.val and write.val.val for _, write in page.entries], page.cursor


def test_each_entry_once(store: StorageAdapter) -> None:
    store.load_entities([point("a", writable=MARKER), point("b", writable=MARKER)])
    store.point_write("a", 8, Number(1), "Joe", now=NOW)
    page = store.writes_since(None, 10)
    assert not page.entries
    for number, id in ((2, "a"), (3, "b"), (4, "a")):
        store.point_write(id, 8, Number(number), "Joe", now=NOW)
    store.point_write("b", 8, None, "Ann", user="ann", now=NOW)
    found, cursor = values(store, page.cursor, 2)
    assert found == [2, 3]
    rest, end = values(store, cursor)
    assert rest == [4, None]
    assert values(store, end) == ([], end)
    entries = store.writes_since(page.cursor, 10).entries
    assert len({key for key, _ in entries}) == 4
    assert [write.id for _, write in entries] == ["a", "b", "a", "b"]


def test_pruned_entries_and_foreign_cursors(store: StorageAdapter) -> None:
    store.load_entities([point("a", writable=MARKER)])
    start = store.writes_since(None, 1).cursor
    store.point_write("a", 8, Number(1), "Joe", now=NOW)
    if not isinstance(store, OrmAdapter):
        assert values(store, "of another store")[0] == []
    while store.prune_writes(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=9), 100):
        pass
    assert values(store, start)[0] == []
    store.point_write("a", 8, Number(2), "Joe", now=NOW)
    assert values(store, start)[0] == [2]


@pytest.mark.django_db(databases=["default"])
def test_ids_that_are_rolled_back_are_not_waited_for_for_ever() -> None:
    store = OrmAdapter()
    store.load_entities([point("a", writable=MARKER)])
    store.point_write("a", 8, Number(9), "Joe", now=NOW)  # the ids before are used
    cursor = store.writes_since(None, 1).cursor
    for number in range(3):
        store.point_write("a", 8, Number(number), "Joe", now=NOW)
    rows = list(PointWrite.objects.order_by("id"))[1:]
    PointWrite.objects.filter(pk=rows[1].pk).delete()
    found, cursor = values(store, cursor)
    assert found == [0, 2]
    assert cursor == f"{rows[2].pk}-{rows[1].pk}"
    last = rows[2].pk + 10_000
    PointWrite(id=last, at=NOW, point_id="a", number=8, kind="release").save()
    page = store.writes_since(cursor, 10)
    assert len(page.entries) == 1
    assert len(page.cursor.split(",")) == 500
    assert page.cursor.startswith(f"{last}-") and page.cursor.endswith(str(last - 1))


@pytest.mark.django_db(transaction=True, databases=["default", "postgres"])
def test_a_writer_that_commits_after_a_later_one() -> None:
    if "postgres" not in connections:
        pytest.skip("SQLite has one writer at a time: no gaps")
    store = OrmAdapter(using="postgres")
    store.load_entities([point("a", writable=MARKER), point("b", writable=MARKER)])
    cursor = store.writes_since(None, 1).cursor
    has_id, may_commit = Event(), Event()

    def slow() -> None:
        with transaction.atomic(using="postgres"):
            store.point_write("a", 8, Number(1), "slow", now=NOW)
            has_id.set()
            may_commit.wait(PATIENCE)
        connections.close_all()

    thread = Thread(target=slow)
    thread.start()
    assert has_id.wait(PATIENCE)
    store.point_write("b", 8, Number(2), "quick", now=NOW)
    found, cursor = values(store, cursor)
    assert found == [2]
    may_commit.set()
    thread.join()
    store.point_write("b", 8, Number(3), "quick", now=NOW)
    found, cursor = values(store, cursor)
    assert found == [1, 3]
    assert values(store, cursor)[0] == []
