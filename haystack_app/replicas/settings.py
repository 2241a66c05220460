"""What the setting ``HAYSTACK["REPLICATION"]`` says, in short forms."""

from __future__ import annotations

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from ..conf import app_settings

__all__ = ["PRIMARY", "has_shared_cache", "is_replica", "replica_aliases"]

PRIMARY = DEFAULT_DB_ALIAS
"""The alias of the database that replicas are of."""
_OF_ONE_PROCESS = ("locmem.LocMemCache", "dummy.DummyCache")


def replica_aliases() -> list[str]:
    """The aliases of the replicas in ``DATABASES``."""
    found: list[str] = app_settings.REPLICATION["REPLICAS"]
    return found


def is_replica(alias: str) -> bool:
    return alias in app_settings.REPLICATION["REPLICAS"]


def has_shared_cache() -> bool:
    """Whether other processes see what this one puts into Django's cache."""
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    return not backend.endswith(_OF_ONE_PROCESS)
