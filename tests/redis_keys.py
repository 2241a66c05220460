"""Taking away what a test left on a Redis server."""

from __future__ import annotations

import redis

__all__ = ["wipe"]


def wipe(url: str, prefix: str) -> None:
    """Delete every key with the prefix, and the search index of that name."""
    with redis.Redis.from_url(url, protocol=2) as server:
        for key in server.scan_iter(f"{prefix}:*", count=1_000):
            server.unlink(key)
        if any(module[b"name"] == b"search" for module in server.module_list()):
            for name in server.execute_command("FT._LIST"):
                if name.startswith(f"{prefix}:".encode()):
                    server.execute_command("FT.DROPINDEX", name)
