"""The op pointWrite over HTTP; rows 46 to 50 of the table of the predecessor."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from haystack_app.kinds import MARKER, NA, REMOVE, DateTime, Grid, Number, Ref
from haystack_app.storage.handler import storages
from haystack_app.wire import hayson_writer, zinc_writer
from tests.api.conftest import Api, grid_of
from tests.defects.building import point
from tests.storage.building import tags_of

JSON = "application/json"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def F(val: float) -> Number:
    return Number(val, "°F")


@pytest.fixture
def points(api: Api) -> Api:
    """Points for an ordinary user."""
    storages["default"].load_entities(
        [
            point("f", unit="°F", writable=MARKER),
            point("b", "Bool", writable=MARKER),
            point("t", "Str", writable=MARKER, curTracksWrite=MARKER),
            point("c", unit="°C", writable=MARKER),
            {"id": Ref("w"), "site": MARKER, "writable": MARKER},
        ]
    )
    return api


def write(api: Api, id: str, level: float, val: Any = None, **more: Any) -> Grid:
    row = {"id": Ref(id), "level": Number(level), "val": val, **more}
    answer = grid_of(api.post("pointWrite", Grid.of([row])))
    assert not answer.is_error, answer.meta
    assert list(answer) == []
    return answer


def refusal(api: Api, **row: Any) -> str:
    return api.error(api.post("pointWrite", Grid.of([row])))


def array(api: Api, id: str) -> Grid:
    return grid_of(api.post("pointWrite", Grid.of([{"id": Ref(id)}])))


def levels(api: Api, id: str) -> dict[int, Any]:
    return {int(row["level"].val): row["val"] for row in array(api, id) if "val" in row}


def written(id: str) -> tuple[Any, Any]:
    tags = tags_of(storages["default"], id)
    return tags.get("writeVal"), tags.get("writeLevel")


# -- reading ---------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["text/zinc", JSON])
def test_the_array_has_17_rows(points: Api, accept: str) -> None:
    """Row 48: levelDis and who, beside level and val."""
    write(points, "f", 17, F(60))
    write(points, "f", 3, F(70), who="The BAS")
    grid = grid_of(
        points.post("pointWrite", Grid.of([{"id": Ref("f")}]), accept=accept)
    )
    assert grid.names == [
        *("level", "levelDis", "val", "valDis", "who", "expires", "user")
    ]
    assert dict(grid.meta) == {
        "id": Ref("f"),
        "writeLevel": Number(3),
        "writeVal": F(70),
    }
    rows = [dict(row) for row in grid]
    assert [row["level"] for row in rows] == [Number(n) for n in range(1, 18)]
    labels = [row["levelDis"] for row in rows]
    assert labels[:2] == ["1 (emergency)", "2"]
    assert (labels[7], labels[16]) == ("8 (manual)", "def")
    assert rows[2] == {
        "level": Number(3),
        "levelDis": "3",
        "val": F(70),
        "valDis": "70°F",
        "who": "The BAS",
        "user": "alice",
    }
    assert (rows[16]["val"], rows[16]["who"]) == (F(60), "alice")
    assert all(set(row) == {"level", "levelDis"} for row in [*rows[:2], *rows[3:16]])


def test_an_array_without_values(points: Api) -> None:
    grid = array(points, "b")
    assert len(list(grid)) == 17
    assert dict(grid.meta) == {"id": Ref("b"), "writeLevel": Number(17)}
    assert written("b") == (None, None)


# -- writing ---------------------------------------------------------------------


def test_the_effective_value_is_in_the_tags(points: Api) -> None:
    """Row 49."""
    write(points, "f", 16, F(60))
    write(points, "f", 10, F(50))
    row = grid_of(points.get("read", id="@f")).first
    assert (row["writeVal"], row["writeLevel"]) == (F(50), Number(10))
    assert points.ids(filter="writeLevel == 10") == ["f"]
    write(points, "f", 10)
    assert written("f") == (F(60), Number(16))
    write(points, "f", 16)
    assert written("f") == (None, Number(17))


@pytest.mark.parametrize("body", ["no val", "null val", "hayson"])
def test_a_level_without_val_is_released(points: Api, body: str) -> None:
    write(points, "f", 8, F(60))
    if body == "hayson":
        row = hayson_writer.grid_text(Grid.of([{"id": Ref("f"), "level": Number(8)}]))
        answer = points.post("pointWrite", row, JSON)
    elif body == "null val":
        answer = points.post("pointWrite", 'ver:"3.0"\nid,level,val\n@f,8,\n')
    else:
        answer = points.post("pointWrite", 'ver:"3.0"\nid,level\n@f,8\n')
    assert not grid_of(answer).is_error
    assert levels(points, "f") == {}


def test_kinds_and_units(points: Api) -> None:
    write(points, "b", 5, False)
    assert (written("b"), levels(points, "b")) == ((False, Number(5)), {5: False})
    write(points, "t", 5, "on")
    assert tags_of(storages["default"], "t")["curVal"] == "on"
    write(points, "f", 5, Number(70))
    assert levels(points, "f") == {5: F(70)}


@pytest.mark.parametrize("form", ["text/zinc", JSON])
def test_invalid_writes(points: Api, form: str) -> None:
    """Row 50, and more; nothing of it is stored."""
    write(points, "f", 12, F(5))
    writer = hayson_writer if form == JSON else zinc_writer
    id, eight = Ref("f"), Number(8)
    for row, why in (
        ({"id": Ref("s1"), "level": eight, "val": F(1)}, "@s1 cannot be written"),
        ({"id": Ref("w"), "level": eight, "val": F(1)}, "no tag 'point'"),
        ({"id": Ref("n"), "level": eight, "val": Number(1)}, "no tag 'writable'"),
        (
            {"id": Ref("missing"), "level": eight, "val": F(1)},
            "unknown entity @missing",
        ),
        ({"id": Ref("missing")}, "unknown entity @missing"),
        ({"id": Ref("s1")}, "@s1 cannot be written"),
        ({"level": eight, "val": F(1)}, "missing id"),
        ({"id": "f", "level": eight}, "id must be a Ref"),
        ({"id": Ref("c"), "level": eight, "val": "hi"}, "val must be a Number"),
        ({"id": Ref("c"), "level": eight, "val": False}, "val must be a Number"),
        ({"id": Ref("c"), "level": eight, "val": F(1)}, "unit must be °C, not °F"),
        ({"id": id, "level": eight, "val": NA}, "val must be a Number"),
        ({"id": id, "level": eight, "val": REMOVE}, "val must be a Number"),
        ({"id": id, "level": eight, "val": Number(float("inf"))}, "finite"),
        ({"id": id, "level": Number(8.7), "val": F(1)}, "whole number from 1 to 17"),
        ({"id": id, "level": Number(0), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(18), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(18)}, "1 to 17"),
        ({"id": id, "level": Number(-1), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(1e30), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(float("inf")), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(float("nan")), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": Number(8, "m"), "val": F(1)}, "1 to 17"),
        ({"id": id, "level": "8", "val": F(1)}, "whole number from 1 to 17"),
        (
            {"id": id, "level": eight, "val": F(1), "who": Number(1)},
            "who must be a Str",
        ),
        ({"id": id, "level": eight, "val": F(1), "who": "a\0"}, "who: U+0000"),
        ({"id": id, "level": eight, "val": F(1), "duration": Number(5)}, "duration"),
        ({"id": id, "level": eight, "val": F(1), "duration": F(5)}, "duration"),
        ({"id": id, "level": eight, "val": F(1), "duration": "1h"}, "duration"),
        (
            {"id": id, "level": eight, "val": F(1), "duration": Number(0, "s")},
            "positive",
        ),
        (
            {"id": id, "level": eight, "val": F(1), "duration": Number(-1, "s")},
            "positive",
        ),
        (
            {"id": id, "level": eight, "val": F(1), "duration": Number(1e300, "day")},
            "at most ten years",
        ),
        (
            {
                "id": id,
                "level": eight,
                "val": F(1),
                "duration": Number(float("nan"), "s"),
            },
            "duration",
        ),
    ):
        body = writer.grid_text(Grid.of([row]))
        assert why in points.error(points.post("pointWrite", body, form)), row
    for bad in ("s1", "w", "n", "c"):
        assert written(bad) == (None, None)
    assert levels(points, "f") == {12: F(5)}
    assert written("f") == (F(5), Number(12))


def test_an_empty_request(points: Api) -> None:
    assert points.error(points.post("pointWrite")) == "missing id"


def test_get_writes_nothing(points: Api) -> None:
    for arguments in ({"id": "@f"}, {"id": "@f", "level": "8", "val": "5"}):
        answer = points.get("pointWrite", **arguments)
        assert answer.status_code == 405
        assert answer["Allow"] == "POST, OPTIONS"
    assert levels(points, "f") == {}


def test_writing_does_not_change_mod(points: Api) -> None:
    store = storages["default"]
    before = store.existing("f")["mod"], len(store.changes_of("f"))
    write(points, "f", 8, F(70))
    assert (store.existing("f")["mod"], len(store.changes_of("f"))) == before


# -- time ------------------------------------------------------------------------


def test_a_manual_write_expires(points: Api) -> None:
    """Row 47: effective until the duration ends, then the next level is."""
    store = storages["default"]
    with time_machine.travel(NOON, tick=False) as clock:
        write(points, "f", 17, F(60))
        write(points, "f", 8, F(75), duration=Number(1, "s"))
        row = list(array(points, "f"))[7]
        assert row["expires"] == DateTime(NOON + SECOND)
        assert store.release_due(NOON) == []
        clock.shift(SECOND)
        # before a tick
        assert levels(points, "f") == {17: F(60)}
        assert array(points, "f").meta["writeVal"] == F(60)
        assert store.release_due(NOON + SECOND) == ["f"]
        assert store.release_due(NOON + SECOND) == []
    assert written("f") == (F(60), Number(17))


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (Number(1500, "ms"), 1.5),
        (Number(2, "min"), 120),
        (Number(0.5, "h"), 1800),
        (Number(1, "day"), 86_400),
        (Number(1, "wk"), 604_800),
        (Number(90, "sec"), 90),
    ],
)
def test_units_of_a_duration(points: Api, duration: Number, seconds: float) -> None:
    with time_machine.travel(NOON, tick=False):
        write(points, "f", 8, F(75), duration=duration)
        expires = list(array(points, "f"))[7]["expires"]
    assert expires.utc == NOON + dt.timedelta(seconds=seconds)


def test_a_duration_matters_for_a_value_at_level_8_alone(points: Api) -> None:
    write(points, "f", 9, F(75), duration=Number(1, "s"))
    assert "expires" not in list(array(points, "f"))[8]
    write(points, "f", 8, F(75), duration=Number(1, "s"))
    write(points, "f", 8, F(76))
    assert "expires" not in list(array(points, "f"))[7]
    write(points, "f", 8, duration=Number(1, "s"))
    assert levels(points, "f") == {9: F(75)}
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert storages["default"].release_due(later) == []


def test_a_project(points: Api, memory: Any) -> None:
    memory.load_entities([point("m", writable=MARKER)])
    write(Api(points.client, "memory"), "m", 8, Number(5))
    assert tags_of(memory, "m")["writeVal"] == Number(5)
