"""The storage contract: a removed sample takes its current value back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app.kinds import MARKER, NA, REMOVE, DateTime, Number
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.errors import InvalidRecord
from tests.storage.building import at, entity, point

NOON = at("2024-03-01 12:00")
NOW = NOON.utc + dt.timedelta(hours=1)


def later(seconds: float) -> DateTime:
    return DateTime(NOON.utc + dt.timedelta(seconds=seconds), NOON.tz)


def write(store: StorageAdapter, *samples: tuple[float, Any]) -> None:
    store.his_write("p", [(later(s), value) for s, value in samples], NOW)


def current(store: StorageAdapter) -> tuple[Any, Any]:
    record = store.existing("p")
    return record.get("curVal"), record.get("curStatus")


@pytest.fixture
def sensor(store: StorageAdapter) -> StorageAdapter:
    store.load_entities([point(cur=MARKER, writable=MARKER, unit="kW")])
    return store


def kw(val: float) -> Number:
    return Number(val, "kW")


def test_the_sample_before_takes_its_place(sensor: StorageAdapter) -> None:
    write(sensor, (-90_000_000, kw(0)), (0, kw(1)), (60, kw(2)))
    assert current(sensor) == (kw(2), "ok")
    write(sensor, (60, REMOVE))
    assert current(sensor) == (kw(1), "ok")
    write(sensor, (0, REMOVE))
    assert current(sensor) == (kw(0), "ok")


def test_the_only_sample(sensor: StorageAdapter) -> None:
    write(sensor, (0, kw(1)))
    write(sensor, (0, REMOVE))
    assert current(sensor) == (None, None)
    assert "curSampleTs" not in sensor.existing("p")


def test_na(sensor: StorageAdapter) -> None:
    write(sensor, (0, kw(1)), (60, NA))
    assert current(sensor) == (None, "unknown")
    write(sensor, (60, REMOVE))
    assert current(sensor) == (kw(1), "ok")
    write(sensor, (-60, NA), (0, REMOVE))
    assert current(sensor) == (None, "unknown")


def test_samples_of_the_future_are_not_current(sensor: StorageAdapter) -> None:
    write(sensor, (0, kw(1)), (60, kw(2)), (7_200, kw(9)))
    write(sensor, (60, REMOVE))
    assert current(sensor) == (kw(1), "ok")
    write(sensor, (7_200, REMOVE))
    assert current(sensor) == (kw(1), "ok")
    write(sensor, (0, REMOVE))
    assert current(sensor) == (None, None)


def test_an_older_sample_removed(sensor: StorageAdapter) -> None:
    write(sensor, (0, kw(1)), (60, kw(2)))
    write(sensor, (0, REMOVE))
    assert current(sensor) == (kw(2), "ok")


@pytest.mark.parametrize("val", [kw(2), kw(5)])
def test_a_value_of_cur_write_stays(sensor: StorageAdapter, val: Number) -> None:
    """Even if the sample has the same value."""
    write(sensor, (0, kw(1)), (60, kw(2)))
    sensor.cur_write({"p": Current(val)})
    write(sensor, (60, REMOVE))
    assert current(sensor) == (val, "ok")
    write(sensor, (0, REMOVE))
    assert current(sensor) == (val, "ok")


def test_a_value_of_point_write_stays(store: StorageAdapter) -> None:
    store.load_entities(
        [point(cur=MARKER, writable=MARKER, curTracksWrite=MARKER, unit="kW")]
    )
    write(store, (0, kw(1)))
    store.point_write("p", 16, kw(1), "tester")
    write(store, (0, REMOVE))
    assert current(store) == (kw(1), "ok")


def test_a_value_of_a_commit_or_load_stays(sensor: StorageAdapter) -> None:
    write(sensor, (0, kw(1)))
    sensor.update_transient([entity("p", curVal=kw(1))], force=True)
    write(sensor, (0, REMOVE))
    assert current(sensor) == (kw(1), "ok")
    write(sensor, (0, kw(1)))
    record = dict(sensor.existing("p")) | {"curVal": kw(3)}
    del record["curSampleTs"]
    sensor.load_entities([record])
    write(sensor, (0, REMOVE))
    assert current(sensor) == (kw(3), "ok")


def test_clients_cannot_say_that_a_sample_is_current(sensor: StorageAdapter) -> None:
    with pytest.raises(InvalidRecord, match="curSampleTs"):
        sensor.update_transient([entity("p", curSampleTs=NOON)], force=True)


def test_a_point_without_cur(store: StorageAdapter) -> None:
    store.load_entities([point()])
    write(store, (0, Number(1)), (60, Number(2)))
    write(store, (60, REMOVE))
    assert current(store) == (None, None)


def test_a_long_history_is_not_read_for_one_sample(
    sensor: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, years = 3_600, 5 * 365 * 24 * 3_600
    write(sensor, *((n * hour - years, kw(n)) for n in range(2_000)))
    read: list[int] = []
    original = type(sensor).his_chunks

    def counted(self: Any, *args: Any) -> Any:
        for chunk in original(self, *args):
            if len(args) > 1:  # facts are computed from all samples, without bounds
                read.append(len(chunk.times))
            yield chunk

    backwards = type(sensor).his_backwards

    def counted_backwards(self: Any, *args: Any) -> Any:
        for sample in backwards(self, *args):
            read.append(1)
            yield sample

    monkeypatch.setattr(type(sensor), "his_chunks", counted)
    monkeypatch.setattr(type(sensor), "his_backwards", counted_backwards)
    write(sensor, (1_999 * hour - years, REMOVE))
    assert current(sensor) == (kw(1_998), "ok")
    assert 0 < sum(read) < 10
