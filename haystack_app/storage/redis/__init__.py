"""The adapter on Redis: ``haystack_app.storage.redis.RedisAdapter``."""

from ...extras import imported_for

with imported_for("A storage on Redis", "redis"):
    from .adapter import RedisAdapter

__all__ = ["RedisAdapter"]
