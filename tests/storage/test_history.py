"""The storage contract, histories: writing, reading, ranges."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, REMOVE, Coord, DateTime, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import (
    InvalidSample,
    NotHistorized,
    StorageError,
    UnknownEntity,
)
from tests.storage.building import HOUR, at, entity, history, numbers, point

NOON = at("2024-03-01 12:00")
NOON_TEXT = "2024-03-01T12:00:00-05:00"
INF = float("inf")


def later(seconds: float) -> DateTime:
    return DateTime(NOON.utc + dt.timedelta(seconds=seconds), NOON.tz)


def values(store: StorageAdapter, id: str = "p") -> list[Any]:
    return [value for _, value in history(store, id)]


# -- values -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "unit", "samples"),
    [
        ("Number", None, [Number(1.5), Number(-0.1), Number(1e300), Number(0)]),
        ("Number", "°F", [Number(71, "°F"), Number(71.25, "°F"), Number(5e-324, "°F")]),
        ("Number", "_widgets", [Number(5, "_widgets")]),
        ("Bool", None, [True, False]),
        ("Str", None, ["a", "", "ä € 😀 \"'\\ \n", "true", "12.5", "INF"]),
        ("Coord", None, [Coord(37.5, -77.4), Coord(-90, 180), Coord(0, 0)]),
    ],
)
def test_values_come_back(
    store: StorageAdapter, kind: str, unit: str | None, samples: list[Any]
) -> None:
    store.load_entities([point(kind=kind, unit=unit)])
    samples = [*samples, NA, samples[0]]
    store.his_write("p", [(later(i), value) for i, value in enumerate(samples)])
    found = values(store)
    assert found == samples
    assert [type(value) for value in found] == [type(value) for value in samples]


def test_a_number_without_a_unit_takes_the_points(store: StorageAdapter) -> None:
    store.load_entities([point(unit="°F")])
    store.his_write("p", [(NOON, Number(71))])
    assert values(store) == [Number(71, "°F")]


def test_a_unit_may_be_any_alias(store: StorageAdapter) -> None:
    store.load_entities([point(unit="fahrenheit")])
    store.his_write("p", [(NOON, Number(71, "°F"))])
    assert values(store) == [Number(71, "°F")]


def test_nan_and_infinities(store: StorageAdapter) -> None:
    store.load_entities([point(unit="kW")])
    special = [Number(math.nan), Number(INF, "kW"), Number(-INF), Number(1, "kW")]
    store.his_write("p", [(later(i), value) for i, value in enumerate(special)])
    found = values(store)
    assert math.isnan(found[0].val)
    assert found[1:] == [Number(INF), Number(-INF), Number(1, "kW")]


def test_other_values_among_numbers_keep_their_places(store: StorageAdapter) -> None:
    store.load_entities([point()])
    expected = [
        NA if index % 7 == 3 else Number(INF) if index % 11 == 5 else Number(index)
        for index in range(500)
    ]
    store.his_write("p", [(later(i), value) for i, value in enumerate(expected)])
    assert values(store) == expected


# -- order, duplicates, removal -----------------------------------------------


def test_unsorted_samples_are_sorted(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(later(s), Number(s)) for s in (5, 1, 9, 3)])
    store.his_write("p", [(later(s), Number(s)) for s in (4, 0, 10)])
    assert values(store) == [Number(s) for s in (0, 1, 3, 4, 5, 9, 10)]


def test_the_last_of_several_at_one_time_wins(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(NOON, Number(1)), (later(1), Number(5)), (NOON, Number(2))])
    assert values(store) == [Number(2), Number(5)]
    store.his_write("p", [(NOON, Number(3))])
    assert values(store) == [Number(3), Number(5)]
    store.his_write("p", [(NOON, NA)])
    assert values(store) == [NA, Number(5)]
    store.his_write("p", [(NOON, Number(4))])
    assert values(store) == [Number(4), Number(5)]


def test_remove_deletes_a_sample(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(later(s), Number(s)) for s in range(4)])
    store.his_write(
        "p", [(later(1), REMOVE), (later(8), REMOVE), (later(9), Number(9))]
    )
    assert values(store) == [Number(s) for s in (0, 2, 3, 9)]
    store.his_write("p", [(later(2), REMOVE), (later(2), Number(7))])
    store.his_write("p", [(later(3), Number(7)), (later(3), REMOVE)])
    assert values(store) == [Number(0), Number(7), Number(9)]


def test_one_history_an_entity(store: StorageAdapter) -> None:
    store.load_entities([point("p"), point("q", tz="Denver")])
    store.his_write("p", [(NOON, Number(1))])
    store.his_write("q", [(DateTime(NOON.utc, "Denver"), Number(2))])
    assert history(store, "p") == [(NOON_TEXT, Number(1))]
    assert history(store, "q") == [("2024-03-01T10:00:00-07:00", Number(2))]


def test_writing_nothing(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [])
    store.his_write_all({})
    store.his_write_all({"p": []})
    assert values(store) == []


def test_history_of_an_entity_added_again_is_empty(
    store: StorageAdapter,
) -> None:
    store.load_entities([point()])
    store.his_write("p", [(NOON, Number(1))])
    store.commit([], remove=["p"])
    store.load_entities([point()])
    assert values(store) == []


# -- time ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        (Number(1, "sec"), [NOON_TEXT, "2024-03-01T12:00:01-05:00"]),
        (
            None,
            [
                NOON_TEXT,
                "2024-03-01T12:00:00.001-05:00",
                "2024-03-01T12:00:00.999-05:00",
                "2024-03-01T12:00:01-05:00",
            ],
        ),
    ],
)
def test_times_are_floored(
    store: StorageAdapter, precision: Number | None, expected: list[str]
) -> None:
    store.load_entities([point(hisTsPrecision=precision)])
    offsets = (0, 0.000_999, 0.001, 0.001_5, 0.999_999, 1)
    store.his_write("p", [(later(s), Number(s)) for s in offsets])
    found = history(store)
    assert [ts for ts, _ in found] == expected
    assert found[0][1] == Number(0.000_999 if precision is None else 0.999_999)


def test_times_before_1970_are_floored_too(store: StorageAdapter) -> None:
    store.load_entities([point(tz="UTC")])
    ts = DateTime(dt.datetime(1955, 1, 1, 0, 0, 0, 500_400, dt.UTC))
    store.his_write("p", [(ts, Number(1))])
    assert history(store) == [("1955-01-01T00:00:00.5Z", Number(1))]


@pytest.mark.parametrize("tz", ["UTC", "Tokyo", "New_York"])
def test_years_from_1950(store: StorageAdapter, tz: str) -> None:
    store.load_entities([point(tz=tz)])
    for text in ("1950-01-01 00:00", "9998-12-31 00:00"):
        store.his_write("p", [(at(text, tz), Number(1))])
    with pytest.raises(InvalidSample, match="1950"):
        store.his_write("p", [(at("1949-12-31 23:59", tz), Number(1))])
    assert len(values(store)) == 2


def test_both_hours_of_a_repeated_one(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(26, at("2024-11-03 00:00")))
    found = [ts for ts, _ in history(store)]
    assert found[1:3] == ["2024-11-03T01:00:00-04:00", "2024-11-03T01:00:00-05:00"]
    assert found[25] == "2024-11-04T00:00:00-05:00"


# -- refusals -----------------------------------------------------------------

F = {"unit": "°F"}
REFUSED: list[tuple[dict[str, Any], DateTime | Any, Any, str]] = [
    (F, NOON, Number(70, "°C"), "unit must be °F, not °C"),
    ({}, NOON, Number(70, "°C"), "unit must be none, not °C"),
    (F, NOON, "12.5", 'must be a Number, not Str "12.5"'),
    (F, NOON, True, "must be a Number, not Bool T"),
    (F, NOON, MARKER, "Marker"),
    (F, NOON, Coord(1, 2), "must be a Number"),
    (F, NOON, 1.0, "must be a Number"),
    ({"kind": "Bool"}, NOON, Number(1), "must be a Bool"),
    ({"kind": "Str"}, NOON, Number(1), "must be a Str"),
    ({"kind": "Str"}, NOON, Ref("a"), "must be a Str"),
    ({"kind": "Str"}, NOON, "a\0b", "U\\+0000"),
    ({"kind": "Str"}, NOON, "\ud83d", "surrogate|UTF-8|utf-8"),
    ({"kind": "Coord"}, NOON, "C(1,2)", "must be a Coord"),
    ({"kind": "Date"}, NOON, dt.date(2024, 1, 1), "kind must be one of"),
    ({"kind": None}, NOON, Number(1), "kind must be one of"),
    ({"kind": Number(1)}, NOON, Number(1), "kind must be one of"),
    ({}, DateTime(NOON.utc, "UTC"), Number(1), "zone UTC, the point in New_York"),
    ({}, DateTime(NOON.utc, "Toronto"), Number(1), "zone Toronto"),
    ({}, at("1949-12-31 12:00"), Number(1), "1950"),
    ({}, dt.date(2024, 3, 1), Number(1), "must be a DateTime"),
    ({}, "2024-03-01", Number(1), "must be a DateTime"),
    ({}, NOON.utc, Number(1), "must be a DateTime"),
    ({}, None, Number(1), "must be a DateTime"),
]


@pytest.mark.parametrize(("tags", "ts", "value", "why"), REFUSED)
def test_a_sample_that_does_not_fit_its_point(
    store: StorageAdapter, tags: dict[str, Any], ts: Any, value: Any, why: str
) -> None:
    """Nothing of the request is stored, not even what came before the fault."""
    store.load_entities([point("p", **tags), point("good")])
    samples = {"good": [(NOON, Number(1))], "p": [(later(-1), NA), (ts, value)]}
    with pytest.raises(StorageError, match=f"@p.*({why})") as caught:
        store.his_write_all(samples)
    assert isinstance(caught.value, InvalidSample)
    if "kind must be" not in why:
        assert "sample 2" in str(caught.value)
    assert values(store, "good") == values(store, "p") == []


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (entity("x", site=MARKER), "no tag 'point'"),
        (entity("x", point=MARKER, tz="UTC", kind="Number"), "no tag 'his'"),
        (entity("x", his=MARKER, tz="UTC", kind="Number"), "no tag 'point'"),
        (point("x", tz=None), "no tag 'tz'"),
        (point("x", tz="Nowhere"), '"Nowhere"'),
        (point("x", tz="America/Nowhere"), "America/Nowhere"),
        (point("x", tz=Number(5)), "tz is not a time zone"),
        (point("x", unit="parsecs per fortnight"), "unknown unit"),
        (point("x", unit=Number(5)), "unit"),
    ],
)
def test_what_has_no_history(
    store: StorageAdapter, record: dict[str, Any], why: str
) -> None:
    store.load_entities([record, point("good")])
    with pytest.raises(NotHistorized, match=f"@x.*{why}"):
        store.his_read("x")
    with pytest.raises(NotHistorized, match=f"@x.*{why}"):
        store.his_write_all({"good": [(NOON, Number(1))], "x": [(NOON, Number(1))]})
    assert values(store, "good") == []


def test_an_unknown_point(store: StorageAdapter) -> None:
    store.load_entities([point("good")])
    with pytest.raises(UnknownEntity, match="unknown entity @missing"):
        store.his_read("missing")
    with pytest.raises(UnknownEntity, match="unknown entity @missing"):
        store.his_write_all({"good": [(NOON, Number(1))], "missing": []})
    assert values(store, "good") == []


# -- ranges and pages ---------------------------------------------------------


def test_start_is_included_and_end_is_not(store: StorageAdapter) -> None:
    store.load_entities([point(hisTsPrecision=Number(1, "ms"))])
    offsets = [-0.001, 0, 0.001, 9.999, 10, 10.001]
    store.his_write("p", [(later(s), Number(s)) for s in offsets])

    def found(start: DateTime | None, end: DateTime | None) -> list[float]:
        return [value.val for _, value in history(store, "p", start, end)]

    assert found(later(0), later(10)) == [0, 0.001, 9.999]
    assert found(later(0), None) == [0, 0.001, 9.999, 10, 10.001]
    assert found(None, later(10)) == [-0.001, 0, 0.001, 9.999]
    assert found(None, None) == offsets
    assert found(later(10), later(0)) == found(later(5), later(5)) == []
    assert found(later(20), None) == []


@pytest.mark.parametrize("count", [9_999, 10_000, 10_001, 25_000])
def test_more_samples_than_a_page(store: StorageAdapter, count: int) -> None:
    store.load_entities([point()])
    samples = numbers(count, NOON, dt.timedelta(seconds=60))
    store.his_write("p", samples)
    pairs = list(store.his_read("p").pairs())
    assert [value.val for _, value in pairs] == list(range(count))
    assert len({time for time, _ in pairs}) == count
    first, last = samples[1][0].utc, samples[-1][0].utc
    inner = [value.val for _, value in store.his_read("p", first, last).pairs()]
    assert inner == list(range(1, count - 1))


def test_other_values_on_every_page(store: StorageAdapter) -> None:
    store.load_entities([point()])
    places = (0, 9_999, 10_000, 10_001, 19_999, 20_000, 24_999)
    samples: list[Any] = numbers(25_000, NOON)
    for place in places:
        samples[place] = (samples[place][0], NA)
    store.his_write("p", samples)
    found = [value for _, value in store.his_read("p").pairs()]
    assert [place for place, value in enumerate(found) if value is NA] == list(places)
    assert found[10_002] == Number(10_002)


def test_a_series_can_be_read_again(store: StorageAdapter) -> None:
    store.load_entities([point()])
    series = store.his_read("p")
    store.his_write("p", numbers(3, NOON))
    assert len(list(series)) == len(list(series)) == 3


def test_one_history_can_be_written_while_another_is_read(
    store: StorageAdapter,
) -> None:
    """As a copy from point to point does, page by page."""
    store.load_entities([point("p"), point("q")])
    store.his_write("p", numbers(10_001, NOON))
    for time, value in store.his_read("p").pairs():
        if value.val % 5_000 == 0:
            ts = DateTime(dt.datetime.fromtimestamp(time // 10**6, dt.UTC), "New_York")
            store.his_write("q", [(ts, value)])
    assert values(store, "q") == [Number(0), Number(5_000), Number(10_000)]


def test_a_reader_that_stops_early_leaves_nothing_open(
    store: StorageAdapter,
) -> None:
    store.load_entities([point()])
    store.his_write("p", numbers(25_000, NOON))
    for _ in store.his_read("p").read():
        break
    store.his_write("p", [(NOON, Number(-1))])
    assert values(store)[:2] == [Number(-1), Number(1)]


def test_a_large_batch_over_many_points(store: StorageAdapter) -> None:
    names = [f"p{index}" for index in range(30)]
    store.load_entities(point(name) for name in names)
    store.his_write_all({name: numbers(100, NOON) for name in names})
    assert {len(values(store, name)) for name in names} == {100}
    assert DateTime(NOON.utc + 99 * HOUR, NOON.tz).iso == history(store, "p7")[-1][0]
