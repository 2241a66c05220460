"""The adapter on Redis: ``haystack_app.storage.redis.RedisAdapter``."""

from .adapter import RedisAdapter

__all__ = ["RedisAdapter"]
