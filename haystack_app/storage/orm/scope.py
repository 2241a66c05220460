"""Queries for somebody who may not see every entity.

A common table expression of the name ``entities`` stands in front of the whole
statement and hides the table of that name: not only the rows that are asked for
are of the scope, but also whatever a path of a filter leads to. The databases
put its condition wherever the name occurs.
"""

from __future__ import annotations

import re
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from ...filters.ast import Filter
from ...models import Entity
from ...sql.compiler import compile_filter
from ...sql.tables import ENTITIES

__all__ = ["within"]

_TABLE = re.compile(rf'\b(FROM|JOIN) ("?{ENTITIES}"?)')


def within(using: str, scope: Filter) -> QuerySet[Entity]:
    """The entities that match a filter whose symbols are resolved.

    For reading: such rows cannot be locked or updated.
    """
    query = _ScopedQuery(Entity)
    query.scope = scope
    return QuerySet(Entity, query=query, using=using)


class _ScopedQuery(Query):
    scope: Filter

    def get_compiler(
        self,
        using: str | None = None,
        connection: Any = None,
        elide_empty: bool = True,
    ) -> SQLCompiler:
        connection = connection or connections[using or "default"]
        return _ScopedCompiler(self, connection, using, elide_empty)


class _ScopedCompiler(SQLCompiler):
    query: _ScopedQuery

    def as_sql(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...]]:
        text, params = super().as_sql(*args, **kwargs)
        scope, scope_params = self._scope()
        return f"WITH {ENTITIES} AS {scope} {text}", (*scope_params, *params)

    def _scope(self) -> tuple[str, tuple[Any, ...]]:
        every = Entity.objects.filter(compile_filter(self.query.scope)).query
        compiler = every.get_compiler(connection=self.connection)
        text, params = compiler.as_sql()
        if self.connection.vendor == "sqlite":
            # here a name would be taken for the expression itself
            text = _TABLE.sub(r"\1 main.\2", text)
            return f"({text})", params
        return f"NOT MATERIALIZED ({text})", params
