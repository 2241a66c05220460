"""Locks of a whole store, held until the end of the transaction.

On PostgreSQL they are advisory. SQLite needs none: there every transaction that
writes is alone (``transaction_mode`` IMMEDIATE).
"""

from __future__ import annotations

from enum import IntEnum

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["Lock", "lock"]

_SPACE = 0x48535459  # ours among the advisory locks of the database


class Lock(IntEnum):
    """ENTITIES: one writer of entities at a time, so that no two of them create
    the same one. HISTORY: shared by writers of samples, alone for whoever
    removes points."""

    ENTITIES = 1
    HISTORY = 2


def lock(connection: BaseDatabaseWrapper, which: Lock, *, shared: bool = False) -> None:
    if connection.vendor != "postgresql":
        return
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_SPACE, int(which)])
