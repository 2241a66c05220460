"""Requests of one user that run at a time, and those that wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from haystack_app import turns
from haystack_app.auth.current_request import USER
from haystack_app.serving.turns import TurnLayer
from haystack_app.turns import NoTurn, Turns

MOST = 2
TOKEN = [(b"authorization", b"Bearer one")]
SESSION = [(b"cookie", b"a=b; sessionid=one; c=d")]


class App:
    """Runs until it is let go."""

    def __init__(self) -> None:
        self.running = 0
        self.highest = 0
        self.done = 0
        self.user = ""
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.user:
            scope[USER] = self.user
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
    held = Turns(MOST, shared=100)
    return TurnLayer(app, cookie="sessionid", turns=lambda: held)


def is_empty(layer: TurnLayer) -> bool:
    held = layer._turns()
    return not (held._lines or held._crowded or held._running)


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
    assert is_empty(layer)


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
    assert is_empty(layer)


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
    assert is_empty(layer)


# -- logins of one user -------------------------------------------------------


def bearer(number: int) -> Any:
    return [(b"authorization", b"Bearer %d" % number)]


async def test_all_logins_of_a_user_wait_together() -> None:
    app = App()
    app.user, layer = "user 1", layer_of(app)
    app.go_on.set()
    for number in range(10):
        assert await status(layer, bearer(number)) == 200
    app.go_on.clear()
    app.highest = 0
    tasks = [one for number in range(10) for one in asking(layer, bearer(number), 2)]
    await settled()
    assert app.running == MOST
    app.go_on.set()
    assert set(await asyncio.gather(*tasks)) == {200}
    assert app.highest == MOST
    assert is_empty(layer)


async def test_an_answer_without_a_user_teaches_nothing() -> None:
    app = App()
    layer = layer_of(app)
    app.go_on.set()
    await status(layer, bearer(1))
    assert layer._users == {}


# -- the share of others ------------------------------------------------------


class Users:
    """Turns that are taken and given back by hand."""

    def __init__(self, most: int, shared: int) -> None:
        self.turns = Turns(most, shared)
        self.running: list[str] = []

    def ask(self, user: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.run(user))

    async def run(self, user: str) -> None:
        async with self.turns.turn(user):
            self.running.append(user)
            try:
                await asyncio.Event().wait()
            finally:
                self.running.remove(user)


async def test_a_share_stays_for_those_that_run_nothing() -> None:
    users = Users(most=4, shared=6)
    tasks = [users.ask(user) for user in "aaaabbbb"]
    await settled()
    assert users.running == [*"aaaabb"]
    tasks += [users.ask(user) for user in "cdc"]
    await settled()
    assert users.running == [*"aaaabbcd"]
    for task in tasks[:3]:
        task.cancel()
    await settled()
    assert sorted(users.running) == [*"abbbcd"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert users.turns._running == 0
    assert not users.turns._lines
    assert not users.turns._crowded


async def test_a_turn_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.05)
    users = Users(most=1, shared=9)
    first = users.ask("a")
    await settled()
    with pytest.raises(NoTurn):
        await users.ask("a")
    first.cancel()
    await settled()
    assert not users.turns._lines


async def test_a_turn_that_comes_when_the_time_is_up() -> None:
    """The request has given up, and not yet left the line."""
    users = Users(most=1, shared=4)
    async with users.turns.turn("a"):
        late = users.ask("a")
        await settled()
        late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    assert not users.turns._lines
