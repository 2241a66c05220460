"""Room for our tables in a database that haystack-py's are in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from ...sql.tables import ENTITIES, HISTORY
from .tables import OLD, NoSuchTables

__all__ = ["drop", "is_same_database", "make_room"]

_APP = "haystack_app"
_SHARED = (ENTITIES, HISTORY)
"""Names that haystack-py has, too; no other table of ours is called like one of its."""


def make_room(using: str, theirs: Collection[str]) -> list[str]:
    """Rename ``theirs`` where they have our names, all in one transaction.

    Their indexes too, for those have names that ours need. The tables by their former
    names; none where our migrations have run. Raises NoSuchTables, and renames none,
    where a table of such a name is of somebody else.
    """
    connection = connections[using]
    if any(
        app == _APP for app, _ in MigrationRecorder(connection).applied_migrations()
    ):
        return []
    there = set(connection.introspection.table_names())
    found = [table for table in _SHARED if table in there]
    for table in found:
        if table not in theirs:
            raise NoSuchTables(f"the table {table} is neither haystack-py's nor ours")
        if table + OLD in there:
            raise NoSuchTables(f"the tables {table} and {table}{OLD} are both there")
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for table in found:
            cursor.execute(
                "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid"
                " WHERE indrelid = %s::regclass",
                [table],
            )
            for (index,) in cursor.fetchall():
                new = connection.ops.quote_name(index[: 63 - len(OLD)] + OLD)
                old = connection.ops.quote_name(index)
                cursor.execute(f"ALTER INDEX {old} RENAME TO {new}")
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}{OLD}")
    return found


def is_same_database(one: BaseDatabaseWrapper, other: BaseDatabaseWrapper) -> bool:
    """Whether two connections lead to one database, however it was named."""
    return _identity(one) == _identity(other)


def _identity(connection: BaseDatabaseWrapper) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_postmaster_start_time()")
        return cursor.fetchone()


def drop(using: str, tables: Sequence[str]) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE {table}")
