"""Signals of what a store has committed, on every store."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.dispatch import Signal

from haystack_app.kinds import MARKER, REMOVE, Number
from haystack_app.storage import signals
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.sample_edits import Origin
from haystack_app.storage.signals import (
    SampleSpan,
    entities_changed,
    point_written,
    samples_written,
)
from haystack_app.storage.write_log import LevelWrite
from tests.storage.building import at, numbers, point

NOW = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)

committed = pytest.mark.django_db(transaction=True, databases="__all__")


@pytest.fixture
def listen() -> Iterator[Callable[[Signal], list[dict[str, Any]]]]:
    """What is sent by a signal from now on, without the names that each has."""
    connected: list[tuple[Signal, Any]] = []

    def connect(signal: Signal) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []

        def receive(sender: Any, signal: Signal, **what: Any) -> None:
            found.append(what)

        signal.connect(receive)
        connected.append((signal, receive))
        return found

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@committed
def test_samples_are_announced_once_a_write(store: StorageAdapter, listen: Any) -> None:
    found = listen(samples_written)
    store.load_entities([point("a"), point("b"), point("c")])
    start = at("2024-03-01 12:00")
    origin = Origin("ann", "import")
    store.his_write_all(
        {"a": numbers(3, start), "b": numbers(1, start), "c": []}, origin=origin
    )
    hour = dt.timedelta(hours=1)
    assert found == [
        {
            "alias": store.alias,
            "origin": origin,
            "samples": {
                "a": SampleSpan(start.utc, start.utc + 2 * hour, 3, 0),
                "b": SampleSpan(start.utc, start.utc, 1, 0),
            },
        }
    ]
    store.his_write("a", [(start, REMOVE)])
    [_, removed] = found
    assert removed["samples"] == {"a": SampleSpan(start.utc, start.utc, 0, 1)}
    assert removed["origin"] is None
    store.his_write("a", [])
    assert len(found) == 2


@committed
def test_collected_samples_are_announced(store: StorageAdapter, listen: Any) -> None:
    store.load_entities([point("a", cur=MARKER, hisCollectCov=MARKER)])
    found = listen(samples_written)
    store.cur_write({"a": Current(Number(5))}, now=NOW)
    [sent] = found
    assert (sent["samples"]["a"].written, sent["origin"]) == (1, None)


@committed
def test_writes_of_points_are_announced(store: StorageAdapter, listen: Any) -> None:
    found = listen(point_written)
    changed = listen(entities_changed)
    store.load_entities([point("w", writable=MARKER)])
    until = NOW + dt.timedelta(minutes=1)
    store.point_write("w", 8, Number(5), "Joe", until, user="joe", now=NOW)
    store.point_write("w", 9, Number(1), "Joe", user="joe", now=NOW)
    store.point_write("w", 9, None, "Joe", user="joe", now=NOW)
    assert store.release_due(until) == ["w"]
    assert [sent["alias"] for sent in found] == [store.alias] * 4
    assert [sent["write"] for sent in found] == [
        LevelWrite(NOW, "w", 8, "set", Number(5), "Joe", "joe", until),
        LevelWrite(NOW, "w", 9, "set", Number(1), "Joe", "joe"),
        LevelWrite(NOW, "w", 9, "release", None, "Joe", "joe"),
        LevelWrite(until, "w", 8, "expire"),
    ]
    assert [sent["logged"] for sent in changed] == [True, False, False, False, False]


@committed
def test_nothing_is_announced_before_the_commit(
    store: StorageAdapter, listen: Any
) -> None:
    store.load_entities([point("w", writable=MARKER)])
    samples, writes = listen(samples_written), listen(point_written)

    def write() -> None:
        store.his_write("w", numbers(1, at("2024-03-01 12:00")))
        store.point_write("w", 8, Number(5), "Joe")

    with store.locked(["w"]):
        with pytest.raises(KeyError), store.locked(["w"]):
            write()
            raise KeyError
        write()
        assert not samples and not writes
    assert (len(samples), len(writes)) == (1, 1)
    with pytest.raises(KeyError), store.locked(["w"]):
        write()
        raise KeyError
    assert (len(samples), len(writes)) == (1, 1)


@committed
def test_errors_of_receivers_are_logged(
    store: StorageAdapter, listen: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise KeyError("a receiver")

    store.load_entities([point("w", writable=MARKER)])
    for signal in (samples_written, point_written):
        signal.connect(fail)
    found = listen(point_written)
    try:
        with caplog.at_level(logging.ERROR):
            store.his_write("w", numbers(2, at("2024-03-01 12:00")))
            store.point_write("w", 8, Number(5), "Joe")
    finally:
        for signal in (samples_written, point_written):
            signal.disconnect(fail)
    assert len(found) == 1
    assert [record.name for record in caplog.records] == ["django.dispatch"] * 2
    assert store.existing("w")["hisSize"] == Number(2)


@committed
def test_without_receivers_nothing_is_made(
    store: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(signals, "spans", calls.append)
    # a server of another test in this process may have connected its own
    monkeypatch.setattr(samples_written, "receivers", [])
    store.load_entities([point("a")])
    store.his_write("a", numbers(2, at("2024-03-01 12:00")))
    assert not calls
