"""Others wait while a script runs for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from haystack_app.kinds import Number
from haystack_app.storage.redis import RedisAdapter, transaction
from tests.patience import PATIENCE
from tests.soak.redis_server import RedisServer
from tests.storage.building import entity, ids

_BUSY = """
local ends = redis.call('TIME')[1] + 2
while tonumber(redis.call('TIME')[1]) < ends do end
"""


@contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    """The server is in a script for 1 s at least, and tells others that it is."""
    own = redis.Redis(port=server.port, socket_timeout=None)
    own.config_set("busy-reply-threshold", 1)
    thread = threading.Thread(target=own.eval, args=(_BUSY, 0))
    thread.start()
    ends = time.monotonic() + PATIENCE
    with pytest.raises(redis.ResponseError, match="BUSY"):
        while time.monotonic() < ends:
            redis.Redis(port=server.port).ping()
    try:
        yield
    finally:
        thread.join()


CALLS: list[Callable[[RedisAdapter], Any]] = [
    lambda store: ids(store.read_by_ids(["a"])) == ["a"],
    lambda store: store.load_entities([entity("b")]).created == ["b"],
    lambda store: len(store.changes_of("a")) == 1,
    lambda store: len(store.server.answers(("PING",), ("PING",))) == 2,
    lambda store: RedisAdapter(url=store.server.url, prefix="new").load_entities(
        [entity("c")]
    ),
]


def test_a_busy_server_is_waited_for(server: RedisServer) -> None:
    store = RedisAdapter(url=server.url)
    store.load_entities([entity("a")])
    with busy(server), ThreadPoolExecutor(len(CALLS)) as pool:
        answers = [pool.submit(call, store) for call in CALLS]
        assert all(answer.result() for answer in answers)
    assert store.differences() == []


def test_what_is_sent_in_parts_waits(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "_AT_ONCE", 10)
    monkeypatch.setattr(transaction, "_STAGED", 7)
    store = RedisAdapter(url=server.url)
    store.load_entities([entity("a")])
    staged = transaction._stage

    def delayed(*args: Any) -> int:
        with busy(server):
            return staged(*args)

    monkeypatch.setattr(transaction, "_stage", delayed)
    store.load_entities([entity("a", n=Number(1)), entity("b")])
    assert ids(store.scan()) == ["a", "b"]
    assert store.differences() == []
