"""Plain SQL changes histories and deletes entities: what is derived from them follows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from haystack_app import maintenance
from haystack_app.kinds import MARKER, Number, Ref
from haystack_app.kinds.series import microseconds_of
from haystack_app.models import HisSample
from haystack_app.storage.handler import storages
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.orm import facts as facts_module
from tests.storage.building import at, entity, ids, numbers, point
from tests.storage.test_his_facts import expected, facts

NOON = at("2024-03-01 12:00")
HOUR = dt.timedelta(hours=1)


def run(store: OrmAdapter, sql: str, *params: Any) -> None:
    with store.samples.cursor() as cursor:
        cursor.execute(sql, params)


@pytest.fixture
def filled(sql_store: OrmAdapter) -> OrmAdapter:
    sql_store.load_entities([point(f"p{n}", unit="kW", cur=MARKER) for n in range(5)])
    for n in range(4):
        sql_store.his_write(f"p{n}", numbers(10, NOON), NOON.utc + 100 * HOUR)
    return sql_store


def rows(store: OrmAdapter) -> Any:
    return HisSample.objects.using(store.history_using)


def mended(store: OrmAdapter, size: int = 2) -> int:
    """Steps of one round."""
    after, steps = store.mend_facts("", size), 1
    while after:
        after, steps = store.mend_facts(after, size), steps + 1
    return steps


def first(store: OrmAdapter) -> None:
    run(store, "DELETE FROM history WHERE point_id = 'p1' AND ts < %s", early(store))


def early(store: OrmAdapter) -> Any:
    every = list(rows(store).filter(point_id="p1").order_by("ts"))
    adapt = store.samples.ops.adapt_datetimefield_value
    return adapt(every[3].ts)


def last(store: OrmAdapter) -> None:
    newest = rows(store).filter(point_id="p1").order_by("-ts").first()
    rows(store).filter(point_id="p1", ts=newest.ts)._raw_delete(store.history_using)


def everything(store: OrmAdapter) -> None:
    run(store, "DELETE FROM history WHERE point_id = 'p1'")


def newer(store: OrmAdapter) -> None:
    ts = NOON.utc + 50 * HOUR
    rows(store).create(point_id="p1", ts=ts, val=99.5)


def into_an_empty_one(store: OrmAdapter) -> None:
    rows(store).create(point_id="p4", ts=NOON.utc, val=1.5)


def value(store: OrmAdapter) -> None:
    newest = rows(store).filter(point_id="p1").order_by("-ts").first()
    rows(store).filter(point_id="p1", ts=newest.ts).update(val=77.0)


ENDS = (first, last, everything, newer, into_an_empty_one, value)


@pytest.mark.parametrize("change", ENDS)
def test_steps_mend_what_the_ends_show(filled: OrmAdapter, change: Any) -> None:
    change(filled)
    assert len(filled.differences()) == 1
    assert mended(filled) == 3
    assert filled.differences() == []
    for id in ("p1", "p4"):
        if list(filled.his_read(id).pairs()):
            assert facts(filled, id) == expected(filled, id)


def test_a_right_history_is_not_counted(
    filled: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(
        OrmAdapter, "his_recount", lambda self, ids: counted.extend(ids)
    )
    mended(filled)
    assert counted == []
    last(filled)
    mended(filled)
    assert counted == ["p1"]


def test_only_a_check_knows_the_middle(filled: OrmAdapter) -> None:
    middle = rows(filled).filter(point_id="p1").order_by("ts")[4].ts
    rows(filled).filter(point_id="p1", ts=middle)._raw_delete(filled.history_using)
    mended(filled)
    found = filled.differences()
    assert found == ["@p1: hisSize is 10, the history has 9 samples"]
    assert filled.repair() == 1
    assert filled.differences() == []


def test_the_current_value_follows(filled: OrmAdapter) -> None:
    filled.his_write(
        "p1", [(at("2024-03-01 23:00"), Number(50, "kW"))], NOON.utc + 24 * HOUR
    )
    assert filled.existing("p1")["curVal"] == Number(50, "kW")
    last(filled)
    mended(filled)
    pairs = list(filled.his_read("p1").pairs())
    record = filled.existing("p1")
    assert record["curVal"] == pairs[-1][1]
    assert microseconds_of(record["curSampleTs"].utc) == pairs[-1][0]
    everything(filled)
    mended(filled)
    assert not {"curVal", "curSampleTs"} & filled.existing("p1").keys()


def test_a_current_value_of_another_source_stays(filled: OrmAdapter) -> None:
    filled.set_transient({"p1": {"curVal": Number(3, "kW"), "curSampleTs": None}})
    everything(filled)
    mended(filled)
    assert filled.existing("p1")["curVal"] == Number(3, "kW")


def test_chunks_that_are_dropped(filled: OrmAdapter) -> None:
    drop = "DELETE FROM history WHERE ts < '2026-01-01'"
    if filled.history_using == "timescale":
        drop = "SELECT drop_chunks('history', '2026-01-01'::timestamptz)"
    run(filled, drop)
    assert len(filled.differences()) == 4
    mended(filled)
    assert filled.differences() == []
    assert facts(filled, "p1") == {"hisSize": Number(0)}


def test_a_tick_mends_histories(
    filled: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps, of which each storage has its own place."""
    monkeypatch.setattr(maintenance, "FACTS", 2)
    monkeypatch.setattr(type(storages), "__iter__", lambda self: iter(["one"]))
    monkeypatch.setattr(type(storages), "__getitem__", lambda self, alias: filled)
    ticker = maintenance.Upkeep(1)
    last(filled)
    for after in ("p1", "p3", ""):
        assert ticker.mend_facts() == {}
        assert ticker.facts_after == {"one": after}
    assert filled.differences() == []
    last(filled)
    other = maintenance.Upkeep(1)
    assert other.mend_facts() == {}
    assert other.facts_after == {}  # the first one has the task


