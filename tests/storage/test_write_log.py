"""The storage contract: the log of writes to priority arrays, and limits of a point."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, DateTime, Grid, Number, Ref
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import InvalidWrite, UnknownEntity
from haystack_app.storage.priority_array import Level
from haystack_app.storage.write_log import LevelWrite
from tests.storage.building import entity, history, point

NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def writable(id: str = "w", **tags: Any) -> dict[str, Any]:
    return point(id, writable=MARKER, cur=MARKER, **tags)


def call(store: StorageAdapter, user: str, **row: Any) -> Grid:
    op = find_op("pointWrite")
    assert op is not None
    context = Context(store, user, has_permission=lambda name: True, now=NOW)
    return op.run(context, Grid.of([row]))


# -- the log ------------------------------------------------------------------


def test_every_write_is_logged(store: StorageAdapter) -> None:
    store.load_entities([writable(), writable("other")])
    until = NOW + MINUTE
    store.point_write("w", 8, Number(5), "Joe", until, user="joe", now=NOW)
    store.point_write("other", 9, Number(1), "Joe", user="joe", now=NOW)
    store.point_write("w", 16, Number(6), "", user="ann", now=NOW + MINUTE)
    store.point_write("w", 16, None, "Ann", user="ann", now=NOW + MINUTE)
    assert store.release_due(NOW + 2 * MINUTE) == ["w"]
    assert store.writes_of("w") == [
        LevelWrite(NOW + 2 * MINUTE, "w", 8, "expire"),
        LevelWrite(NOW + MINUTE, "w", 16, "release", None, "Ann", "ann"),
        LevelWrite(NOW + MINUTE, "w", 16, "set", Number(6), "", "ann"),
        LevelWrite(NOW, "w", 8, "set", Number(5), "Joe", "joe", until),
    ]
    assert store.writes_of("w", 1) == [LevelWrite(NOW + 2 * MINUTE, "w", 8, "expire")]
    assert [write.number for write in store.writes_of("other")] == [9]


def test_what_is_refused_is_not_logged(store: StorageAdapter) -> None:
    store.load_entities([writable()])
    with pytest.raises(InvalidWrite):
        store.point_write("w", 8, "five", "joe")
    with pytest.raises(RuntimeError), store.locked(["w"]):
        store.point_write("w", 8, Number(5), "joe")
        raise RuntimeError
    assert store.writes_of("w") == []
    with pytest.raises(UnknownEntity):
        store.writes_of("missing")


def test_writes_are_not_in_the_change_log(store: StorageAdapter) -> None:
    store.load_entities([writable()])
    end = store.changes_since(None, 1).cursor
    for number in range(1, 18):
        store.point_write("w", number, Number(5), "joe")
    page = store.changes_since(end, 100)
    assert (page.entries, page.cursor) == ([], end)
    assert len(store.writes_of("w")) == 17


def test_the_log_is_pruned_apart(store: StorageAdapter) -> None:
    store.load_entities([writable()])
    store.point_write("w", 8, Number(5), "joe")
    now = dt.datetime.now(dt.UTC)
    assert store.prune_writes(now - MINUTE) == 0
    assert len(store.writes_of("w")) == 1
    assert store.prune_writes(now + MINUTE) == 1
    assert store.writes_of("w") == []
    assert list(store.changes_of("w"))
    assert store.point_array("w", NOW) == {8: Level(Number(5), "joe")}


def test_scoped_callers_see_writes_of_the_present_point(store: StorageAdapter) -> None:
    store.load_entities([writable(), writable("hidden")])
    north = store.visible_to(parse("north"))
    for id in ("w", "hidden"):
        store.point_write(id, 8, Number(5), "joe")
        with pytest.raises(UnknownEntity):
            north.writes_of(id)
    store.commit([], remove=["w"])
    store.load_entities([writable(north=MARKER)])
    north.point_write("w", 9, Number(6), "ann")
    assert [write.who for write in north.writes_of("w")] == ["ann"]
    assert [write.who for write in store.writes_of("w")] == ["ann", "joe"]


# -- who and user -------------------------------------------------------------


def test_who_is_as_given_and_user_is_the_login(store: StorageAdapter) -> None:
    store.load_entities([writable()])
    call(store, "mallory", id=Ref("w"), level=Number(8), val=Number(5), who="alice")
    call(store, "mallory", id=Ref("w"), level=Number(16), val=Number(6))
    rows = list(call(store, "bob", id=Ref("w")))
    assert len(rows) == 17
    assert (rows[7]["who"], rows[7]["user"]) == ("alice", "mallory")
    assert (rows[15]["who"], rows[15]["user"]) == ("mallory", "mallory")
    assert "user" not in rows[0]
    first, second = store.writes_of("w")
    assert (second.who, second.user) == ("alice", "mallory")
    assert first.user == "mallory"


def test_a_point_in_the_trash_is_unknown(store: StorageAdapter) -> None:
    store.load_entities([writable()])
    store.point_write("w", 8, Number(5), "joe")
    store.load_entities([writable(trash=MARKER)])
    with pytest.raises(UnknownEntity):
        call(store, "joe", id=Ref("w"))


# -- what may be written ------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "good", "bad", "why"),
    [
        ({"kind": "Str", "enum": "off, slow,fast"}, "slow", "Slow", "off, slow, fast"),
        ({"kind": "Str", "enum": ["on", "off"]}, "on", "auto", "one of on, off"),
        ({"kind": "Str", "enum": {"on": Number(1)}}, "on", "", "one of on"),
        (
            {"kind": "Str", "enum": Grid.of([{"name": "heat"}, {"name": "cool"}])},
            "cool",
            "auto",
            "one of heat, cool",
        ),
        (
            {"unit": "°F", "minVal": Number(50, "°F"), "maxVal": Number(90, "°F")},
            Number(50),
            Number(49.9),
            "at least 50°F, not 49.9°F",
        ),
        ({"unit": "kW", "maxVal": Number(9)}, Number(9, "kW"), Number(10), "at most 9"),
        ({"minVal": Number(0)}, Number(0), Number(-1), "at least 0, not -1"),
    ],
)
def test_values_outside_what_the_point_says(
    store: StorageAdapter, tags: dict[str, Any], good: Any, bad: Any, why: str
) -> None:
    store.load_entities([writable(**tags)])
    store.point_write("w", 8, good, "joe")
    with pytest.raises(InvalidWrite, match=f"@w: val must be .*{why}"):
        store.point_write("w", 8, bad, "joe")
    assert list(store.point_array("w", NOW)) == [8]
    store.point_write("w", 8, None, "joe")
    # what was measured is data
    store.cur_write({"w": Current(bad)})
    store.his_write("w", [(DateTime(NOW, "New_York"), bad)])
    assert len(history(store, "w")) == 1


def test_limits_in_another_unit_limit_nothing(store: StorageAdapter) -> None:
    store.load_entities([writable(unit="°F", maxVal=Number(30, "°C"))])
    store.point_write("w", 8, Number(70), "joe")


@pytest.mark.parametrize(
    ("tags", "val", "text"),
    [
        ({"unit": "°F"}, Number(72), "72°F"),
        ({"kind": "Bool", "enum": "closed,open"}, True, "open"),
        ({"kind": "Bool"}, False, "false"),
        ({"kind": "Str", "enum": "off,on"}, "on", "on"),
    ],
)
def test_rows_have_the_display_of_the_value(
    store: StorageAdapter, tags: dict[str, Any], val: Any, text: str
) -> None:
    store.load_entities([writable(**tags), entity("s")])
    store.point_write("w", 8, val, "joe")
    rows = list(call(store, "joe", id=Ref("w")))
    assert rows[7]["valDis"] == text
    assert "valDis" not in rows[0]


# -- all points ---------------------------------------------------------------


def keys(
    store: StorageAdapter, cursor: str | None, limit: int
) -> list[tuple[str, int]]:
    page = store.writes_before(cursor, limit)
    return [(write.id, write.number) for _, write in page.entries]


def test_writes_to_all_points_are_paginated(store: StorageAdapter) -> None:
    store.load_entities([writable("a"), writable("b")])
    assert store.writes_before(None, 3).cursor == ""
    for number in range(2, 9):
        store.point_write("ab"[number % 2], number, Number(1), "joe")
    found, cursor = [], None
    for _ in range(3):
        page = store.writes_before(cursor, 3)
        found += [write.number for _, write in page.entries]
        cursor = page.cursor
    assert (found, cursor) == ([8, 7, 6, 5, 4, 3, 2], "")
    first = store.writes_before(None, 3).cursor
    store.point_write("a", 9, Number(1), "joe")  # pages do not move
    assert keys(store, first, 2) == [("b", 5), ("a", 4)]
    for wrong in ("", "x", "1;2", "-1", "9" * 30):
        with pytest.raises(InvalidWrite, match="invalid cursor"):
            store.writes_before(wrong, 3)


def test_all_writes_that_a_scope_shows(store: StorageAdapter) -> None:
    store.load_entities([writable(), writable("hidden")])
    north = store.visible_to(parse("north"))
    for id in ("w", "hidden"):
        store.point_write(id, 8, Number(5), "joe")
    store.commit([], remove=["w"])
    store.load_entities([writable(north=MARKER)])
    north.point_write("w", 9, Number(6), "ann")
    assert keys(north, None, 10) == [("w", 9)]
    assert keys(store, None, 10) == [("w", 9), ("hidden", 8), ("w", 8)]
