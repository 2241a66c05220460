"""Base class of commands on a Redis store."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from haystack_app.storage.redis import RedisAdapter

from ._storage import StorageCommand

__all__ = ["RedisCommand"]


class RedisCommand(StorageCommand):
    """A command that only works on Redis stores."""

    def redis_adapter(self, options: dict[str, Any]) -> RedisAdapter:
        adapter = self.adapter(options)
        if not isinstance(adapter, RedisAdapter):
            raise CommandError(
                f"storage {adapter.alias!r} must be on Redis, not"
                f" {type(adapter).__name__}"
            )
        return adapter
