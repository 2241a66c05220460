"""What a hub does with watches, whatever fails: by connections that are lists."""

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
from haystack_app.live.hub import Hub, RoundRobin
from haystack_app.live.notifications import Hints
from haystack_app.live.subscription import Subscription
from haystack_app.storage.base import StorageAdapter
from haystack_app.storage.currents import Current
from haystack_app.storage.memory import InMemoryAdapter
from tests.live.conftest import fill
from tests.patience import PATIENCE


class Connection:
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


def test_who_has_no_room_when_its_turn_comes_stays_late(store: StorageAdapter) -> None:
    async def work() -> None:
        connection = Connection()
        connection.most = 1
        both = [pushed(store, connection, filter=f"id == @{id}") for id in "ab"]
        watches = {watch.id: watch for watch in both}
        write(store, a=1, b=2)
        await push_all(watches)
        assert len(connection.texts) == 1
        assert [watch.late for watch in both] == [False, True]
        connection.most = 10
        await push_all(watches)
        assert connection.values == {"a": 1, "b": 2}

    run(work)


def test_what_was_told_and_not_sent_is_told_again(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    """As where the answer to a COMMIT is lost."""

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
        watch.late = True
        await push_all(watches)
        assert len(connection.texts) == 1

    run(work)


def test_news_for_a_connection_that_was_replaced_is_told_to_the_new_one(
    store: StorageAdapter, monkeypatch: Any
) -> None:
    async def work() -> None:
        before, after = Connection(), Connection()
        watch = pushed(store, before, "a")
        meta = {"watchId": watch.id, "lease": Number(60.0, "s"), "seq": Number(1)}
        new = Subscription(meta, after, store)
        watches = {watch.id: watch}
        write(store, a=1)
        told = store.watch_updates

        def replaced(*args: Any, **kwargs: Any) -> Any:
            watches[watch.id] = new
            return told(*args, **kwargs)

        monkeypatch.setattr(store, "watch_updates", replaced)
        await push_all(watches)
        assert before.texts == []
        await push_all(watches)
        assert after.values == {"a": 1}

    run(work)


def test_other_rights_take_effect_behind_the_look_that_is_under_way(
    store: StorageAdapter,
) -> None:
    async def work() -> None:
        connection, other = Connection(), Connection()
        watch, second = pushed(store, connection, "a"), pushed(store, other, "a")
        watches = {one.id: one for one in (watch, second)}
        write(store, a=1)
        (group,) = groups(watches.values(), Hints())
        watch.look_as(store.visible_to(parse("id == @b")))
        await push(watches, "h", group)
        assert connection.texts == []
        assert other.values == {"a": 1}
        assert watch.late

    run(work)


def test_an_op_that_has_the_turn_of_one_watch_holds_up_no_other(
    store: StorageAdapter,
) -> None:
    async def work() -> None:
        connection, other = Connection(), Connection()
        watch, second = pushed(store, connection, "a"), pushed(store, other, "a")
        watches = {one.id: one for one in (watch, second)}
        write(store, a=1)
        (group,) = groups(watches.values(), Hints())
        async with watch.turn:
            await push(watches, "h", group)
            assert other.values == {"a": 1}
        assert watch.late
        await push_all(watches)
        assert connection.values == {"a": 1}

    run(work)


def test_a_store_that_fails_keeps_no_lease_from_the_others(
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


def test_a_long_lease_does_not_hide_that_a_watch_was_closed(
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
    """A lock; looking for news of watches by filter waits for it."""
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
def test_a_watch_by_filter_that_takes_long_holds_up_no_other(
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
            hub.hear(hints)
            await until(lambda val=val: quick.values.get("a") == val)  # type: ignore[misc]
            for watch in hub.watches.values():
                watch.ack(100)
        assert slow.texts == []
        gate.set()
        await until(lambda: slow.values.get("a") == 3)
        await until(lambda: not any(one.is_slow for one in hub.watches.values()))

    of_hub(work)


@pytest.mark.usefixtures("quick")
def test_a_watch_that_fails_is_tried_again_and_holds_up_no_other(
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


def test_nobody_begins_to_wait_while_the_server_stops() -> None:
    async def work(hub: Hub) -> None:
        hub.stop()
        assert hub.growth("default").is_set()

    of_hub(work)


def test_wrong_settings_do_not_stop_a_hub(settings: Any) -> None:
    for wrong in (float("inf"), float("nan"), "soon", None, -1):
        settings.HAYSTACK = {**settings.HAYSTACK, "CHECK_SECONDS": wrong}
        assert app_settings.CHECK_SECONDS == 10


def test_what_is_not_there_any_more_takes_nobodys_place_in_a_round() -> None:
    watches = dict.fromkeys(range(1000))
    looking: RoundRobin[int] = RoundRobin()
    assert len(looking.part(watches, 10)) == 100
    for number in range(990):
        del watches[number]
    seen = [one for _ in range(10) for one in looking.part(watches, 10)]
    assert sorted(seen) == list(range(990, 1000))
