"""Migration operations that look at the database before they act.

Each is reversible, can be repeated, and does nothing on a vendor it is not for.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import names_digest
from django.db.migrations.operations import (
    AlterField,
    AlterModelOptions,
    AlterModelTable,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.utils import DatabaseError

__all__ = [
    "Hypertable",
    "NamesOfField",
    "NamesOfModel",
    "NoForeignTables",
    "PostgresSql",
    "RenameTable",
    "SqliteSql",
    "TrigramIndex",
]

logger = logging.getLogger("haystack_app.migrations")
_PENDING_KB = 65_536
_DEFAULT_CHUNK_DAYS = 30


class _Operation(Operation):
    """Touches the database and no model."""

    reversible = True
    reduces_to_sql = False

    def apply(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        raise NotImplementedError

    def undo(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Nothing, where nothing is left behind."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.apply(schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.undo(schema_editor)


class NoForeignTables(_Operation):
    """Stop where tables have our names already, before anything is created.

    The migration that creates them is about to run, so they are not ours; the
    predecessor, haystack-py, called its tables the same.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        self.tables = tables

    def apply(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        connection = schema_editor.connection
        found = {*self.tables} & {*connection.introspection.table_names()}
        if found and not schema_editor.collect_sql:
            raise CommandError(
                f"database {connection.alias!r} has tables of these names already,"
                f" which are not of this app: {', '.join(sorted(found))}. If they are"
                " haystack-py's, 'manage.py haystack_adopt --in-place' renames them,"
                " migrates, and brings over what is in them; see docs/commands.md"
            )

    def describe(self) -> str:
        return f"Stop where {', '.join(self.tables)} are somebody else's"


class _Names(Operation):
    """Changes nothing in databases, such as names and help texts.

    Models that are rendered already keep what they had: Django would render each
    model anew that refers to this one, 20 ms for each operation.
    """

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        rendered = state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)
        if rendered is not None:
            state.__dict__["apps"] = rendered

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        pass

    database_backwards = database_forwards


class NamesOfField(_Names, AlterField):
    pass


class NamesOfModel(_Names, AlterModelOptions):
    pass


class RenameTable(AlterModelTable):
    """Rename a model's table, and what the database and Django named after it.

    What the model itself names (``Meta.indexes``, ``Meta.constraints``) is left to
    operations of its own. Does nothing where the table is renamed already.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        meta = from_state.apps.get_model(app_label, self.name)._meta
        old = meta.db_table
        new = to_state.apps.get_model(app_label, self.name)._meta.db_table
        names = set(schema_editor.connection.introspection.table_names())
        if new in names and old not in names and not schema_editor.collect_sql:
            return
        own = {one.name for one in (*meta.indexes, *meta.constraints)}
        follow = _FOLLOW.get(schema_editor.connection.vendor)
        statements = list(follow(schema_editor, old, new, own)) if follow else []
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        for sql in statements:
            schema_editor.execute(sql, params=None)


def _on_postgres(
    schema_editor: BaseDatabaseSchemaEditor, old: str, new: str, own: Collection[str]
) -> Iterator[str]:
    """What renames constraints, indexes and sequences, after the table."""
    connection, quoted = schema_editor.connection, schema_editor.quote_name
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, old)
        sequences = connection.introspection.get_sequences(cursor, old)
    for name, after, is_index in _followers(constraints, old, new, own):
        table, one, other = map(quoted, (new, name, after))
        if is_index:
            yield f"ALTER INDEX {one} RENAME TO {other}"
        else:
            yield f"ALTER TABLE {table} RENAME CONSTRAINT {one} TO {other}"
    for sequence in sequences:
        if (name := sequence["name"]).startswith(f"{old}_"):
            after = new + name.removeprefix(old)
            yield f"ALTER SEQUENCE {quoted(name)} RENAME TO {quoted(after)}"


def _on_sqlite(
    schema_editor: BaseDatabaseSchemaEditor, old: str, new: str, own: Collection[str]
) -> Iterator[str]:
    """What makes indexes anew under their new names, after the table."""
    connection, quoted = schema_editor.connection, schema_editor.quote_name
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, old)
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s",
            [old],
        )
        created = dict(cursor.fetchall())
    for name, after, _ in _followers(constraints, old, new, own):
        sql = created[name].replace(quoted(name), quoted(after), 1)
        yield f"DROP INDEX {quoted(name)}"
        yield sql.replace(f" ON {quoted(old)} ", f" ON {quoted(new)} ", 1)


def _followers(
    constraints: Mapping[str, Any], old: str, new: str, own: Collection[str]
) -> Iterator[tuple[str, str, bool]]:
    """Names now and then, and whether of an index, not of a constraint.

    Django's names have a digest of the table's; an index without it is of an
    administrator, and stays as it is.
    """
    for name, found in constraints.items():
        columns = [column for column in found["columns"] if column]
        before, after = (names_digest(one, *columns, length=8) for one in (old, new))
        if not name.startswith(f"{old}_") or name in own:
            continue
        if before in name or not found["index"]:
            renamed = new + name.removeprefix(old).replace(before, after)
            yield name, renamed, found["index"]


_FOLLOW = {"postgresql": _on_postgres, "sqlite": _on_sqlite}


class _VendorSql(_Operation):
    """SQL for one vendor alone; an empty text does nothing."""

    reduces_to_sql = True
    vendor = ""
    name_of_vendor = ""

    def __init__(self, forwards: str, backwards: str) -> None:
        self.forwards, self.backwards = forwards, backwards

    def apply(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        self._run(schema_editor, self.forwards)

    def undo(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        self._run(schema_editor, self.backwards)

    def describe(self) -> str:
        return f"On {self.name_of_vendor}: {self.forwards}"

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, sql: str) -> None:
        if sql and schema_editor.connection.vendor == self.vendor:
            schema_editor.execute(sql)


class PostgresSql(_VendorSql):
    vendor = "postgresql"
    name_of_vendor = "PostgreSQL"


class SqliteSql(_VendorSql):
    vendor = "sqlite"
    name_of_vendor = "SQLite"


class TrigramIndex(_Operation):
    """An index of parts of words where pg_trgm is available; else searches scan.

    New texts wait in a list, which the next vacuum puts into the index at a tenth of
    the cost; a search reads the list, too.
    """

    def __init__(self, name: str, table: str, column: str) -> None:
        self.name, self.table, self.column = name, table, column

    def apply(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            return
        if not installed(connection, "pg_trgm"):
            logger.info("no index for searches by words: no pg_trgm here")
            return
        schema = schema_editor.quote_name(schema_of(connection, "pg_trgm"))
        schema_editor.execute(
            f"CREATE INDEX {self.name} ON {self.table} USING gin"
            f" ({self.column} {schema}.gin_trgm_ops)"
            f" WITH (gin_pending_list_limit = {_PENDING_KB})"
        )

    def undo(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX IF EXISTS {self.name}")

    def describe(self) -> str:
        return f"Index {self.table}.{self.column} where pg_trgm is available"


def installed(connection: BaseDatabaseWrapper, extension: str) -> bool:
    """Whether the extension is in this database, creating it if it can be."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT installed_version FROM pg_available_extensions WHERE name = %s",
            [extension],
        )
        found = cursor.fetchone()
        if not found or found[0]:
            return bool(found)
        try:
            with transaction.atomic(using=connection.alias):
                cursor.execute(f"CREATE EXTENSION {extension}")
        except DatabaseError as err:
            logger.warning("%s is available but not usable: %s", extension, err)
            return False
    return True


