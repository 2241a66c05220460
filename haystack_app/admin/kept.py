"""Whether the tables that the admin shows are those of a storage in use."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS

from ..storage.handler import storages
from ..storage.orm import OrmAdapter

__all__ = ["kept_in_tables"]


def kept_in_tables() -> bool:
    """False where all storages are in Redis, say: the tables are empty then.

    The explorer looks into any storage.
    """
    held = (storages[alias] for alias in storages)
    return any(
        isinstance(store, OrmAdapter) and store.using == DEFAULT_DB_ALIAS
        for store in held
    )