def test_values_of_all_kinds(sql_store: OrmAdapter) -> None:
    sql_store.load_entities(
        [
            point("b", kind="Bool"),
            point("s", kind="Str"),
            point("n"),
            point("i"),
        ]
    )
    sql_store.his_write("b", [(NOON, True)])
    sql_store.his_write("s", [(NOON, 'a "text"')])
    sql_store.his_write("n", [(NOON, Number(float("nan")))])
    sql_store.his_write("i", [(NOON, Number(float("-inf")))])
    assert list(facts_module.suspects(sql_store, ["b", "i", "n", "s"])) == []
    assert sql_store.differences() == []


def test_samples_without_an_entity_are_named(filled: OrmAdapter) -> None:
    for id in ("a", "p1x", "zz"):
        rows(filled).create(point_id=id, ts=NOON.utc, val=1.0)
    found = [line for line in filled.differences() if "samples exist" in line]
    assert [line.partition(":")[0] for line in found] == ["@a", "@p1x", "@zz"]


def test_many_histories(sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches join without a gap."""
    monkeypatch.setattr(facts_module, "POINTS", 2)
    names = ["A", "a", "a-1", "a.b", "a:b", "b", "B"]
    sql_store.load_entities([point(name) for name in names])
    for name in names:
        sql_store.his_write(name, numbers(3, NOON))
    assert sql_store.differences() == []
    for name in names:
        rows(sql_store).create(point_id=name, ts=NOON.utc + 90 * HOUR, val=1.0)
    assert len(sql_store.differences()) == len(names)
    assert sql_store.repair() == len(names)
    assert sql_store.differences() == []


def test_long_histories_are_counted_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers of the points that are counted wait."""
    monkeypatch.setattr(facts_module, "POINTS", 3)
    monkeypatch.setattr(facts_module, "_SAMPLES", 10)
    sized = [("a", 5), ("b", 5), ("c", 1), ("d", 90), *((n, 0) for n in "efgh")]
    assert list(facts_module.groups(sized)) == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e", "f", "g"],
        ["h"],
    ]
    assert list(facts_module.groups([])) == []


# -- edges -------------------------------------------------------------------------


def test_an_entity_that_is_created_again_has_no_old_edges(filled: OrmAdapter) -> None:
    """Plain SQL deleted its row; a trigger deletes the edges."""
    sites = [entity(id, site=MARKER) for id in ("s1", "s2")]
    filled.load_entities([*sites, point("r", siteRef=Ref("s1"), ahuRef=Ref("s1"))])
    run(filled, "DELETE FROM entities WHERE id IN ('r', 'none')")
    assert filled.differences() == []
    filled.load_entities([point("r", siteRef=Ref("s2"), ahuRef=Ref("s1"))])
    assert filled.differences() == []
    assert ids(filled.read("siteRef == @s1")) == []
    assert filled.referrers(["s2"], 10) == ["r"]
    run(filled, "DELETE FROM entities WHERE id = 'r'")
    filled.load_entities([entity("r")])
    assert filled.differences() == []
    assert filled.referrers(["s1", "s2"], 10) == []
