"""The lock of all entities of a store, held until the end of the transaction.

On PostgreSQL it is advisory. SQLite does not need it: it has one transaction that
writes at a time (``transaction_mode`` IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["entities_locked"]

_SPACE = 0x48535459  # namespace among the database's advisory locks
_ENTITIES = 1
_HELD = "_haystack_entities_locked"


@contextmanager
def entities_locked(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Allow one writer of entities at a time, so that no two create the same one.

    Must be inside a transaction, which holds the lock to its end. An inner block asks
    for nothing: savepoints inside the outer block cannot release the lock.
    """
    if connection.vendor != "postgresql" or getattr(connection, _HELD, False):
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, _ENTITIES])
    setattr(connection, _HELD, True)
    try:
        yield
    finally:
        setattr(connection, _HELD, False)
