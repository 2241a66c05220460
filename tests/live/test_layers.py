"""Channel layers that hang, fail and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from haystack_app.live import hub, notifications
from haystack_app.live.hub import Hub
from haystack_app.live.notifications import Hints, send_now
from tests.patience import PATIENCE


class Layer:
    """A layer that hangs while ``hangs`` is set, and fails while ``error`` is set.

    Messages are only received if it ``is_read``.
    """

    def __init__(self) -> None:
        self.hangs = False
        self.is_read = True
        self.error: Exception | None = None
        self.joined: list[str] = []
        self.channels = 0
        self.sent: asyncio.Queue[Any] = asyncio.Queue()

    async def _pass(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error

    async def new_channel(self) -> str:
        self.channels += 1
        return f"c{self.channels}"

    async def group_add(self, group: str, channel: str) -> None:
        await self._pass()
        self.joined.append(channel)

    async def group_send(self, group: str, message: Any) -> None:
        await self._pass()
        self.sent.put_nowait(message)

    async def receive(self, channel: str) -> Any:
        await self._pass()
        if not self.is_read:
            await asyncio.Event().wait()
        return await self.sent.get()


@pytest.fixture
def layer(monkeypatch: Any) -> Layer:
    layer = Layer()
    for module in (notifications, hub):
        monkeypatch.setattr(module, "shared_layer", lambda: layer)
        monkeypatch.setattr(module, "SECONDS", 0.02)
    monkeypatch.setattr(hub, "_PAUSE_SECONDS", 0.01)
    return layer


def of_hub(work: Callable[[Hub], Awaitable[None]]) -> None:
    async def within() -> None:
        one = Hub(asyncio.get_running_loop())
        try:
            await asyncio.wait_for(work(one), PATIENCE)
        finally:
            for task in one.tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    asyncio.run(within())


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.005)


def some() -> Hints:
    found = Hints()
    found.add("default", {"a"}, logged=True)
    return found


def test_a_layer_that_hangs_when_the_server_starts(layer: Layer) -> None:
    async def work(one: Hub) -> None:
        assert one.is_disconnected  # so that it looks by itself, each second
        await until(lambda: one.is_warned)
        layer.hangs = False
        await until(lambda: not one.is_disconnected)
        layer.sent.put_nowait(some().message("another"))
        growth = one.growth("default")
        await growth.wait()

    layer.hangs = True
    of_hub(work)


def test_a_layer_that_fails_again_and_again_is_joined_by_one_channel(
    layer: Layer,
) -> None:
    async def work(one: Hub) -> None:
        for error in (ConnectionError(), TimeoutError(), KeyError("origin")):
            await until(lambda: not one.is_disconnected)
            layer.error = error
            layer.sent.put_nowait({"origin": one.id})
            await until(lambda: one.is_disconnected)
            layer.error = None
        await until(lambda: not one.is_disconnected)
        assert set(layer.joined) == {"c1"}

    of_hub(work)


def test_a_channel_joins_again_in_time(layer: Layer, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub, "_REJOIN_SECONDS", 0.01)

    async def work(one: Hub) -> None:
        await until(lambda: len(layer.joined) > 3)
        assert not one.is_disconnected
        assert set(layer.joined) == {"c1"}

    of_hub(work)


def test_a_hint_is_relayed_after_one_that_hung(layer: Layer) -> None:
    async def work(one: Hub) -> None:
        await until(lambda: not one.is_disconnected)
        layer.hangs = True
        one.add_local_hints(some(), True)
        await until(lambda: not one.has_outgoing.is_set())
        await asyncio.sleep(0.05)
        layer.hangs = False
        one.add_local_hints(some(), True)
        await until(lambda: not layer.sent.empty())

    layer.is_read = False
    of_hub(work)


def test_a_command_does_not_wait_for_a_layer_that_hangs(layer: Layer) -> None:
    layer.hangs = True
    send_now(some())
    assert layer.sent.empty()
    layer.hangs = False
    send_now(some())
    assert not layer.sent.empty()
