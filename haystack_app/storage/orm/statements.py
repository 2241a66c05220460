"""SQL statements that reads have in common, compiled once.

Compiling a small read takes longer than the database takes to answer it. The text
depends on the filter, the scope and the limit alone, and clients send the same filters
again and again; only statements are remembered, never rows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F

from ...filters.ast import Filter
from ...models import Entity
from ...models.lookups import OneOf
from ...sql.compiler import compile_filter

__all__ = ["rows_by_ids", "rows_matching"]

_MOST = 2_048
_LONGEST = 8_192
"""Characters and parameters of a statement that is remembered."""
_IDS: Sequence[str] = ("\0",)
"""Takes the place of ids; no text in a database contains it."""


class Statement(NamedTuple):
    """A query's text and parameters; without text it has no rows."""

    text: str
    params: tuple[Any, ...]

    def rows(self, using: str) -> list[Any]:
        if not self.text:
            return []
        with connections[using].cursor() as cursor:
            cursor.execute(self.text, self.params)
            return list(cursor.fetchall())


_statements: OrderedDict[Hashable, Statement] = OrderedDict()
_lock = Lock()


def rows_matching(
    using: str,
    tree: Filter,
    scope: Filter | None,
    limit: int | None,
    columns: Sequence[str],
) -> list[Any]:
    """Columns of the entities that match filters with resolved symbols."""
    key = (_database(using), tree, scope, limit, *columns)
    if (statement := _remembered(key)) is None:
        rows = Entity.rows.using(using).within(scope).filter(compile_filter(tree))
        statement = _compiled(using, rows[:limit].values_list(*columns))
        _remember(key, statement)
    return statement.rows(using)


def rows_by_ids(
    using: str, ids: Sequence[str], scope: Filter | None, columns: Sequence[str]
) -> list[Any]:
    """Columns of the entities that have one of the ids."""
    key = (_database(using), scope, *columns)
    if (statement := _remembered(key)) is None:
        rows = Entity.rows.using(using).within(scope).filter(OneOf(F("id"), _IDS))
        statement = _compiled(using, rows.values_list(*columns))
        _remember(key, statement)
    held, given = (OneOf.parameter(connections[using], it) for it in (_IDS, ids))
    params = tuple(given if one == held else one for one in statement.params)
    return statement._replace(params=params).rows(using)


def _database(using: str) -> tuple[str, str]:
    return using, connections[using].vendor


def _compiled(using: str, rows: Any) -> Statement:
    try:
        return Statement(*rows.query.get_compiler(using=using).as_sql())
    except EmptyResultSet:
        return Statement("", ())


def _remembered(key: Hashable) -> Statement | None:
    with _lock:
        if statement := _statements.get(key):
            _statements.move_to_end(key)
        return statement


def _remember(key: Hashable, statement: Statement) -> None:
    size = len(statement.text) + sum(len(str(one)) for one in statement.params)
    if size > _LONGEST:
        return
    with _lock:
        _statements[key] = statement
        if len(_statements) > _MOST:
            _statements.popitem(last=False)
