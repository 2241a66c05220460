"""Taking away what a test left on a Redis server."""

from __future__ import annotations

from functools import cache

import redis

__all__ = ["wipe"]


def wipe(url: str, prefix: str) -> None:
    """Delete every key with the prefix, and the search index of that name.

    Also those of the former version, which have no braces.
    """
    firsts = f"{{{prefix}}}:", f"{prefix}:"
    with redis.Redis.from_url(url, protocol=2) as server:
        for first in firsts:
            if keys := list(server.scan_iter(f"{first}*", count=1_000)):
                server.unlink(*keys)
        if _has_search(url):
            for name in server.execute_command("FT._LIST"):
                if name.decode().startswith(firsts):
                    server.execute_command("FT.DROPINDEX", name)


@cache
def _has_search(url: str) -> bool:
    with redis.Redis.from_url(url, protocol=2) as server:
        return any(module[b"name"] == b"search" for module in server.module_list())
