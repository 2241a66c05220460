"""Stores by their alias in the settings, or by the URL of their database.

The settings of a deployment usually contain one store. To copy to or from another one,
a command opens it by its URL while it runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from .. import databases
from ..storage.base import StorageAdapter
from ..storage.errors import StorageError
from ..storage.handler import storages
from ..storage.orm import OrmAdapter
from ..unapplied import unapplied_migrations

__all__ = ["UnusableStore", "check_migrated", "connected", "is_same", "named_store"]

_APP = "haystack_app"
_REDIS = "haystack_app.storage.redis.RedisAdapter"
_IDENTITY = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")


class UnusableStore(StorageError):
    """A store that cannot be opened or is not ready for the operation."""


def named_store(name: str) -> StorageAdapter:
    """An alias of the settings, or a ``postgresql:``, ``sqlite:`` or ``redis:`` URL.

    A database must be migrated. Raises UnknownStorage or UnusableStore.
    """
    scheme, is_url, _ = name.partition("://")
    if not is_url:
        return _checked(storages[name], "manage.py migrate")
    if scheme.partition("+")[0] in ("redis", "rediss"):
        return _redis(name)
    try:
        using = connected(databases.from_url(name))
    except ImproperlyConfigured as err:
        raise UnusableStore(str(err)) from None
    title = f"{scheme}:{connections.settings[using]['NAME']}"  # without the password
    return _checked(
        OrmAdapter(title, using=using), "DATABASE_URL=(the URL) manage.py migrate"
    )


def connected(config: dict[str, Any]) -> str:
    """The alias of a database, which is added to the connections if it is new."""
    entry = connections.configure_settings({DEFAULT_DB_ALIAS: {}, "new": config})["new"]
    for alias, known in connections.settings.items():
        if all(str(known[key]) == str(entry[key]) for key in _IDENTITY):
            return alias
    alias = f"by_url_{len(connections.settings)}"
    connections.settings[alias] = entry
    return alias


def is_same(one: StorageAdapter, other: StorageAdapter) -> bool:
    """Whether two adapters are known to use the same store."""
    if isinstance(one, OrmAdapter) and isinstance(other, OrmAdapter):
        return one.using == other.using
    return one is other


def check_migrated(using: str, command: str) -> None:
    """Raises UnusableStore, with the command to run, if migrations are unapplied."""
    config = connections.settings[using]
    is_file = config["ENGINE"].endswith("sqlite3")
    name = str(config["NAME"])
    if is_file and not name.startswith("file:") and not Path(name).exists():
        raise UnusableStore(f"database {name} not found: {command}")
    if unapplied_migrations(using, _APP):
        raise UnusableStore(f"database {name} is not migrated: {command}")


def _checked(store: StorageAdapter, command: str) -> StorageAdapter:
    for using in store.databases if isinstance(store, OrmAdapter) else ():
        is_other = using != DEFAULT_DB_ALIAS and "URL" not in command
        check_migrated(using, f"{command} --database {using}" if is_other else command)
    return store


def _redis(url: str) -> StorageAdapter:
    try:
        backend = import_string(_REDIS)
    except ImportError:
        raise UnusableStore("redis: the Redis storage is not installed") from None
    try:
        adapter: StorageAdapter = backend(alias="redis", url=url)
    except ImproperlyConfigured as err:
        raise UnusableStore(str(err)) from None
    return adapter
