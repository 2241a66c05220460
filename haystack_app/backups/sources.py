"""What belongs to a back-up: databases, and stores on Redis."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from django.db import DEFAULT_DB_ALIAS, connections

from ..conf import app_settings
from ..storage.base import StorageAdapter
from ..storage.handler import storages
from ..storage.orm import OrmAdapter
from . import sqlite
from .errors import BackupError
from .manifest import Part

if TYPE_CHECKING:
    from ..storage.redis import RedisAdapter

__all__ = [
    "connection_words",
    "database_part",
    "database_path",
    "redis_store",
    "stores",
]


def stores(aliases: Iterable[str] = ()) -> list[StorageAdapter]:
    """The storages to back up: those named, or all. Raises BackupError."""
    found = [storages[alias] for alias in aliases or storages]
    for store in found:
        if not store.persistent:
            raise BackupError(
                f"storage {store.alias!r} is in the memory of each process and cannot"
                " be backed up: name the others by --storage"
            )
        if not isinstance(store, OrmAdapter) and not is_redis(store):
            raise BackupError(
                f"storage {store.alias!r} is a {type(store).__name__}, which"
                " haystack_backup does not know: name the others by --storage"
            )
    return found


def is_redis(store: StorageAdapter) -> bool:
    return any(base.__name__ == "RedisAdapter" for base in type(store).__mro__)


def redis_store(alias: str) -> RedisAdapter:
    """Raises BackupError."""
    store = storages[alias]
    if not is_redis(store):
        raise BackupError(f"storage {alias!r} is not on Redis, as in the back-up")
    return cast("RedisAdapter", store)


def database_aliases(found: Iterable[StorageAdapter]) -> list[str]:
    """The default database, which has users and tokens, and those of storages.

    Before them those of samples only: no sample is newer then than what its entity
    says, and every one has an entity, unless that was removed since.
    """
    stores_of = [store for store in found if isinstance(store, OrmAdapter)]
    samples = [store.history_using for store in stores_of if store.is_split]
    used = [store.using for store in stores_of]
    return list(dict.fromkeys([*samples, DEFAULT_DB_ALIAS, *used]))


def database_part(alias: str) -> Part:
    if connections[alias].vendor == "sqlite":
        return sqlite.part_of(alias)
    from . import postgresql

    return postgresql.part_of(alias)


def database_path(alias: str) -> str:
    return str(connections.settings[alias]["NAME"])


def connection_words(alias: str) -> dict[str, str]:
    """What libpq connects by; not through a pooler, which has no snapshots."""
    from . import postgresql

    direct = app_settings.DIRECT_DATABASE_URL if alias == DEFAULT_DB_ALIAS else ""
    return postgresql.words_of(connections.settings[alias], direct)
