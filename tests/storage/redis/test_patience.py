"""Others wait while a script runs for long."""

from __future__ import annotations

import threading
import time

import redis

from haystack_app.storage.redis import RedisAdapter
from tests.soak.redis_server import RedisServer
from tests.storage.building import entity, ids


def test_a_busy_server_is_waited_for(server: RedisServer) -> None:
    store = RedisAdapter(url=server.url)
    store.load_entities([entity("a")])
    own = redis.Redis(port=server.port, socket_timeout=None)
    own.config_set("busy-reply-threshold", 1)
    own.script_load("return 1")
    busy = threading.Thread(
        target=own.eval,
        args=(
            "local ends = redis.call('TIME')[1] + 2 "
            "while tonumber(redis.call('TIME')[1]) < ends do end",
            0,
        ),
    )
    begun = time.monotonic()
    busy.start()
    time.sleep(0.2)
    assert ids(store.read_by_ids(["a"])) == ["a"]
    store.load_entities([entity("b")])
    busy.join()
    assert time.monotonic() - begun > 0.5
    assert ids(store.scan()) == ["a", "b"]
