"""Changes of the schema that do not hold up a server that runs beside them."""

from __future__ import annotations

from typing import Self

from django.db.backends.postgresql import schema

__all__ = ["LOCK_SECONDS", "DatabaseSchemaEditor"]

LOCK_SECONDS = 5.0


class DatabaseSchemaEditor(schema.DatabaseSchemaEditor):
    """Gives up a lock that it does not get, because all other statements wait for it.

    ``migrate`` then ends with an error of the database, the migration is undone, and
    the command may be repeated.
    """

    def __enter__(self) -> Self:
        editor = super().__enter__()
        if self.atomic_migration and not self.collect_sql:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}")
        return editor
