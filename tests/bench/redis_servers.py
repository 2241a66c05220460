"""The Redis servers that take part: by REDIS_TEST_URL, or the usual one, and by
REDIS_STACK_URL.
"""

from __future__ import annotations

import os
from typing import Any

import redis

from tests.redis_keys import wipe

__all__ = ["URLS", "storage_entries", "wipe_servers"]

URLS = {
    "redis": os.environ.get("REDIS_TEST_URL") or "redis://127.0.0.1:6379/0",
    "stack": os.environ.get("REDIS_STACK_URL", ""),
}


def storage_entries(prefix: str) -> dict[str, dict[str, Any]]:
    """Entries of the setting HAYSTACK, for the servers that can be reached."""
    found = {}
    for alias, url in URLS.items():
        if url and _answers(url):
            options = {"url": url, "prefix": prefix, "modules": alias == "stack"}
            found[alias] = {
                "BACKEND": "haystack_app.storage.redis.RedisAdapter",
                "OPTIONS": options,
            }
    return found


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_timeout=2, retry=None).ping())
    except redis.RedisError:
        return False


def wipe_servers() -> None:
    for url in URLS.values():
        if url and _answers(url):
            wipe(url, os.environ["BENCH_PREFIX"])
