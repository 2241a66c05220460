"""Tests that commit, and what is deleted after them.

Django runs the command ``flush``: it truncates every table, and writes content types,
permissions and groups anew, which takes longer than most of these tests. Here empty
tables are left alone, and so are rows of migrations, unless a test changed them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.management.color import no_style
from django.db import connections, transaction
from django.test import TransactionTestCase

from haystack_app.sql.tables import NAME_CHANGES, TASKS

__all__ = ["CommittingTestCase"]

_Content = dict[str, list[Any]]

_MIGRATED: dict[str, _Content] = {}
"""By alias: the rows of each table that is not empty after migrations."""


class CommittingTestCase(TransactionTestCase):
    """Every test that ``django_db(transaction=True)`` or ``transactional_db`` marks."""

    @classmethod
    def _fixture_setup(cls) -> None:
        super()._fixture_setup()
        for alias in cls._databases_names(include_mirrors=False):
            if alias not in _MIGRATED:
                _MIGRATED[alias] = _content(alias, _kept(alias))

    def _fixture_teardown(self) -> None:
        aliases = self._databases_names(include_mirrors=False)
        if not all(_restored(alias) for alias in aliases):
            super()._fixture_teardown()
            for alias in aliases:
                _MIGRATED[alias] = _content(alias, _kept(alias))


def _restored(alias: str) -> bool:
    """Delete what was added; whether everything else is as it was."""
    migrated = _MIGRATED[alias]
    operations = connections[alias].ops
    if tables := [table for table in _filled(alias) if table not in migrated]:
        statements = operations.sql_flush(
            no_style(), tables, reset_sequences=False, allow_cascade=True
        )
        operations.execute_sql_flush(statements)
    if _content(alias, migrated) != migrated:
        _delete_other_rows(alias, migrated)
    return _content(alias, migrated) == migrated


def _delete_other_rows(alias: str, migrated: _Content) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for table, rows in migrated.items():  # foreign keys are checked at the end
            places = ", ".join(["%s"] * len(rows))
            ids = [id for id, *_ in rows]
            cursor.execute(f"DELETE FROM {table} WHERE id NOT IN ({places})", ids)


def _kept(alias: str) -> list[str]:
    """The tables with rows of migrations.

    Without tasks, which health checks write, and without the names that migrations
    queue for the maintenance of servers.
    """
    return [table for table in _filled(alias) if table not in (TASKS, NAME_CHANGES)]


def _filled(alias: str) -> list[str]:
    """The tables with rows."""
    connection = connections[alias]
    tables = connection.introspection.django_table_names(
        only_existing=True, include_views=False
    )
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for [table] in cursor.fetchall()]


def _content(alias: str, tables: Iterable[str]) -> _Content:
    found: _Content = {}
    with connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found
