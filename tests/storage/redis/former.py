"""A store as the version before made it: other names of keys, and of a field."""

from __future__ import annotations

from haystack_app.storage.redis import RedisAdapter

__all__ = ["make_former"]


def make_former(store: RedisAdapter) -> None:
    """Give the keys of a store the names that they had, and its watches the field."""
    redis, keys = store.server.redis, store.keys
    redis.delete(keys.former_meta)  # which a new store leaves for the former version
    for name in list(store.server.scan(keys.base)):
        redis.rename(keys.base + name, keys.former + name)
        if name.startswith("w:"):
            text = redis.get(keys.former + name)
            assert text and b'"subscriber":' in text
            redis.set(
                keys.former + name, text.replace(b'"subscriber":', b'"holder":', 1)
            )
    if store.server.modules:
        redis.execute_command("FT.DROPINDEX", keys.search)
        redis.execute_command(
            *("FT.CREATE", f"{keys.former}search", "ON", "HASH", "PREFIX", 1),
            *(f"{keys.former}x:", "SCHEMA", "terms", "TAG"),
        )
    store.server.starts += 1
