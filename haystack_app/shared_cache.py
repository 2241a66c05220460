"""The cache on a Redis that others share."""

from __future__ import annotations

from typing import Any

from django_redis.client import DefaultClient

__all__ = ["SharingClient"]


class SharingClient(DefaultClient):  # type: ignore[misc]
    """Clears what is the cache's own: a store may be in the same database.

    django-redis empties the database.
    """

    def clear(self, client: Any = None) -> None:
        self.delete_pattern("*", client=client)
