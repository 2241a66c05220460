"""Requests of one login that run at a time, and those that wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from haystack_app.serving import turns
from haystack_app.serving.turns import TurnLayer

MOST = 2
TOKEN = [(b"authorization", b"Bearer one")]
SESSION = [(b"cookie", b"a=b; sessionid=one; c=d")]


class App:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.highest = 0
        self.done = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.running += 1
        self.highest = max(self.highest, self.running)
        await self.go_on.wait()
        self.running -= 1
        self.done += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def status(layer: TurnLayer, headers: Any) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await layer({"type": "http", "headers": headers}, receive, send)
    code: int = sent[0]["status"]
    return code


def layer_of(app: App) -> TurnLayer:
    return TurnLayer(app, most=MOST, cookie="sessionid")


def asking(layer: TurnLayer, headers: Any, count: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(status(layer, headers)) for _ in range(count)]


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("headers", [TOKEN, SESSION])
async def test_others_of_a_login_wait(headers: Any) -> None:
    app = App()
    layer = layer_of(app)
    tasks = asking(layer, headers, 20)
    await settled()
    assert app.running == MOST
    app.go_on.set()
    assert await asyncio.gather(*tasks) == [200] * 20
    assert app.highest == MOST
    assert layer._lines == {}


async def test_other_logins_do_not_wait() -> None:
    app = App()
    layer = layer_of(app)
    tasks = asking(layer, TOKEN, 5)
    tasks += asking(layer, SESSION, 1)
    tasks += asking(layer, [(b"authorization", b"Bearer two")], 1)
    tasks += asking(layer, [(b"host", b"h")], 4)
    await settled()
    assert app.running == MOST + 1 + 1 + 4
    app.go_on.set()
    assert set(await asyncio.gather(*tasks)) == {200}


async def test_after_a_time_the_answer_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)
    app = App()
    layer = layer_of(app)
    tasks = asking(layer, TOKEN, MOST + 1)
    assert await tasks[-1] == 503
    app.go_on.set()
    assert await asyncio.gather(*tasks[:MOST]) == [200] * MOST
    assert layer._lines == {}


async def test_a_request_that_is_cancelled_gives_its_place_back() -> None:
    app = App()
    layer = layer_of(app)
    running, waiting = asking(layer, TOKEN, MOST), asking(layer, TOKEN, 3)
    await settled()
    for task in (waiting[0], running[0]):
        task.cancel()
    await settled()
    assert app.running >= MOST
    app.go_on.set()
    kept = [running[1], *waiting[1:]]
    assert await asyncio.gather(*kept) == [200] * 3
    assert layer._lines == {}
