"""The cache beside a store in one database of Redis."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import CacheHandler

from haystack_app.kinds import MARKER
from haystack_app.storage.redis import RedisAdapter
from tests.project.test_settings import Load, load
from tests.soak.redis_server import RedisServer
from tests.storage.building import entity, ids

__all__ = ["load"]


def test_clearing_the_cache_leaves_the_store(load: Load, tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server to start")
    # one of its own: a client that empties the database would hit others' tests
    with RedisServer(tmp_path) as server:
        cache: Any = CacheHandler(load(REDIS_URL=server.url)["CACHES"])["default"]
        store = RedisAdapter(url=server.url)
        store.load_entities([entity("s", site=MARKER)])
        redis.Redis.from_url(server.url).set("asgi:x", 1)
        cache.set("a", 1)
        cache.clear()
        assert cache.get("a") is None
        assert ids(store.read("site")) == ["s"]
        assert redis.Redis.from_url(server.url).exists("asgi:x")
