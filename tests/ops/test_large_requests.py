"""Large loads and writes of samples let others write in between."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections, transaction

from haystack_app.filters import parse
from haystack_app.kinds import MARKER, REMOVE, Grid, Number, Ref
from haystack_app.ops import Context, OpError
from haystack_app.ops.history import his_write
from haystack_app.ops.load import load
from haystack_app.outages import FULL, outage_of
from haystack_app.storage import entities, short_transactions
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import StorageError
from haystack_app.storage.memory import InMemoryAdapter
from haystack_app.storage.orm import OrmAdapter
from tests.storage.building import at, history, ids, numbers, point

committed = pytest.mark.django_db(transaction=True, databases="__all__")
"""On each test: a mark on the module would lose to those of the stores."""

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
NOON = at("2024-03-01 12:00")
Commits = list[int]


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (short_transactions, entities):
        monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(short_transactions, "SAMPLES", 20)
    monkeypatch.setattr(short_transactions, "POINTS", 3)


@pytest.fixture
def sqlite() -> OrmAdapter:
    return OrmAdapter(using="default")


def sites(count: int, **tags: Any) -> list[dict[str, Any]]:
    return [{"id": Ref(f"s{n:02}"), "site": MARKER, **tags} for n in range(count)]


def loaded(store: StorageAdapter, rows: list[dict[str, Any]]) -> dict[str, Any]:
    [row] = load(Context(store, now=NOW), Grid.of(rows))
    return {name: int(number.val) for name, number in row.items()}


def stored(store: StorageAdapter) -> int:
    return len(list(store.scan()))


def transactions(store: OrmAdapter, act: Callable[[], Any]) -> int:
    """How many transactions add or remove entities."""
    connection, found = connections[store.using], [stored(store)]
    connection.ensure_connection()
    real = connection._commit
    connection._commit = lambda: (found.append(stored(store)), real())[1]
    try:
        act()
    finally:
        del connection._commit
    return len(set(found)) - 1


@committed
def test_a_load(sql_store: OrmAdapter) -> None:
    assert transactions(sql_store, lambda: loaded(sql_store, sites(35))) >= 4
    assert stored(sql_store) == 35
    again = sites(20) + sites(35, dis="x")[20:]
    assert loaded(sql_store, again) == {"created": 0, "updated": 15, "unchanged": 20}
    assert loaded(sql_store, again) == {"created": 0, "updated": 0, "unchanged": 35}


@committed
def test_a_small_load_is_one_transaction(sql_store: OrmAdapter) -> None:
    assert transactions(sql_store, lambda: loaded(sql_store, sites(10))) == 1


@committed
def test_nothing_of_an_invalid_load_is_stored(sql_store: OrmAdapter) -> None:
    sql_store.load_entities([point("z", unit="kW")])
    sql_store.his_write("z", [(NOON, Number(1, "kW"))])
    for wrong in ({"id": Ref("s00")}, point("z", unit="°C"), {"id": Number(5)}):
        with pytest.raises(StorageError):
            loaded(sql_store, [*sites(35), wrong])
        assert ids(sql_store.scan()) == ["z"]


@committed
def test_records_without_ids_are_one_transaction(
    sql_store: OrmAdapter, settings: Any
) -> None:
    rows = [{"site": MARKER}] * 15
    assert transactions(sql_store, lambda: loaded(sql_store, [*rows])) == 1
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 14}}
    assert transactions(sql_store, lambda: loaded(sql_store, [*rows])) == 2
    assert stored(sql_store) == 30


@committed
def test_a_scope_has_a_limit(sql_store: OrmAdapter, settings: Any) -> None:
    """A caller with a scope may add refs to what comes with them only."""
    scoped = sql_store.visible_to(parse("site or siteRef"))
    rows = [{"id": Ref(f"e{n}"), "siteRef": Ref("s19")} for n in range(12)]
    assert loaded(scoped, rows + sites(20))["created"] == 32
    settings.HAYSTACK = {**settings.HAYSTACK, "LIMITS": {"IDS": 30}}
    with pytest.raises(OpError, match="32 ids in one request, at most 30"):
        loaded(scoped, rows + sites(20, dis="x"))
    assert loaded(scoped, sites(20, dis="x"))["updated"] == 20
    assert loaded(sql_store, rows + sites(20))["updated"] == 20


@committed
def test_an_outage_says_what_is_stored(
    sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(sql_store, sites(5))
    real, calls = OrmAdapter.apply, []

    def apply(self: OrmAdapter, changes: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OperationalError from psycopg.errors.DiskFull()
        real(self, changes)

    monkeypatch.setattr(OrmAdapter, "apply", apply)
    with pytest.raises(Exception, match="20 of 35 changed entities") as caught:
        loaded(sql_store, sites(35, dis="x"))
    outage = outage_of(caught.value)
    assert outage is not None
    assert (outage.status, outage.text) == (
        507,
        "the storage of the server is full; 20 of 35 changed entities are stored;"
        " repeat it to store the rest",
    )
    assert stored(sql_store) == 20
    assert "nothing" in FULL.text
    monkeypatch.undo()
    assert loaded(sql_store, sites(35, dis="x"))["unchanged"] == 20


@committed
def test_others_change_what_was_checked(
    sql_store: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql_store.load_entities([point(f"p{n:02}") for n in range(30)])
    real = short_transactions._add

    def add(*changes: Any) -> None:
        real(*changes)
        if not sql_store.has_samples("p29"):
            sql_store.his_write("p29", [(NOON, Number(1))])

    monkeypatch.setattr(short_transactions, "_add", add)
    with pytest.raises(StorageError, match=r"@p29 has history.* 20 of 30 changed"):
        loaded(sql_store, [point(f"p{n:02}", dis="x", unit="kW") for n in range(30)])


# -- samples ------------------------------------------------------------------


def body(count: int, *points: str) -> Grid:
    from haystack_app.kinds.grid import Col

    cols = [Col("ts"), *(Col(f"v{n}", {"id": Ref(id)}) for n, id in enumerate(points))]
    rows = [
        {"ts": ts, **{f"v{n}": Number(val.val + n) for n in range(len(points))}}
        for ts, val in numbers(count, NOON)
    ]
    rows[0]["v0"] = rows[-1]["v0"] = REMOVE
    return Grid(cols, rows)


@committed
@pytest.mark.parametrize("points", [1, 5])
def test_samples_are_written_as_if_at_once(sqlite: OrmAdapter, points: int) -> None:
    """Also what the points say about their histories, and the change to undo."""
    names = [f"p{n}" for n in range(points)]
    whole = InMemoryAdapter()
    for store in (sqlite, whole):
        store.load_entities([point(id, cur=MARKER) for id in names])
        for id in names:
            store.his_write(id, [*numbers(7, NOON), (at("2024-03-02"), Number(-1))])
    before = {id: dict(history(sqlite, id)) for id in names}
    split = transactions(
        sqlite, lambda: his_write(Context(sqlite, now=NOW), body(50, *names))
    )
    his_write(Context(whole, now=NOW), body(50, *names))
    assert split == 0
    for id in names:
        assert history(sqlite, id) == history(whole, id)
        for name in ("hisSize", "hisStart", "hisEnd", "hisEndVal", "curVal"):
            assert sqlite.existing(id).get(name) == whole.existing(id).get(name), name
    [change] = sqlite.sample_changes(1)
    assert change.points == points
    sqlite.undo_samples(change.origin.change)
    for id in names:
        assert dict(history(sqlite, id)).items() >= before[id].items()


@committed
def test_samples_let_others_write(sqlite: OrmAdapter) -> None:
    sqlite.load_entities([point("a"), point("b")])
    seen: set[int] = set()
    connection = connections["default"]
    real = connection._commit
    connection._commit = lambda: (seen.add(len(history(sqlite, "a"))), real())[1]
    try:
        his_write(Context(sqlite, now=NOW), body(102, "a", "b"))
    finally:
        del connection._commit
    assert seen >= {20, 40, 60, 80, 100}


@committed
def test_nothing_is_written_if_one_sample_is_invalid(sqlite: OrmAdapter) -> None:
    sqlite.load_entities([point("a"), point("b", kind="Bool")])
    with pytest.raises(StorageError, match="@b, sample 2"):
        his_write(Context(sqlite, now=NOW), body(50, "a", "b"))
    assert history(sqlite, "a") == []


@committed
def test_a_point_that_changes_in_the_meantime(
    sqlite: OrmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.load_entities([point("a"), point("b")])
    real = short_transactions.write_part

    def write_part(store: StorageAdapter, *args: Any) -> None:
        real(store, *args)
        if not sqlite.has_samples("b") and "unit" not in sqlite.existing("b"):
            sqlite.load_entities([point("b", unit="kW")])

    monkeypatch.setattr(short_transactions, "write_part", write_part)
    text = "@b was changed by others in the meantime: 50 of 100 samples are stored"
    with pytest.raises(StorageError, match=text):
        his_write(Context(sqlite, now=NOW), body(50, "a", "b"))
    assert len(history(sqlite, "a")) == 48  # two are removed
    assert history(sqlite, "b") == []


@committed
def test_a_block_of_the_caller_holds_all_parts(sql_store: OrmAdapter) -> None:
    """As that of a job's step: all of it is rolled back."""
    with pytest.raises(ZeroDivisionError), transaction.atomic(using=sql_store.using):
        loaded(sql_store, sites(35))
        raise ZeroDivisionError
    assert stored(sql_store) == 0
