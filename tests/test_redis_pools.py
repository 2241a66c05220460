"""Pools whose master changes while commands are under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis as Client

from haystack_app import redis_pools
from haystack_app.redis_pools import pool_of
from tests.outages.services import Redis, running
from tests.patience import PATIENCE, eventually

URL = "redis+sentinel://nowhere/service"


class Names:
    """The sentinels: they name ``master``."""

    def __init__(self, master: Redis) -> None:
        self.master = master

    def discover_master(self, name: str) -> tuple[str, int]:
        assert name == "service"
        return "127.0.0.1", self.master.port


@pytest.fixture
def two() -> Iterator[tuple[Redis, Redis]]:
    with ExitStack() as stack:
        one, other = (stack.enter_context(running(Redis)) for _ in range(2))
        assert isinstance(one, Redis)
        assert isinstance(other, Redis)
        yield one, other


@pytest.fixture
def names(two: tuple[Redis, Redis], monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names(two[0])
    monkeypatch.setattr(redis_pools, "Sentinel", lambda *_, **__: found)
    return found


def test_a_command_is_tried_again_at_the_new_master(
    two: tuple[Redis, Redis], names: Names
) -> None:
    client: Any = Client.from_pool(pool_of(URL, socket_timeout=0.5))
    client.set("a", 1)
    with two[0].hung():
        names.master = two[1]
        client.set("a", 2)
    assert Client(port=two[1].port).get("a") == b"2"


def test_what_waits_for_a_former_master_ends(
    two: tuple[Redis, Redis], names: Names
) -> None:
    """As soon as any connection of the pool is told of another one."""
    pool = pool_of(URL, socket_timeout=2 * PATIENCE)
    client: Any = Client.from_pool(pool)
    client.ping()
    with two[0].hung():
        waiting = threading.Thread(target=client.set, args=("a", 1), daemon=True)
        waiting.start()
        eventually(lambda: pool._in_use_connections, "it waits")
        names.master = two[1]
        client.set("b", 1)
        waiting.join(PATIENCE)
    assert not waiting.is_alive()
    assert Client(port=two[1].port).mget("a", "b") == [b"1", b"1"]
