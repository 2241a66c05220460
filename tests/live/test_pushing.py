"""Delivery of updates by a hub, with failures; connections are lists."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from haystack_app.conf import app_settings
from haystack_app.filters import parse
from haystack_app.kinds import Number
from haystack_app.live import delivery
from haystack_app.live import hub as hubs
from haystack_app.live.delivery import groups, push, renew
from haystack_app.live.hub import Hub
from haystack_app.live.notifications import Hints
from haystack_app.live.round_robin import RoundRobin
from haystack_app.live.subscription import Subscription
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.memory import InMemoryAdapter
from tests.live.conftest import fill
from tests.patience import PATIENCE


class Connection:
    user_pk = 1

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.lost: list[str] = []
        self.most = 100

    @property
    def has_room(self) -> bool:
        return len(self.texts) < self.most

    def send_soon(self, text: str) -> None:
        self.texts.append(text)

    def ended(self, watch: Subscription) -> None:
        self.lost.append(watch.id)

    @property
    def values(self) -> dict[str, Any]:
        """Of all rows that came."""
        grids = [orjson.loads(text)["grid"] for text in self.texts]
        rows = [row for grid in grids for row in grid["rows"]]
        return {row["id"]["val"]: row.get("curVal") for row in rows}


@pytest.fixture
def store() -> StorageAdapter:
    store = InMemoryAdapter()
    fill(store)
    return store


def write(store: StorageAdapter, **values: float) -> None:
    store.cur_write({id: Current(Number(val)) for id, val in values.items()})


def pushed(
    store: StorageAdapter,
    connection: Connection,
    *ids: str,
    filter: str | None = None,
    subscriber: str = "h",
) -> Subscription:
    now = dt.datetime.now(dt.UTC)
    id = store.watch_open("t", owner="joe", lease=60, now=now, filter=filter).id
    if filter is None:
        watch, _ = store.watch_sub(id, ids, now=now, subscriber=subscriber)
    else:
        watch = store.watch_poll(id, now=now, subscriber=subscriber).watch
    meta = {"watchId": id, "lease": Number(60.0, "s"), "seq": Number(watch.seq)}
    if filter is not None:
        meta["filter"] = filter
    return Subscription(meta, connection, store)


async def push_all(
    watches: dict[str, Subscription], hints: Hints | None = None
) -> None:
    for group in groups(watches.values(), hints or Hints()):
        await push(watches, "h", group)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        await asyncio.wait_for(work(), PATIENCE)

    asyncio.run(within())


def test_watches_without_room_stay_pending(store: StorageAdapter) -> None:
    async def work() -> None:
        connection = Connection()
        connection.most = 1
        both = [pushed(store, connection, filter=f"id == @{id}") for id in "ab"]
        watches = {watch.id: watch for watch in both}
        write(store, a=1, b=2)
        await push_all(watches)
        assert len(connection.texts) == 1
        assert [watch.is_pending for watch in both] == [False, True]
        connection.most = 10
        await push_all(watches)
        assert connection.values == {"a": 1, "b": 2}

    run(work)


def test_updates_that_were_not_sent_are_requeued(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    """As if the answer to a COMMIT was lost."""

    async def work() -> None:
        connection = Connection()
        watch = pushed(store, connection, "a", "b")
        watches = {watch.id: watch}
        write(store, a=1)
        told = store.watch_updates

        def lost(*args: Any, **kwargs: Any) -> Any:
            told(*args, **kwargs)
            raise ConnectionError

        monkeypatch.setattr(store, "watch_updates", lost)
        with pytest.raises(ConnectionError):
            await push_all(watches)
        monkeypatch.setattr(store, "watch_updates", told)
        write(store, b=2)
        await push_all(watches)
        assert connection.values == {"a": 1, "b": 2}
        watch.is_pending = True
        await push_all(watches)
        assert len(connection.texts) == 1

    run(work)


def test_a_new_scope_applies_to_a_check_in_progress(
    store: StorageAdapter,
) -> None:
    async def work() -> None:
        connection, other = Connection(), Connection()
        watch, second = pushed(store, connection, "a"), pushed(store, other, "a")
        watches = {one.id: one for one in (watch, second)}
        write(store, a=1)
        (group,) = groups(watches.values(), Hints())
        watch.set_store(store.visible_to(parse("id == @b")))
        await push(watches, "h", group)
        assert connection.texts == []
        assert other.values == {"a": 1}
        assert watch.is_pending

    run(work)


def test_a_locked_watch_does_not_delay_others(
    store: StorageAdapter,
) -> None:
    async def work() -> None:
        connection, other = Connection(), Connection()
        watch, second = pushed(store, connection, "a"), pushed(store, other, "a")
        watches = {one.id: one for one in (watch, second)}
        write(store, a=1)
        (group,) = groups(watches.values(), Hints())
        async with watch.lock:
            await push(watches, "h", group)
            assert other.values == {"a": 1}
        assert watch.is_pending
        await push_all(watches)
        assert connection.values == {"a": 1}

    run(work)


def test_leases_of_other_stores_are_renewed_if_one_fails(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    class Failing(InMemoryAdapter):
        def watch_renew(self, *args: Any, **kwargs: Any) -> set[str]:
            raise ConnectionError

    failing = Failing()
    failing.alias = "failing"
    fill(failing)

    async def work() -> None:
        connection = Connection()
        both = [pushed(one, connection, "a") for one in (failing, store)]
        watches = {watch.id: watch for watch in both}
        for watch in both:
            watch.renewed = float("-inf")
        store.watch_close(both[1].id)
        lost: list[Subscription] = []
        with pytest.raises(ConnectionError):
            async for some in renew(watches, "h"):
                lost += some
        assert lost == [both[1]]

    run(work)


def test_watches_with_long_leases_are_renewed_in_time(
    store: StorageAdapter,
) -> None:
    async def work() -> None:
        watch = pushed(store, Connection(), "a")
        watch.lease = 3600
        assert not watch.must_renew(watch.renewed + 19)
        assert watch.must_renew(watch.renewed + 21)

    run(work)


# -- hubs ----------------------------------------------------------------------


@pytest.fixture
def quick(settings: Any, monkeypatch: Any) -> None:
    settings.HAYSTACK = {**settings.HAYSTACK, "COALESCE_MS": 1}
    for module in (hubs, delivery):
        monkeypatch.setattr(module, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(hubs, "_PAUSE_SECONDS", 0.05)


def of_hub(work: Callable[[Hub], Awaitable[None]]) -> None:
    async def within() -> None:
        hub = Hub(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(work(hub), PATIENCE)
        finally:
            for task in {*hub.tasks, *hub.pushes}:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    asyncio.run(within())


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


@pytest.fixture
def gate(store: StorageAdapter, monkeypatch: Any) -> Iterator[Any]:
    """An event; checks of watches by filter wait for it."""
    from threading import Event

    gate = Event()
    told = store.watch_updates

    def slow(acks: Any, **kwargs: Any) -> Any:
        if any(store._watches[id].filter for id in acks):  # type: ignore[attr-defined]
            assert gate.wait(60)
        return told(acks, **kwargs)

    monkeypatch.setattr(store, "watch_updates", slow)
    yield gate
    gate.set()


@pytest.mark.usefixtures("quick")
def test_a_slow_watch_by_filter_does_not_delay_others(
    store: StorageAdapter, gate: Any
) -> None:
    async def work(hub: Hub) -> None:
        slow, quick = Connection(), Connection()
        hub.add(pushed(store, slow, filter="point", subscriber=hub.id))
        hub.add(pushed(store, quick, "a", subscriber=hub.id))
        for val in range(1, 4):
            write(store, a=val)
            hints = Hints()
            hints.add("default", {"a"}, logged=False)
            hub.add_hints(hints)
            await until(lambda val=val: quick.values.get("a") == val)  # type: ignore[misc]
            for watch in hub.watches.values():
                watch.ack(100)
        assert slow.texts == []
        gate.set()
        await until(lambda: slow.values.get("a") == 3)
        await until(lambda: not any(one.is_slow for one in hub.watches.values()))

    of_hub(work)


@pytest.mark.usefixtures("quick")
def test_a_failing_watch_is_retried_and_does_not_delay_others(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    told = store.watch_updates
    failing = True

    def fails(acks: Any, **kwargs: Any) -> Any:
        if failing and any(store._watches[id].filter for id in acks):  # type: ignore[attr-defined]
            raise ConnectionError
        return told(acks, **kwargs)

    monkeypatch.setattr(store, "watch_updates", fails)

    async def work(hub: Hub) -> None:
        nonlocal failing
        one, other = Connection(), Connection()
        hub.add(pushed(store, one, filter="point", subscriber=hub.id))
        hub.add(pushed(store, other, "a", subscriber=hub.id))
        write(store, a=1)
        await until(lambda: other.values == {"a": 1})
        assert one.texts == []
        failing = False
        await until(lambda: one.values == {"a": 1})

    of_hub(work)


def test_waiting_ends_at_once_while_the_server_stops() -> None:
    async def work(hub: Hub) -> None:
        hub.stop()
        assert hub.growth("default").is_set()

    of_hub(work)


def test_invalid_settings_do_not_stop_a_hub(settings: Any) -> None:
    for wrong in (float("inf"), float("nan"), "soon", None, -1):
        settings.HAYSTACK = {**settings.HAYSTACK, "CHECK_SECONDS": wrong}
        assert app_settings.CHECK_SECONDS == 10


def test_removed_items_do_not_take_a_place_in_a_round() -> None:
    watches = dict.fromkeys(range(1000))
    looking: RoundRobin[int] = RoundRobin()
    assert len(looking.part(watches, 10)) == 100
    for number in range(990):
        del watches[number]
    seen = [one for _ in range(10) for one in looking.part(watches, 10)]
    assert sorted(seen) == list(range(990, 1000))
