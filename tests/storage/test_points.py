"""Priority arrays: what is effective, what is refused, what expires."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, REMOVE, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import (
    InvalidWrite,
    NotHistorized,
    NotWritable,
    UnknownEntity,
)
from haystack_app.storage.priority_array import Level
from tests.storage.building import at, entity, history, point, tags_of

Store = StorageAdapter
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def F(val: float) -> Number:
    return Number(val, "°F")


@pytest.fixture
def points(store: Store) -> Store:
    store.load_entities(
        [
            point("n", unit="°F", writable=MARKER),
            point("b", kind="Bool", writable=MARKER),
            point("t", kind="Str", writable=MARKER, curTracksWrite=MARKER),
            point("sensor"),
            point("odd", kind="Coord", writable=MARKER),
            entity("site", site=MARKER, writable=MARKER, kind="Number"),
        ]
    )
    return store


def written(store: Store, id: str) -> tuple[Any, Any]:
    tags = tags_of(store, id)
    return tags.get("writeVal"), tags.get("writeLevel")


def test_the_first_level_that_is_set_counts(points: Store) -> None:
    assert written(points, "n") == (None, None)
    steps: list[tuple[int, Number | None, tuple[Any, Any]]] = [
        (16, F(60), (F(60), Number(16))),
        (10, F(50), (F(50), Number(10))),
        (17, F(40), (F(50), Number(10))),
        (1, F(90), (F(90), Number(1))),
        (1, None, (F(50), Number(10))),
        (10, None, (F(60), Number(16))),
        (16, None, (F(40), Number(17))),
        (17, None, (None, Number(17))),
        (5, None, (None, Number(17))),
    ]
    for number, val, expected in steps:
        points.point_write("n", number, val, "joe")
        assert written(points, "n") == expected
    assert points.point_array("n", NOW) == {}


def test_levels_have_their_writer(points: Store) -> None:
    points.point_write("n", 8, F(70), "joe", NOW + SECOND)
    points.point_write("n", 17, Number(70), "ann")
    points.point_write("n", 8, F(71), "eve", NOW + 2 * SECOND)
    assert points.point_array("n", NOW) == {
        8: Level(F(71), "eve", NOW + 2 * SECOND),
        17: Level(F(70), "ann"),
    }


def test_other_kinds_and_a_point_whose_value_follows(points: Store) -> None:
    points.point_write("b", 3, False, "joe")
    assert written(points, "b") == (False, Number(3))
    points.point_write("t", 3, "", "joe")
    assert written(points, "t") == ("", Number(3))
    assert tags_of(points, "t")["curVal"] == ""
    points.point_write("t", 3, None, "joe")
    assert "curVal" not in tags_of(points, "t")
    assert tags_of(points, "t")["curStatus"] == "ok"


def test_writing_leaves_mod_alone(points: Store) -> None:
    before = points.existing("n")["mod"]
    points.point_write("n", 8, F(70), "joe")
    assert points.existing("n")["mod"] == before


@pytest.mark.parametrize(
    ("id", "number", "val", "error"),
    [
        ("n", 0, F(1), InvalidWrite),
        ("n", 18, F(1), InvalidWrite),
        ("n", 8, Number(1, "°C"), InvalidWrite),
        ("n", 8, "1", InvalidWrite),
        ("n", 8, True, InvalidWrite),
        ("n", 8, NA, InvalidWrite),
        ("n", 8, REMOVE, InvalidWrite),
        ("n", 8, Number(float("nan")), InvalidWrite),
        ("b", 8, Number(1), InvalidWrite),
        ("t", 8, MARKER, InvalidWrite),
        ("t", 8, "a\0b", ValueError),
        ("sensor", 8, Number(1), NotWritable),
        ("odd", 8, Number(1), NotWritable),
        ("site", 8, Number(1), NotWritable),
        ("site", 8, None, NotWritable),
        ("missing", 8, Number(1), UnknownEntity),
    ],
)
def test_what_cannot_be_written(
    points: Store, id: str, number: int, val: Any, error: type[ValueError]
) -> None:
    points.point_write("n", 12, F(5), "joe")
    with pytest.raises(error):
        points.point_write(id, number, val, "joe")
    assert written(points, "n") == (F(5), Number(12))
    assert list(points.point_array("n", NOW)) == [12]
    if id in "bt":
        assert written(points, id) == (None, None)


def test_what_is_in_the_trash_takes_nothing(points: Store) -> None:
    points.load_entities([point("n", unit="°F", writable=MARKER, trash=MARKER)])
    with pytest.raises(NotWritable, match="@n is in the trash"):
        points.point_write("n", 12, F(5), "joe")
    with pytest.raises(NotHistorized, match="@n is in the trash"):
        points.his_write("n", [(at("2024-03-01 12:00"), F(5))])
    assert points.point_array("n", NOW) == {}
    assert history(points, "n") == []


def test_a_manual_write_expires_once(points: Store) -> None:
    points.point_write("n", 17, F(40), "joe")
    points.point_write("n", 8, F(70), "joe", NOW + SECOND)
    points.point_write("b", 8, True, "joe", NOW + 3 * SECOND)
    assert points.release_due(NOW) == []
    assert written(points, "n") == (F(70), Number(8))
    assert list(points.point_array("n", NOW + SECOND)) == [17]
    assert points.release_due(NOW + SECOND) == ["n"]
    assert points.release_due(NOW + SECOND) == []
    assert written(points, "n") == (F(40), Number(17))
    assert points.release_due(NOW + 9 * SECOND) == ["b"]
    assert written(points, "b") == (None, Number(17))


def test_a_later_manual_write_decides_when_it_ends(points: Store) -> None:
    points.point_write("n", 8, F(70), "joe", NOW + SECOND)
    points.point_write("n", 8, F(71), "joe")
    assert points.release_due(NOW + 9 * SECOND) == []
    points.point_write("n", 8, F(72), "joe", NOW + 10 * SECOND)
    assert points.release_due(NOW + 9 * SECOND) == []
    assert written(points, "n") == (F(72), Number(8))


def test_only_manual_writes_expire(points: Store) -> None:
    points.point_write("n", 7, F(70), "joe", NOW)
    assert points.release_due(NOW + 9 * SECOND) == []
    assert written(points, "n") == (F(70), Number(7))
