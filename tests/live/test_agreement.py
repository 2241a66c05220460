"""Polling and pushing deliver the same, for all sequences of changes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from haystack_app.auth import tokens
from haystack_app.kinds import MARKER, Grid, Number
from haystack_app.storage.currents import Current
from haystack_app.storage.handler import storages
from tests.api.callers import Caller
from tests.live.conftest import Socket
from tests.patience import PATIENCE
from tests.storage.building import point

IDS = [f"p{number}" for number in range(12)]
FILTER = "point and on"


def change(chance: random.Random) -> None:
    """Something happens to one of the points."""
    store = storages["default"]
    id = chance.choice(IDS)
    row = point(id, cur=MARKER, on=True, n=Number(chance.randrange(5)))
    act = chance.randrange(5)
    if act == 0:
        store.commit([], remove=[id])
    elif act == 1:
        store.load_entities([{name: row[name] for name in row if name != "on"}])
    elif act < 4 and store.read_by_ids([id])[0]:
        store.cur_write({id: Current(Number(chance.randrange(100)))})
    else:
        store.load_entities([row])


def write(seed: int) -> None:
    chance = random.Random(seed)
    try:
        for _ in range(60):
            try:
                change(chance)
            except ValueError:
                continue  # another one has removed it meanwhile
    finally:
        connections.close_all()


def merge(state: dict[str, Any], grid: Grid) -> None:
    state.update((row["id"].id, dict(row)) for row in grid)
    for ref in grid.meta.get("gone", []):
        state.pop(ref.id, None)


def ack(socket: Socket, grid: Grid) -> int:
    seq = int(grid.meta["seq"].val)
    socket.say(op="ack", watchId=grid.meta["watchId"], seq=seq)
    return seq


def difference(pushed: dict[str, Any], writers: list[threading.Thread]) -> str:
    there = contents()
    rows = {
        id: (pushed.get(id), there.get(id))
        for id in pushed.keys() | there.keys()
        if pushed.get(id) != there.get(id)
    }
    return f"pushed and there: {rows}, {sum(it.is_alive() for it in writers)} writers"


def contents() -> dict[str, Any]:
    return {row["id"].id: row.tags for row in storages["default"].read(FILTER)}


@pytest.mark.parametrize("seed", range(2))
def test_polling_and_pushing_agree(
    server: int, opened: Callable[..., Socket], seed: int
) -> None:
    storages["default"].load_entities([point(id, cur=MARKER, on=True) for id in IDS])
    caller = Caller(
        server, tokens.issue(get_user_model().objects.get(username="alice"))
    )
    new = Grid(meta={"watchDis": "polled", "filter": FILTER})
    polled, pushed = {}, {}
    answer = caller.ask("watchSub", new)
    merge(polled, answer)
    poll = Grid(meta={"watchId": answer.meta["watchId"]})
    socket = opened()
    grid = socket.sub(filter=FILTER)
    merge(pushed, grid)
    watch, seq = grid.meta["watchId"], ack(socket, grid)
    writers = [threading.Thread(target=write, args=(seed * 10 + n,)) for n in range(4)]
    for writer in writers:
        writer.start()
    chance = random.Random(seed)
    deadline = time.monotonic() + PATIENCE
    while any(writer.is_alive() for writer in writers) or pushed != contents():
        assert time.monotonic() < deadline, difference(pushed, writers)
        socket.is_quiet(0.1)
        while socket.others:
            news = socket.others.pop(0)["grid"]
            merge(pushed, news)
            seq = ack(socket, news)
        merge(polled, caller.ask("watchPoll", poll))
        if chance.random() < 0.2:
            socket.raw.close()
            socket = opened()
            news = socket.grid("resume", watchId=watch, ack=seq)
            merge(pushed, news)
            seq = ack(socket, news)
    merge(polled, caller.ask("watchPoll", poll))
    assert polled == pushed == contents()
