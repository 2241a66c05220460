"""Renames the tables of haystack-py whose names this app needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from ...sql.tables import ENTITIES, HISTORY
from .tables import OLD_SUFFIX, UnusableTables

__all__ = ["drop_tables", "is_same_database", "rename_tables"]

_APP = "haystack_app"
_SHARED = (ENTITIES, HISTORY)
"""Names that haystack-py has, too; no other table of ours is called like one of its."""


def rename_tables(using: str, old: Collection[str]) -> list[str]:
    """Rename the tables in ``old`` whose names this app needs, in one transaction.

    Their indexes are renamed too, because the app needs those names as well. Returns
    the former names of the tables; empty if the app's migrations have been applied.
    Raises UnusableTables, without a change, if such a table does not belong to
    haystack-py.
    """
    connection = connections[using]
    if any(
        app == _APP for app, _ in MigrationRecorder(connection).applied_migrations()
    ):
        return []
    tables = set(connection.introspection.table_names())
    conflicts = [table for table in _SHARED if table in tables]
    for table in conflicts:
        if table not in old:
            raise UnusableTables(
                f"table {table} belongs neither to haystack-py nor to this app"
            )
        if table + OLD_SUFFIX in tables:
            raise UnusableTables(
                f"tables {table} and {table}{OLD_SUFFIX} both exist: rename or drop one"
            )
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for table in conflicts:
            cursor.execute(
                "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid"
                " WHERE indrelid = %s::regclass",
                [table],
            )
            for (index,) in cursor.fetchall():
                name = index[: 63 - len(OLD_SUFFIX)] + OLD_SUFFIX
                before, after = map(connection.ops.quote_name, (index, name))
                cursor.execute(f"ALTER INDEX {before} RENAME TO {after}")
            cursor.execute(f"ALTER TABLE {table} RENAME TO {table}{OLD_SUFFIX}")
    return conflicts


def is_same_database(one: BaseDatabaseWrapper, other: BaseDatabaseWrapper) -> bool:
    """Whether two connections use the same database, regardless of their DSNs."""
    return _identity(one) == _identity(other)


def _identity(connection: BaseDatabaseWrapper) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), pg_postmaster_start_time()")
        return cursor.fetchone()


def drop_tables(using: str, tables: Sequence[str]) -> None:
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE {table}")
