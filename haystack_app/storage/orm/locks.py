"""The lock of all entities of a store, held until the end of the transaction.

On PostgreSQL it is advisory. SQLite does not need it: it has one transaction that
writes at a time (``transaction_mode`` IMMEDIATE).
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["lock_entities"]

_SPACE = 0x48535459  # namespace among the database's advisory locks
_ENTITIES = 1


def lock_entities(connection: BaseDatabaseWrapper) -> None:
    """Allow one writer of entities at a time, so that no two create the same one."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, _ENTITIES])
