"""Locks of entities, held until the end of the transaction.

That of all entities is advisory on PostgreSQL. SQLite needs no locks: it has one
transaction that writes at a time (``transaction_mode`` IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

from ...sql.tables import ENTITIES

__all__ = ["entities_locked", "lock_rows", "locked_for_folding", "try_to_fold"]

_SPACE = 0x48535459  # namespace among the database's advisory locks
_ENTITIES = 1
_FOLDS = 2
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


def lock_rows(connection: BaseDatabaseWrapper, ids: Collection[str]) -> None:
    """Allow one writer of these entities at a time.

    Every writer locks in one order, which avoids deadlocks.
    """
    if ids and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT FROM {ENTITIES} WHERE id = ANY(%s)"
                " ORDER BY id FOR NO KEY UPDATE",
                [list(ids)],
            )


def locked_for_folding(connection: BaseDatabaseWrapper) -> None:
    """Wait until no other process folds samples, and hold that to the end."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, _FOLDS])


def try_to_fold(connection: BaseDatabaseWrapper) -> bool:
    """Whether no other process folds samples, until the end of the transaction."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_SPACE, _FOLDS])
        return bool(cursor.fetchone()[0])
