"""What the predecessor got wrong: watches and writes to points (numbers 40 to 50)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connections

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.ops import Context, OpError, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import StorageError, UnknownWatch
from haystack_app.storage.orm import OrmAdapter
from tests.defects.building import at, building, point, run

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
F = "°F"


@pytest.fixture
def full(store: StorageAdapter) -> StorageAdapter:
    store.load_entities([*building(), point("w", unit="°C", writable=MARKER)])
    return store


def ask(
    store: StorageAdapter,
    name: str,
    *ids: str,
    now: dt.datetime = NOW,
    **meta: Any,
) -> Grid:
    """A watch op on rows of ids."""
    op = find_op(name)
    assert op is not None
    request = Grid.of([{"id": Ref(id)} for id in ids], meta=meta)
    return op.run(Context(store, "joe", now=now), request)


def opened(store: StorageAdapter, *ids: str, **meta: Any) -> str:
    return str(ask(store, "watchSub", *ids, watchDis="t", **meta).meta["watchId"])


def ids(grid: Grid) -> list[str | None]:
    return [row["id"].id if row else None for row in grid]


def polled(store: StorageAdapter, id: str, **meta: Any) -> list[str | None]:
    return sorted(ids(ask(store, "watchPoll", watchId=id, **meta)), key=str)


def levels(store: StorageAdapter, id: str, now: dt.datetime) -> dict[int, Any]:
    return {number: level.val for number, level in store.point_array(id, now).items()}


def test_40_a_sub_has_a_row_for_each_id(full: StorageAdapter) -> None:
    answer = ask(full, "watchSub", "p1", "nope", "p2", watchDis="t")
    assert ids(answer) == ["p1", None, "p2"]
    none = ask(full, "watchSub", "nope", "missing", watchDis="t")
    assert (none.names, ids(none)) == (["id"], [None, None])


def test_41_the_first_poll_has_what_changed_since(full: StorageAdapter) -> None:
    id = opened(full, "p1", "p2")
    assert polled(full, id) == []
    assert polled(full, id, refresh=MARKER) == ["p1", "p2"]


@pytest.mark.parametrize("how", ["load", "commit", "pointWrite", "hisWrite", "cur"])
def test_42_a_change_is_sent(full: StorageAdapter, how: str) -> None:
    id = opened(full, "p1", "w")
    if how == "load":
        full.load_entities([{**building()[3], "dis": "changed"}])
    elif how == "commit":
        row = {"id": Ref("p1"), "dis": "changed", "mod": full.existing("p1")["mod"]}
        run(full, "commit", Grid.of([row], None, {"commit": "update"}))
    elif how == "pointWrite":
        run(full, "pointWrite", id=Ref("w"), level=Number(9), val=Number(5))
    elif how == "hisWrite":
        rows = [{"ts": at("2024-03-01 12:00"), "val": Number(71, F)}]
        run(full, "hisWrite", Grid.of(rows, None, {"id": Ref("p1")}))
    else:
        full.update_transient([{"id": Ref("p1"), "curVal": Number(5, F)}], force=True)
    changed = "w" if how == "pointWrite" else "p1"
    answer = ask(full, "watchPoll", watchId=id)
    assert [dict(row) for row in answer] == [full.existing(changed).tags]
    assert polled(full, id) == []


def test_42_a_change_by_sql_is_sent(sql_store: OrmAdapter) -> None:
    sql_store.load_entities(building())
    id = opened(sql_store, "s1", "s2")
    json = "%s::jsonb" if connections[sql_store.using].vendor != "sqlite" else "%s"
    with connections[sql_store.using].cursor() as cursor:
        tags = sql_store.existing("s1").raw.replace("Alpha", "Aleph")
        cursor.execute(f"UPDATE entities SET tags = {json} WHERE id = 's1'", [tags])
    [row] = ask(sql_store, "watchPoll", watchId=id)
    assert row["dis"] == "Aleph"


def test_43_no_watch_is_an_error_and_no_change_is_not(full: StorageAdapter) -> None:
    id = opened(full, "p1")
    ask(full, "watchUnsub", watchId=id, close=MARKER)
    for closed in (id, "missing"):
        with pytest.raises(UnknownWatch, match="open a new one"):
            ask(full, "watchPoll", watchId=closed)
        with pytest.raises(UnknownWatch, match="open a new one"):
            ask(full, "watchSub", "p1", watchId=closed)
        for meta in ({}, {"close": MARKER}):
            answer = ask(full, "watchUnsub", "p1", watchId=closed, **meta)
            assert (answer.names, list(answer)) == (["empty"], [])
    for op in ("watchPoll", "watchUnsub"):
        with pytest.raises(OpError, match="missing meta watchId"):
            ask(full, op, "p1")


def test_44_clients_cannot_choose_the_id_of_a_watch(full: StorageAdapter) -> None:
    with pytest.raises(UnknownWatch):
        ask(full, "watchSub", "p1", watchId="hijack", watchDis="t")
    with pytest.raises(UnknownWatch):
        ask(full, "watchPoll", watchId="hijack")
    assert opened(full, "p1") != opened(full, "p1")


def test_45_a_watch_ends_with_its_lease(full: StorageAdapter) -> None:
    id = opened(full, "p1", lease=Number(300, "s"))
    ends = NOW + 300 * SECOND
    ask(full, "watchPoll", watchId=id, now=ends - SECOND)
    ends += 299 * SECOND  # the poll renewed the lease
    for late in (ends, ends + dt.timedelta(days=30)):
        for op in ("watchPoll", "watchSub"):
            with pytest.raises(UnknownWatch):
                ask(full, op, watchId=id, now=late)
    assert full.watch_expire(ends) == 1
    assert full.watches_due(ends + dt.timedelta(days=30)) == []


def test_46_adding_returns_the_added_entities(full: StorageAdapter) -> None:
    id = opened(full, "p1", "p2")
    assert ids(ask(full, "watchSub", "s1", watchId=id)) == ["s1"]
    assert polled(full, id, refresh=MARKER) == ["p1", "p2", "s1"]


def test_47_a_manual_write_ends(full: StorageAdapter) -> None:
    id = opened(full, "w")
    op = find_op("pointWrite")
    assert op is not None
    row = {"id": Ref("w"), "level": Number(8), "val": Number(75)}
    request = Grid.of([{**row, "duration": Number(1, "s")}])
    op.run(Context(full, "joe", now=NOW), request)
    assert levels(full, "w", NOW) == {8: Number(75, "°C")}
    assert polled(full, id) == ["w"]
    assert levels(full, "w", NOW + 3 * SECOND) == {}
    assert full.release_due(NOW + 3 * SECOND) == ["w"]
    assert "writeVal" not in full.existing("w")
    assert polled(full, id) == ["w"]


def test_48_an_array_has_levels_and_writers(full: StorageAdapter) -> None:
    full.point_write("w", 10, Number(5), "joe")
    answer = run(full, "pointWrite", id=Ref("w"))
    assert {"level", "levelDis", "val", "who"} <= set(answer.names)
    rows = list(answer)
    assert len(rows) == 17
    assert (rows[9]["val"], rows[9]["who"]) == (Number(5, "°C"), "joe")
    assert [rows[n]["levelDis"] for n in (0, 7, 16)] == [
        "1 (emergency)",
        "8 (manual)",
        "def",
    ]


def test_49_the_effective_value_is_in_the_tags(full: StorageAdapter) -> None:
    for level in (16, 10):
        run(full, "pointWrite", id=Ref("w"), level=Number(level), val=Number(level))
    tags = full.existing("w")
    assert (tags["writeVal"], tags["writeLevel"]) == (Number(10, "°C"), Number(10))


@pytest.mark.parametrize(
    ("id", "level", "val"),
    [
        ("s1", 8, Number(1)),
        ("missing", 8, Number(1)),
        ("p4", 8, Number(1)),
        ("w", 8, "hi"),
        ("w", 8, False),
        ("w", 8, Number(70, F)),
        ("w", 8.7, Number(1)),
        ("w", 0, Number(1)),
        ("w", 18, Number(1)),
    ],
)
def test_50_what_makes_no_sense_is_refused(
    full: StorageAdapter, id: str, level: float, val: Any
) -> None:
    before = [record.raw for record in full.scan()]
    with pytest.raises((OpError, StorageError)):
        run(full, "pointWrite", id=Ref(id), level=Number(level), val=val)
    assert [record.raw for record in full.scan()] == before
    assert levels(full, "w", NOW) == {}
