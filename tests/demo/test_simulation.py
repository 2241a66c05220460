"""The simulation: it continues the history and keeps what users write."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from haystack_app import demo
from haystack_app.demo import simulator
from haystack_app.demo.history import reading, value_at
from haystack_app.demo.simulation import Simulation, StepCounts
from haystack_app.kinds import MARKER, NA, REMOVE, Number, Ref
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.handler import storages
from haystack_app.storage.priority_array import DEFAULT, Level

Tags = dict[str, Any]
NOW = dt.datetime(2026, 3, 4, 16, 7, tzinfo=dt.UTC)  # a Wednesday
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)
METER = "south.b1.elec-main.energy"
ZONE = "south.b1.vav-1-1.zone-temp"
ENABLE = "south.b1.ahu-2.fan-enable"
MODE = "south.b1.ahu-2.mode"
SETPOINT = "south.b1.ahu-2.discharge-temp-sp"
OVERRIDDEN = "south.b1.ahu-1.mode"
PLANT = "south.b1.chw-plant.enable"
WANTED = ("south.b1.ahu-", "south.b1.elec-main", "south.b1.vav-1-1.", PLANT)


@pytest.fixture(scope="module")
def records() -> list[Tags]:
    """A part of the demo with every kind of point, as of NOW."""
    return [
        record
        for record in demo.entities(at=NOW)
        if record["id"].id.startswith(WANTED) and "point" in record
    ]


@pytest.fixture
def loaded(store: StorageAdapter, records: list[Tags]) -> StorageAdapter:
    """A store as after ``haystack_demo``: two hours of history, and commands."""
    store.load_entities(records, replace=True)
    store.his_write_all(
        {
            record["id"].id: list(demo.samples(record, NOW - 2 * HOUR, NOW))
            for record in records
            if "his" in record
        },
        NOW,
    )
    for record in records:
        for number, level in demo.levels(record, NOW, demo.WHO).items():
            store.point_write(record["id"].id, number, level.val, demo.WHO)
    return store


def made(id: str, start: dt.datetime, end: dt.datetime) -> list[Any]:
    kind = "Bool" if id == ENABLE else "Number"
    return list(demo.samples({"id": Ref(id), "kind": kind}, start, end))


def his(store: StorageAdapter, id: str) -> list[Any]:
    return [(row["ts"], row["val"]) for row in store.his_read(id)]


def cur(store: StorageAdapter, id: str) -> Any:
    return store.existing(id).get("curVal")


# -- current values ---------------------------------------------------------------


def test_readings_equal_the_samples_on_the_quarter(records: list[Tags]) -> None:
    start = dt.datetime(2026, 3, 4, 16, tzinfo=dt.UTC)
    for record in records:
        id = record["id"].id
        assert reading(id, start) == value_at(id, start)
        just_before = reading(id, start - dt.timedelta(milliseconds=1))
        if record["kind"] == "Number" and "writable" not in record:
            jump = abs(just_before.val - value_at(id, start).val)
            assert jump <= 0.11 + abs(just_before.val) * 1e-3, id
            assert just_before.unit == record.get("unit")
        assert reading(id, NOW) == reading(id, NOW)


def test_readings_change_and_meters_never_decrease() -> None:
    times = [NOW + step * 5 * SECOND for step in range(720)]
    energy = [reading(METER, at).val for at in times]
    assert all(a <= b for a, b in pairwise(energy))
    assert energy[-1] > energy[0] + 10
    assert len({reading(ZONE, at) for at in times}) > 1


# -- a store ----------------------------------------------------------------------


def test_history_continues_seamlessly(loaded: StorageAdapter) -> None:
    simulation = Simulation(loaded)
    assert simulation.step(NOW).samples == 0  # type: ignore[union-attr]
    later = NOW + HOUR
    done = simulation.step(later)
    assert done is not None and done.samples == 4 * len(loaded.read("his"))
    assert his(loaded, ZONE) == made(ZONE, NOW - 2 * HOUR, later)
    assert cur(loaded, ZONE) == reading(ZONE, later)
    assert loaded.existing(ZONE)["curStatus"] == "ok"
    assert simulation.step(later + 5 * SECOND).samples == 0  # type: ignore[union-attr]
    # another process, or a restart of this one, does the same
    simulation.release()
    assert Simulation(loaded).step(later).samples == 0  # type: ignore[union-attr]


def test_current_values_change_between_samples(loaded: StorageAdapter) -> None:
    simulation = Simulation(loaded)
    seen = []
    for step in range(0, 300, 5):
        at = NOW + step * SECOND
        counts = simulation.step(at)
        assert counts is not None
        seen.append(cur(loaded, METER).val)
        assert cur(loaded, METER) == reading(METER, at)
        if step:
            assert 0 < counts.currents < len(loaded.read("cur")) / 2
    assert all(a <= b for a, b in pairwise(seen)) and seen[-1] > seen[0]


def test_meter_never_decreases_at_a_quarter(loaded: StorageAdapter) -> None:
    simulation = Simulation(loaded)
    start = dt.datetime(2026, 3, 4, 16, 14, 50, tzinfo=dt.UTC)
    seen: list[float] = []
    write = loaded.set_transient

    def watched(changes: Any) -> None:
        if METER in changes and "curVal" in changes[METER]:
            seen.append(changes[METER]["curVal"].val)
        write(changes)

    loaded.set_transient = watched  # type: ignore[method-assign]
    for step in range(0, 30, 3):
        simulation.step(start + step * SECOND)
    assert len(seen) > 9 and seen == sorted(seen)


def test_gap_is_filled_for_a_week_at_most(store: StorageAdapter) -> None:
    [record] = [one for one in demo.entities(at=NOW) if one["id"].id == ZONE]
    store.load_entities([record], replace=True)
    store.his_write_all({ZONE: list(demo.samples(record, NOW - HOUR, NOW))}, NOW)
    later = NOW + dt.timedelta(days=40)
    counts = Simulation(store).step(later)
    assert counts == StepCounts(currents=1, samples=672, commands=0)
    rest = his(store, ZONE)[4:]
    assert rest == made(ZONE, later - dt.timedelta(days=7), later)


def test_new_history_begins_now(store: StorageAdapter) -> None:
    [record] = [one for one in demo.entities(at=NOW) if one["id"].id == METER]
    store.load_entities([record], replace=True)
    assert Simulation(store).step(NOW).samples == 1  # type: ignore[union-attr]
    assert [val for _, val in his(store, METER)] == [value_at(METER, NOW)]


# -- commands ---------------------------------------------------------------------


def test_programs_command_their_own_levels(loaded: StorageAdapter) -> None:
    evening = NOW + 5 * HOUR
    assert value_at(ENABLE, NOW) is True and value_at(ENABLE, evening) is False
    mod = loaded.existing(ENABLE)["mod"]
    simulation = Simulation(loaded)
    simulation.step(NOW)
    before = loaded.existing(ENABLE)
    assert (before["writeVal"], before["curVal"]) == (True, True)
    done = simulation.step(evening)
    assert done is not None and done.commands > 2
    assert loaded.levels_of(ENABLE) == {16: Level(False, demo.WHO)}
    after = loaded.existing(ENABLE)
    assert (after["writeVal"], after["curVal"], after["mod"]) == (False, False, mod)
    assert his(loaded, ENABLE) == made(ENABLE, NOW - 2 * HOUR, evening)
    # a manual override of the demo stays above the program
    assert loaded.existing(OVERRIDDEN)["curVal"] == value_at(OVERRIDDEN, NOW)


def test_user_writes_are_kept_and_followed(loaded: StorageAdapter) -> None:
    loaded.point_write(ENABLE, 16, True, "joe")
    loaded.point_write(MODE, 8, "warmup", "joe")
    loaded.point_write(SETPOINT, 10, Number(14), "joe")
    arrays = {id: loaded.levels_of(id) for id in (ENABLE, MODE, SETPOINT)}
    simulation, evening = Simulation(loaded), NOW + 5 * HOUR
    simulation.step(NOW)
    assert (cur(loaded, MODE), cur(loaded, SETPOINT)) == ("warmup", Number(14, "°C"))
    simulation.step(evening)
    assert loaded.levels_of(ENABLE) == arrays[ENABLE]
    assert loaded.levels_of(MODE)[8] == arrays[MODE][8]
    assert loaded.levels_of(SETPOINT)[10] == arrays[SETPOINT][10]
    assert cur(loaded, ENABLE) is True and his(loaded, ENABLE)[-1][1] is True
    assert his(loaded, MODE)[-1][1] == "warmup"
    assert his(loaded, SETPOINT)[-1][1] == Number(14, "°C")
    # a new write is visible at once; after a release the program controls the point
    loaded.point_write(SETPOINT, 9, Number(13), "joe")
    simulation.step(evening + 5 * SECOND)
    assert cur(loaded, SETPOINT) == Number(13, "°C")
    for number in (9, 10):
        loaded.point_write(SETPOINT, number, None, "joe")
    simulation.step(evening + 10 * SECOND)
    assert cur(loaded, SETPOINT) == value_at(SETPOINT, evening)


def test_user_releases_are_kept(loaded: StorageAdapter) -> None:
    loaded.point_write(ENABLE, 16, None, "joe")
    evening = NOW + 5 * HOUR
    Simulation(loaded).step(evening)
    assert loaded.levels_of(ENABLE) == {}
    assert cur(loaded, ENABLE) is False
    assert "writeVal" not in loaded.existing(ENABLE)


def test_point_with_only_a_default(loaded: StorageAdapter) -> None:
    default_only = [
        id
        for id in (row["id"].id for row in loaded.read("writable"))
        if set(loaded.levels_of(id)) == {DEFAULT}
    ]
    evening = NOW + 5 * HOUR
    Simulation(loaded).step(evening)
    for id in default_only:
        assert loaded.levels_of(id)[DEFAULT].val == value_at(id, evening)


# -- points of other origin ---------------------------------------------------------


def test_other_points_are_not_changed(loaded: StorageAdapter) -> None:
    own = {"point": MARKER, "cur": MARKER, "his": MARKER, "tz": "London"}
    changed = {"id": Ref(ZONE), "kind": "Str", "unit": REMOVE}
    loaded.his_write(ZONE, [(ts, REMOVE) for ts, _ in his(loaded, ZONE)], NOW)
    loaded.update_entities([changed], force=True)
    loaded.load_entities(
        [
            {"id": Ref("mine"), "kind": "Number", **own},
            {"id": Ref("south.b9.other.temp"), "kind": "Number", **own},
        ]
    )
    before = {id: loaded.existing(id) for id in ("mine", "south.b9.other.temp", ZONE)}
    assert Simulation(loaded).step(NOW + HOUR) is not None
    assert {id: loaded.existing(id) for id in before} == before


@pytest.mark.parametrize("how", ["removed", "trash", "no cur"])
def test_point_removed_between_two_steps(loaded: StorageAdapter, how: str) -> None:
    simulation = Simulation(loaded)
    simulation.step(NOW)
    if how == "removed":
        loaded.commit([], remove=[ZONE])
    else:
        tag = {"trash": MARKER} if how == "trash" else {"cur": REMOVE}
        loaded.update_entities([{"id": Ref(ZONE), **tag}], force=True)
    later = NOW + 60 * SECOND
    assert simulation.step(later) is not None
    assert cur(loaded, METER) == reading(METER, later)
    assert simulation.step(NOW + HOUR) is not None


def test_empty_store(store: StorageAdapter) -> None:
    assert Simulation(store).step(NOW) == StepCounts()


# -- several processes --------------------------------------------------------------


def test_only_one_process_simulates(sql_store: Any, records: list[Tags]) -> None:
    sql_store.load_entities(records, replace=True)
    with time_machine.travel(NOW, tick=False) as clock:
        first, second = Simulation(sql_store), Simulation(sql_store)
        assert first.step(NOW) is not None
        assert second.step(NOW) is None
        clock.shift(14)
        assert first.step(NOW + 14 * SECOND) is not None
        clock.shift(14)
        assert second.step(NOW + 28 * SECOND) is None
        clock.shift(2)  # the first has been inactive for 16 seconds
        assert second.step(NOW + 30 * SECOND) is not None
        assert first.step(NOW + 30 * SECOND) is None
        second.release()
        first.step(NOW + 31 * SECOND)
        second.release()  # it no longer owns the task
        assert second.step(NOW + 31 * SECOND) is None


def test_suspended_process_writes_nothing(sql_store: Any, records: list[Tags]) -> None:
    sql_store.load_entities(records, replace=True)
    with time_machine.travel(NOW, tick=False) as clock:
        slow, other = Simulation(sql_store), Simulation(sql_store)
        slow.step(NOW)
        clock.shift(60)
        other.step(NOW + 60 * SECOND)
        shown = cur(sql_store, METER)
        assert slow.step(NOW + 5 * SECOND) is None
        assert cur(sql_store, METER) == shown


# -- thread, command, settings ------------------------------------------------------


@pytest.fixture
def default(db: None, records: list[Tags]) -> Iterator[StorageAdapter]:
    store = storages["default"]
    store.load_entities(records, replace=True)
    with time_machine.travel(NOW, tick=False):
        yield store


def test_the_command(default: StorageAdapter, capsys: Any) -> None:
    points, sampled = (len(default.read(tag)) for tag in ("cur", "his"))
    call_command("haystack_simulate", once=True)
    assert f"{points} current values, {sampled} samples" in capsys.readouterr().out
    call_command("haystack_simulate", once=True)
    assert "0 samples" in capsys.readouterr().out  # the first has released the task
    Simulation(default).step(NOW)
    call_command("haystack_simulate", once=True)
    assert "another process" in capsys.readouterr().out
    for wrong in ("0", "-1", "nan", "inf"):
        with pytest.raises(CommandError, match="above 0"):
            call_command("haystack_simulate", f"--every={wrong}")


def test_failure_is_logged_once_and_retried(
    default: StorageAdapter, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(simulator.connections, "close_all", lambda: None)
    thread = simulator.Simulator(5)
    write = type(default).cur_write

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    with caplog.at_level(logging.ERROR):
        monkeypatch.setattr(type(default), "cur_write", broken)
        thread.step()
        thread.step()
        assert [record.message for record in caplog.records] == [
            "simulation of storage 'default' failed; trying again"
        ]
        monkeypatch.setattr(type(default), "cur_write", write)
        thread.step()
        assert cur(default, METER) == reading(METER, NOW)
        assert len(caplog.records) == 1
        monkeypatch.setattr(type(default), "cur_write", broken)
        thread.step()
        assert len(caplog.records) == 2


def test_simulator_is_off_by_default(settings: Any) -> None:
    assert simulator.start() is None
    settings.HAYSTACK = {**settings.HAYSTACK, "SIMULATE_SECONDS": "often"}
    assert simulator.start() is None


def test_thread_can_be_stopped(
    default: StorageAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.connections, "close_all", lambda: None)
    thread = simulator.Simulator(5)
    monkeypatch.setattr(thread.stopped, "wait", lambda _: thread.stopped.set())
    thread.run()
    assert cur(default, METER) == reading(METER, NOW)
    assert Simulation(default).step(NOW) is not None  # the task is free again


def test_missing_sample_keeps_the_current_value(store: StorageAdapter) -> None:
    [record] = [one for one in demo.entities(at=NOW) if one["id"].id == ZONE]
    store.load_entities([record], replace=True)
    samples = made(ZONE, NOW, NOW + dt.timedelta(days=11))
    lost = next(ts.utc for ts, val in samples if val is NA)
    Simulation(store).step(lost)
    assert his(store, ZONE)[-1][1] is NA
    assert cur(store, ZONE) == reading(ZONE, lost)
