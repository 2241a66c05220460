"""Samples of many points, each from a time of its own on, with the newest before it."""

from __future__ import annotations

from haystack_app.kinds import NA, Number
from haystack_app.kinds.series import microseconds_of
from haystack_app.storage.base import StorageAdapter
from tests.storage.building import HOUR, at, numbers, point

NOON = at("2024-03-01 12:00")


def time(hours: float) -> int:
    return microseconds_of(NOON.utc + hours * HOUR)


def test_since(store: StorageAdapter) -> None:
    store.load_entities([point("a"), point("b"), point("c")])
    store.his_write("a", numbers(5, NOON))
    store.his_write("b", [*numbers(1, NOON), (at("2024-03-01 13:00"), NA)])
    store.his_write("a", [(at("2024-03-01 16:00"), Number(float("nan")))])
    found = store.his_since(
        {"a": time(2.5), "b": time(-1), "c": time(0), "unknown": time(0)}
    )
    assert [at for at, _ in found["a"]] == [time(2), time(3), time(4)]
    assert [value for _, value in found["a"]][:2] == [2.0, 3.0]
    assert found["b"] == [(time(0), 0.0), (time(1), NA)]
    assert found["c"] == found["unknown"] == []
    assert [one for one, _ in store.his_since({"a": time(1)})["a"]][:2] == [
        *(time(0), time(1)),
    ]
    assert store.his_since({"b": time(9)}) == {"b": [(time(1), NA)]}
    assert store.his_since({}) == {}
