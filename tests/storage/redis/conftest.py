"""A plain Redis of a test's own, which keeps every write at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Its ``stop`` is a kill -9; ``start`` brings it back with what it had."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server to start")
    keeping = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(tmp_path, *keeping) as own:
        yield own
