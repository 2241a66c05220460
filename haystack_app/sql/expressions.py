"""Filter terms as Django expressions, for use in any queryset.

    Entity.objects.filter(TagPresent("site"))

The SQL differs by database and is in ``postgres`` and ``sqlite``; names and values are
bound parameters in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F
from django.db.models.sql.compiler import SQLCompiler

from ..filters.ast import Path
from . import postgres, sqlite
from .fragments import Row, Sql, Test

__all__ = [
    "COLUMNS",
    "VISIBLE",
    "AnyTagPresent",
    "AsSql",
    "PathHolds",
    "TagCompare",
    "TagEquals",
    "TagPresent",
    "Term",
    "Visible",
]

VISIBLE = "haystack_visible"
"""The query of the ids in a scope, in statements of scoped querysets."""
AsSql = tuple[str, tuple[Any, ...]]
COLUMNS = ("id", "tags", "cur", "tag_set_id")
"""Of the entity that a term is about."""
_BOOLEAN = BooleanField()
"""Of every condition: making a field costs more than the condition itself."""


class Term(Expression):
    """A condition on one entity."""

    conditional = True

    def __init__(self) -> None:
        super().__init__(output_field=_BOOLEAN)


class PathHolds(Term):
    """The value at a path of tag names passes a test.

    With ``walk`` the path is followed from each row, on SQLite unless the path is one
    of ``many``: collecting ids then costs less.
    """

    def __init__(
        self, path: Path, test: Test, *, walk: bool = False, many: bool = False
    ) -> None:
        super().__init__()
        self.path, self.test, self.walk, self.many = path, test, walk, many
        self.columns: list[Any] = list(map(F, COLUMNS))

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def row(self, compiler: SQLCompiler) -> Row:
        return Row(*(compiler.compile(column)[0] for column in self.columns))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _as_sql(
            postgres.holds(self.row(compiler), self.path, self.test, walk=self.walk)
        )

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        walk = self.walk and not self.many
        return _as_sql(
            sqlite.holds(self.row(compiler), self.path, self.test, walk=walk)
        )


class TagPresent(PathHolds):
    """The record has the tag."""

    def __init__(self, name: str) -> None:
        super().__init__((name,), Test("has"))


class AnyTagPresent(PathHolds):
    """The record has at least one of the tags."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(tuple(names), Test("has"))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _as_sql(postgres.has_any(self.row(compiler), self.path))

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _as_sql(sqlite.has_any(self.row(compiler), self.path))


class TagEquals(PathHolds):
    """The tag's value equals a literal, or is a list with that Ref."""

    def __init__(self, name: str, literal: Any) -> None:
        super().__init__((name,), Test("==", literal))


class TagCompare(PathHolds):
    """The tag's value compares with a literal of the same kind and unit."""

    def __init__(self, name: str, op: str, literal: Any) -> None:
        super().__init__((name,), Test(op, literal))


class Visible(Term):
    """The id is in the query VISIBLE; only PostgreSQL needs it.

    With ``drives`` rows are looked up by these ids. Without, their ids are looked up in
    a hash table: an array would be searched again for each row.
    """

    def __init__(self, *, drives: bool = False) -> None:
        super().__init__()
        self.id: Any = F("id")
        self.drives = drives

    def get_source_expressions(self) -> list[Any]:
        return [self.id]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        [self.id] = exprs

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        id = compiler.compile(self.id)[0]
        is_visible = f"({id} IN (SELECT id FROM {VISIBLE}))"
        return is_visible if self.drives else f"{is_visible} IS TRUE", ()


def _as_sql(sql: Sql) -> AsSql:
    return sql.text, sql.params