def schema_of(connection: BaseDatabaseWrapper, extension: str) -> str:
    """Where the extension's functions are; it need not be in the search_path."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_extension JOIN pg_namespace n"
            " ON n.oid = extnamespace WHERE extname = %s",
            [extension],
        )
        return str(cursor.fetchone()[0])


class Hypertable(_Operation):
    """Make a table a hypertable where TimescaleDB is available.

    Elsewhere the table stays as it is. Backwards it becomes a plain table
    again, with its rows. The log says which was done.
    """

    def __init__(self, table: str, time_column: str) -> None:
        self.table, self.time_column = table, time_column

    def apply(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        if not installed(schema_editor.connection, "timescaledb"):
            logger.info("%s stays a plain table: no timescaledb here", self.table)
            return
        days = getattr(settings, "HAYSTACK", {}).get(
            "HISTORY_CHUNK_DAYS", _DEFAULT_CHUNK_DAYS
        )
        schema = schema_editor.quote_name(
            schema_of(schema_editor.connection, "timescaledb")
        )
        self._query(
            schema_editor,
            f"SELECT {schema}.create_hypertable(%s::regclass,"
            f" {schema}.by_range(%s, %s::interval),"
            " create_default_indexes => false, if_not_exists => true,"
            " migrate_data => true)",
            [self.table, self.time_column, f"{int(days)} days"],
        )
        logger.info("%s is a hypertable with chunks of %s days", self.table, days)

    def undo(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if not self._is_hypertable(schema_editor):
            return
        key = f"{self.table}_pkey"
        for sql in (
            f"CREATE TABLE {self.table}_plain (LIKE {self.table} INCLUDING ALL)",
            f"INSERT INTO {self.table}_plain SELECT * FROM {self.table}",
            f"DROP TABLE {self.table}",
            f"ALTER TABLE {self.table}_plain RENAME TO {self.table}",
            f"ALTER INDEX {self.table}_plain_pkey RENAME TO {key}",
        ):
            self._query(schema_editor, sql)
        logger.info("%s is a plain table again", self.table)

    def describe(self) -> str:
        return f"Make {self.table} a hypertable where TimescaleDB is available"

    def _query(
        self,
        schema_editor: BaseDatabaseSchemaEditor,
        sql: str,
        params: list[Any] | None = None,
    ) -> list[Any]:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    def _is_hypertable(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        if schema_editor.connection.vendor != "postgresql":
            return False
        known = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
        if not self._query(schema_editor, known):
            return False
        return bool(
            self._query(
                schema_editor,
                "SELECT 1 FROM timescaledb_information.hypertables"
                " WHERE hypertable_schema = current_schema()"
                " AND hypertable_name = %s",
                [self.table],
            )
        )
