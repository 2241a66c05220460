"""The storage contract: samples' times, and other names of their zone and unit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import REMOVE, DateTime, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import HistoryInUse, InvalidSample, NotHistorized
from tests.storage.building import at, history, point

NOON = at("2024-03-01 12:00")


def later(seconds: float) -> DateTime:
    return DateTime(NOON.utc + dt.timedelta(seconds=seconds), NOON.tz)


def times(store: StorageAdapter) -> list[str]:
    return [
        ts.removeprefix("2024-03-01T").removesuffix("-05:00")
        for ts, _ in history(store)
    ]


# -- precision ----------------------------------------------------------------


def test_samples_of_one_second(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(later(s), Number(s)) for s in (0, 0.25, 0.5, 43_199.25)])
    assert times(store) == ["12:00:00", "12:00:00.25", "12:00:00.5", "23:59:59.25"]
    store.his_write("p", [(later(0.25), REMOVE)])
    assert times(store) == ["12:00:00", "12:00:00.5", "23:59:59.25"]
    assert store.existing("p")["hisEnd"] == later(43_199.25)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        (Number(1, "sec"), ["12:00:00", "12:00:01", "12:07:01"]),
        (Number(250, "ms"), ["12:00:00.25", "12:00:00.5", "12:00:01.75", "12:07:01"]),
        (Number(1, "min"), ["12:00:00", "12:07:00"]),
        (Number(0.25, "h"), ["12:00:00"]),
    ],
)
def test_times_are_cut_to_the_precision(
    store: StorageAdapter, precision: Number, expected: list[str]
) -> None:
    store.load_entities([point(hisTsPrecision=precision)])
    offsets = (0.499, 0.5, 1.999_9, 421)
    store.his_write("p", [(later(s), Number(s)) for s in offsets])
    assert times(store) == expected


@pytest.mark.parametrize(
    "precision",
    [
        "1sec",
        Number(1),
        Number(7, "sec"),
        Number(0, "sec"),
        Number(-1, "sec"),
        Number(0.5, "ms"),
        Number(2, "day"),
        Number(float("nan"), "sec"),
    ],
)
def test_an_invalid_precision(store: StorageAdapter, precision: Any) -> None:
    store.load_entities([point(hisTsPrecision=precision)])
    with pytest.raises(
        NotHistorized, match="tag hisTsPrecision must be a part of a day"
    ):
        store.his_write("p", [(NOON, Number(1))])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Number(1, "sec"), None),
        (Number(1, "sec"), Number(500, "ms")),
        (Number(1, "min"), Number(1, "sec")),
        (None, Number(1, "ms")),
    ],
)
def test_a_finer_precision_of_a_history(
    store: StorageAdapter, before: Any, after: Any
) -> None:
    store.load_entities([point()])
    store.his_write("p", [(NOON, Number(1))])
    store.load_entities([point(hisTsPrecision=before)])
    store.load_entities([point(hisTsPrecision=after)])
    store.his_write("p", [(later(61.5), Number(2))])
    assert len(times(store)) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Number(1, "sec")),
        (Number(1, "ms"), Number(1, "min")),
        (Number(250, "ms"), Number(400, "ms")),
        (None, "1sec"),
    ],
)
def test_a_coarser_precision_of_a_history_is_refused(
    store: StorageAdapter, before: Any, after: Any
) -> None:
    """A sample between its steps could never be removed or replaced again."""
    store.load_entities([point(hisTsPrecision=before)])
    store.his_write("p", [(NOON, Number(1)), (later(0.25), Number(2))])
    with pytest.raises(HistoryInUse, match="'hisTsPrecision' cannot become coarser"):
        store.load_entities([point(hisTsPrecision=after)])
    store.his_write("p", [(later(0.25), REMOVE)])
    assert times(store) == ["12:00:00"]


def test_a_coarser_precision_that_all_samples_have(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(later(s), Number(s)) for s in (0, 60, 120)])
    store.load_entities([point(hisTsPrecision=Number(1, "min"))])
    store.his_write("p", [(later(60), REMOVE), (later(130), Number(3))])
    assert times(store) == ["12:00:00", "12:02:00"]


# -- zones and units ----------------------------------------------------------


@pytest.mark.parametrize(
    ("tz", "other"),
    [
        ("Kolkata", "Calcutta"),
        ("Calcutta", "Kolkata"),
        ("Kiev", "Kyiv"),
        ("Ho_Chi_Minh", "Saigon"),
        ("UTC", "Zulu"),
        ("UCT", "Universal"),
        ("GMT", "Greenwich"),
        ("New_York", "EST5EDT"),
        ("Oslo", "Berlin"),
    ],
)
def test_other_names_of_the_zone(store: StorageAdapter, tz: str, other: str) -> None:
    store.load_entities([point(tz=tz)])
    store.his_write("p", [(at("2024-03-01 12:00", other), Number(1))])
    [(_, value)] = history(store)
    assert value == Number(1)
    assert store.existing("p")["hisEnd"].tz == store.existing("p")["tz"] == tz
    store.load_entities([point(tz=other)])
    assert store.existing("p")["tz"] == other


@pytest.mark.parametrize(
    ("tz", "other"),
    [
        ("UTC", "GMT"),
        ("New_York", "Detroit"),
        ("London", "GMT"),
        ("New_York", "UTC"),
        ("GMT", "Reykjavik"),
    ],
)
def test_other_zones_are_refused(store: StorageAdapter, tz: str, other: str) -> None:
    store.load_entities([point(tz=tz)])
    with pytest.raises(
        InvalidSample, match=f"ts is in zone {other}, the point in {tz}"
    ):
        store.his_write("p", [(at("2024-03-01 12:00", other), Number(1))])
    store.his_write("p", [(at("2024-03-01 12:00", tz), Number(1))])
    with pytest.raises(HistoryInUse, match="tag 'tz' cannot change"):
        store.load_entities([point(tz=other)])


@pytest.mark.parametrize("tz", ["America/New_York", "US/Eastern", "Asia/Calcutta"])
def test_a_full_name_of_a_zone_is_stored_as_its_city(
    store: StorageAdapter, tz: str
) -> None:
    store.load_entities([point(tz=tz)])
    city = store.existing("p")["tz"]
    assert city == ("Calcutta" if tz == "Asia/Calcutta" else "New_York")
    store.his_write("p", [(at("2024-03-01 12:00", city), Number(1))])
    store.load_entities([point(tz=tz, dis="P")])
    assert store.existing("p")["tz"] == city


@pytest.mark.parametrize(
    ("unit", "other"), [("kilowatt", "kW"), ("kW", "kilowatt"), ("hour", "hr")]
)
def test_other_names_of_the_unit(store: StorageAdapter, unit: str, other: str) -> None:
    store.load_entities([point(unit=unit)])
    store.his_write("p", [(NOON, Number(1, other))])
    store.load_entities([point(unit=other)])
    assert history(store)[0][1] == Number(1, unit)
    with pytest.raises(HistoryInUse, match="tag 'unit' cannot change"):
        store.load_entities([point(unit="W")])


# -- values -------------------------------------------------------------------


def test_samples_without_a_value_are_skipped(store: StorageAdapter) -> None:
    store.load_entities([point()])
    store.his_write("p", [(NOON, None), (later(1), Number(1)), (None, None)])
    assert times(store) == ["12:00:01"]
    with pytest.raises(
        InvalidSample, match="sample 3: ts must be a DateTime, not null"
    ):
        store.his_write("p", [(NOON, None), (later(2), Number(1)), (None, Number(2))])
    assert times(store) == ["12:00:01"]


@pytest.mark.parametrize("number", [Number(-0.0), Number(-0.0, "kW")])
def test_minus_zero_is_zero(store: StorageAdapter, number: Number) -> None:
    tags = {"a": number, "b": [number], "c": {"d": number}}
    store.load_entities([point(unit=number.unit, **tags)])
    store.his_write("p", [(NOON, number)])
    record = store.existing("p")
    found = [record["a"], record["b"][0], record["c"]["d"], history(store)[0][1]]
    assert {str(one.val) for one in found} == {"0.0"}
