"""The storage contract beside other connections and threads, committed for real."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, DataError, connections, transaction

from haystack_app.kinds import MARKER, Grid, Number, Ref
from haystack_app.ops import Context, find_op
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.errors import (
    InvalidRecord,
    InvalidSample,
    StaleRecord,
    StorageError,
    UnknownEntity,
)
from haystack_app.storage.orm import OrmAdapter
from haystack_app.storage.priority_array import effective
from tests.storage.building import at, entity, history, ids, numbers, point

committed = pytest.mark.django_db(transaction=True, databases="__all__")
"""On each test: a mark on the module would lose to those of the stores."""

NOON = at("2024-03-01 12:00")
MINUTE = dt.timedelta(minutes=1)


def elsewhere(work: Callable[[], Any]) -> Any:
    """Run in a thread of its own, with connections of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as err:
            found.append(err)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "a writer waits for a reader"
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Run in threads that start together; what each answered or raised."""
    barrier = threading.Barrier(len(works))
    outcomes: list[Any] = [None] * len(works)

    def run(place: int) -> None:
        barrier.wait(10)
        try:
            outcomes[place] = elsewhere(works[place])
        except Exception as err:
            outcomes[place] = err

    threads = [threading.Thread(target=run, args=[at]) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# -- snapshots ----------------------------------------------------------------


@committed
def test_rows_written_meanwhile_are_not_in_a_long_read(store: StorageAdapter) -> None:
    store.load_entities([point()])
    samples = numbers(25_000, NOON, MINUTE)
    store.his_write("p", samples)

    def write() -> None:
        changed = [(ts, Number(-1)) for ts, _ in samples[15_000:]]
        store.his_write("p", [*changed, *numbers(10, at("2025-03-01 12:00"))])

    with closing(iter(store.his_read("p").read())) as chunks:
        vals = list(next(chunks).vals)
        elsewhere(write)
        for chunk in chunks:
            vals.extend(chunk.vals)
    assert vals == list(range(25_000))
    assert len(list(store.his_read("p").pairs())) == 25_010


@committed
def test_points_read_together_are_of_one_snapshot(store: StorageAdapter) -> None:
    """The short history ends long before the other one is read to its end."""
    store.load_entities([point("short"), point("long")])
    store.his_write("short", numbers(5, NOON, MINUTE))
    samples = numbers(25_000, NOON, MINUTE)
    store.his_write("long", samples)
    op = find_op("hisRead")
    assert op is not None
    request = Grid.of([{"id": Ref("short")}, {"id": Ref("long")}])
    request = Grid(request.cols, request.rows, {"range": "2024-01-01,2026-01-01"})
    changed = [(ts, Number(-1)) for ts, _ in samples]
    with closing(iter(op.run(Context(store), request))) as rows:
        found = [next(rows) for _ in range(100)]
        elsewhere(lambda: store.his_write("long", changed))
        found.extend(rows)
    assert [row["v1"].val for row in found] == list(range(25_000))
    assert sum("v0" in row for row in found) == 5


@committed
@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT 1 / 0"])
def test_a_snapshot_ends_with_its_transaction(sql_store: OrmAdapter, sql: str) -> None:
    """It is read-only; the next transaction of the connection is as before."""
    connection = connections[sql_store.using]
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: snapshots are not read-only")
    for _ in range(2):
        with suppress(DataError), sql_store.snapshot(), connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("repeatable read",)
            cursor.execute("SHOW transaction_read_only")
            assert cursor.fetchone() == ("on",)
            cursor.execute(sql)
        with transaction.atomic(sql_store.using), connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
        sql_store.load_entities([entity("p", site=MARKER)], replace=True)


@committed
@pytest.mark.parametrize("stop_early", [False, True])
def test_a_write_during_a_read_fails_or_is_stored(
    store: StorageAdapter, stop_early: bool
) -> None:
    """What his_write took must be there, however the reading ended."""
    store.load_entities([point("p"), point("q")])
    samples = numbers(25_000, NOON)
    store.his_write("p", samples)
    taken: list[Number] = []
    with closing(iter(store.his_read("p").read())) as chunks:
        for place, _ in enumerate(chunks):
            ts, value = samples[place]
            try:
                store.his_write("q", [(ts, value)])
            except (StorageError, DatabaseError):
                break
            taken.append(value)
            if stop_early:
                break
    assert [value for _, value in history(store, "q")] == taken


@committed
def test_a_reader_that_stops_early_leaves_no_transaction(
    sql_store: OrmAdapter,
) -> None:
    sql_store.load_entities([point()])
    sql_store.his_write("p", numbers(25_000, NOON))
    connection = connections[sql_store.using]
    for _ in sql_store.his_read("p").read():
        break
    assert not connection.in_atomic_block
    elsewhere(lambda: sql_store.load_entities([], replace=True))
    assert ids(sql_store.scan()) == []


# -- several writers ----------------------------------------------------------


@committed
def test_another_connection_sees_a_commit_at_once(store: StorageAdapter) -> None:
    store.load_entities([entity("a", v=Number(1))])
    assert ids(store.read("v == 1")) == ["a"]
    elsewhere(lambda: store.load_entities([entity("a", v=Number(2)), entity("b")]))
    assert ids(store.read("v == 1")) == []
    assert ids(store.read("v == 2")) == ["a"]
    assert sorted(ids(store.read("id"))) == ["a", "b"]


@committed
def test_many_writers_of_the_same_entities(store: StorageAdapter) -> None:
    """Each batch is complete; no writer fails or waits forever."""

    def write(number: int) -> Callable[[], Any]:
        rows = [entity(f"e{index}", v=Number(number)) for index in range(20)]
        return lambda: [store.load_entities(rows[:: (-1) ** number]) for _ in range(5)]

    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            elsewhere(write(number))
        except Exception as err:
            failures.append(err)

    threads = [threading.Thread(target=run, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({record["v"] for record in store.scan()}) == 1
    assert len(store.read("id")) == 20


@committed
def test_many_writers_of_one_history(store: StorageAdapter) -> None:
    store.load_entities([point()])
    failures: list[Exception] = []

    def run(number: int) -> None:
        samples = numbers(300, NOON, MINUTE)[number * 10 :]
        try:
            elsewhere(lambda: [store.his_write("p", samples) for _ in range(3)])
        except Exception as err:
            failures.append(err)

    threads = [threading.Thread(target=run, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [value.val for _, value in history(store)] == list(range(300))


@committed
def test_one_of_many_concurrent_updates_wins(store: StorageAdapter) -> None:
    store.load_entities([entity("a", v=Number(0))])
    for turn in range(5):
        mod = store.existing("a")["mod"]
        numbers = range(10 * turn + 1, 10 * turn + 7)
        rows = [{"id": Ref("a"), "mod": mod, "v": Number(val)} for val in numbers]
        outcomes = at_once([partial(store.update_entities, [row]) for row in rows])
        refused = [one for one in outcomes if isinstance(one, StaleRecord)]
        [won] = [one for one in outcomes if isinstance(one, list)]
        assert len(refused) == 5
        assert store.existing("a")["v"] == won[0]["v"]
    assert len(store.changes_of("a")) == 6


@committed
def test_an_id_is_added_once(store: StorageAdapter) -> None:
    outcomes = at_once([lambda: store.add_entities([entity("a")]) for _ in range(6)])
    refused = [one for one in outcomes if isinstance(one, InvalidRecord)]
    assert len(refused) == 5
    assert len(store.changes_of("a")) == 1


@committed
def test_an_expiry_counts_once(store: StorageAdapter) -> None:
    now = dt.datetime.now(dt.UTC)
    points = [f"p{number}" for number in range(10)]
    store.load_entities([point(id, writable=MARKER) for id in points])
    for id in points:
        store.point_write(id, 17, Number(1), "joe")
        store.point_write(id, 8, Number(2), "joe", now)
    outcomes = at_once([lambda: store.release_due(now) for _ in range(6)])
    assert sorted(id for found in outcomes for id in found) == points
    assert {store.existing(id)["writeVal"] for id in points} == {Number(1)}


@committed
def test_levels_written_at_once_leave_tags_and_array_in_step(
    store: StorageAdapter,
) -> None:
    store.load_entities([point(writable=MARKER)])

    def write(number: int) -> None:
        for turn in range(5):
            val = Number(turn) if (turn + number) % 3 else None
            store.point_write("p", number, val, "joe")

    assert at_once([lambda n=n: write(n) for n in (3, 8, 17, 3, 8)]) == [None] * 5
    levels = store.point_array("p", dt.datetime.now(dt.UTC))
    number, val = effective(levels)
    record = store.existing("p")
    assert (record["writeLevel"], record.get("writeVal")) == (Number(number), val)


@committed
def test_facts_of_a_history_that_many_write(store: StorageAdapter) -> None:
    store.load_entities([point()])
    starts = [at(f"2024-03-{day:02} 12:00") for day in (5, 1, 9, 3, 5)]
    at_once([lambda s=s: store.his_write("p", numbers(100, s, MINUTE)) for s in starts])
    record = store.existing("p")
    assert record["hisSize"] == Number(400)
    assert record["hisStart"] == starts[1]
    assert record["hisEnd"].utc == starts[2].utc + 99 * MINUTE


@committed
def test_a_point_is_removed_with_all_samples_or_not(store: StorageAdapter) -> None:
    """No sample is left of a point that was removed while it was written."""
    more = numbers(2_000, at("2024-05-01 12:00"))
    for _ in range(5):
        store.load_entities([point()])
        store.his_write("p", numbers(5, NOON))
        outcomes = at_once(
            [
                lambda: store.his_write("p", more),
                lambda: store.commit([], remove=["p"]),
                lambda: store.his_write("p", more[:10]),
            ]
        )
        others = [one for one in outcomes if isinstance(one, Exception)]
        assert all(isinstance(one, UnknownEntity) for one in others), others
        assert [chunk for chunk in store.his_chunks("p") if chunk.times] == []


# -- the async twins ----------------------------------------------------------


@pytest.fixture(autouse=True)
def _close(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    connections.close_all()


@sync_to_async
def close_connections() -> None:
    """Those of the thread that asgiref runs sync code in."""
    connections.close_all()


@committed
async def test_async_entities(store: StorageAdapter) -> None:
    changes = await store.aload_entities([entity("s", site=MARKER), entity("b")])
    assert sorted(changes.created) == ["b", "s"]
    assert ids(await store.aread("site")) == ["s"]
    assert ids(await store.aread("id", 1)) != []
    assert ids(await store.aread_by_ids(["b", "x", "s"])) == ["b", None, "s"]
    assert ids(await store.anav()) == ["s"]
    assert ids(await store.anav("s")) == []
    with pytest.raises(UnknownEntity):
        await store.anav("x")
    made = await store.acreate({"dis": "made"})
    assert ids(await store.aread('dis == "made"')) == [made["id"].id]
    with pytest.raises(InvalidRecord):
        await store.aload_entities([entity("c"), {}], replace=True)
    changes = await store.acommit([], remove=["b"])
    assert changes.removed == ["b"]
    changes = await store.aload_entities([entity("z")], replace=True)
    assert len(changes.removed) == 2
    assert (await store.aabout()) == (await sync_to_async(store.about)())
    await close_connections()


@committed
async def test_async_history(store: StorageAdapter) -> None:
    await store.aload_entities([point("p"), point("q")])
    await store.ahis_write("p", numbers(10_005, NOON))
    await store.ahis_write_all({"p": numbers(1, NOON), "q": numbers(2, NOON)})
    vals: list[float] = []
    async for chunk in store.ahis_read("p", NOON.utc + 2 * dt.timedelta(hours=1)):
        vals.extend(chunk.vals)
    assert vals == list(range(2, 10_005))
    with pytest.raises(InvalidSample):
        await store.ahis_write("p", [(NOON, "text")])
    with pytest.raises(UnknownEntity):
        async for _ in store.ahis_read("missing"):
            pass
    await close_connections()


@committed
async def test_tasks_may_write_while_another_one_reads(store: StorageAdapter) -> None:
    await store.aload_entities([point("p"), point("q")])
    await store.ahis_write("p", numbers(25_000, NOON))
    try:
        async for _ in store.ahis_read("p"):
            await asyncio.create_task(store.ahis_write("q", numbers(5, NOON)))
        found = [chunk async for chunk in store.ahis_read("q")]
        assert [value for chunk in found for value in chunk.vals] == list(range(5))
    finally:
        await close_connections()


@committed
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
async def test_an_async_reader_that_stops_early_leaves_no_transaction(
    sql_store: OrmAdapter,
) -> None:
    await sql_store.aload_entities([point()])
    await sql_store.ahis_write("p", numbers(25_000, NOON))
    chunks = sql_store.ahis_read("p")
    async for _ in chunks:
        break
    await chunks.aclose()  # type: ignore[attr-defined]

    def in_transaction() -> bool:
        return connections[sql_store.using].in_atomic_block

    try:
        assert not await sync_to_async(in_transaction)()
        await sql_store.ahis_write("p", [(NOON, Number(-1))])
    finally:
        await close_connections()
