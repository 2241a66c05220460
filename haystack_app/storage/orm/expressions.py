"""Filter terms as Django expressions, so that they go into any queryset.

    Entity.objects.filter(TagPresent("site"))

SQL text differs by database and lives in ``postgres`` and ``sqlite``; names and
values are bound parameters in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F
from django.db.models.sql.compiler import SQLCompiler

from ...filters.ast import Path
from . import postgres, sqlite
from .sql import Row, Sql, Test

__all__ = ["AllOf", "AnyOf", "PathHolds", "TagCompare", "TagEquals", "TagPresent"]

AsSql = tuple[str, tuple[Any, ...]]
_WIDEST = 200
"""Terms side by side; SQLite's parser refuses trees deeper than 1,000."""


class Term(Expression):
    """A condition on one entity."""

    conditional = True
    stack = 20
    """Entries of SQLite's parser stack that the term's own text may take."""

    def __init__(self) -> None:
        super().__init__(output_field=BooleanField())


class PathHolds(Term):
    """The value behind a path of tag names passes a test."""

    def __init__(self, path: Path, test: Test, *, walk: bool = False) -> None:
        super().__init__()
        self.path, self.test, self.walk = path, test, walk
        self.columns: list[Any] = [F("id"), F("tags"), F("cur")]

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def row(self, compiler: SQLCompiler) -> Row:
        return Row(*(compiler.compile(column)[0] for column in self.columns))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _django(
            postgres.holds(self.row(compiler), self.path, self.test, walk=self.walk)
        )

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _django(sqlite.holds(self.row(compiler), self.path, self.test))


class TagPresent(PathHolds):
    """The record has the tag."""

    def __init__(self, name: str) -> None:
        super().__init__((name,), Test("has"))


class TagEquals(PathHolds):
    """The tag's value equals a literal, or a list of refs holds it."""

    def __init__(self, name: str, literal: Any) -> None:
        super().__init__((name,), Test("==", literal))


class TagCompare(PathHolds):
    """The tag's value stands in an order to a literal of its kind and unit."""

    def __init__(self, name: str, op: str, literal: Any) -> None:
        super().__init__((name,), Test(op, literal))


def _django(sql: Sql) -> AsSql:
    return sql.text, sql.params


class _Joined(Term):
    """Terms joined by one word, in parentheses only where they are needed.

    SQLite's parser keeps a stack of 100: of nested terms the one that needs
    most of it is written first, which costs one entry a level instead of three.
    """

    word = ""
    binds_weakest = False

    def __init__(self, terms: Sequence[Expression]) -> None:
        super().__init__()
        self.terms = list(terms)

    def get_source_expressions(self) -> list[Any]:
        return self.terms

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.terms = list(exprs)

    @property
    def stack(self) -> int:  # type: ignore[override]
        needs = sorted((_stack(term) for term in self.terms), reverse=True)
        return max(needs[0] + 1, *(need + 3 for need in needs[1:]), 0)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        texts: list[str] = []
        params: list[Any] = []
        for term in sorted(self.terms, key=_stack, reverse=True):
            text, found = compiler.compile(term)
            weaker = isinstance(term, AnyOf) and isinstance(self, AllOf)
            texts.append(f"({text})" if weaker else text)
            params.extend(found)
        return _balanced(texts, self.word), tuple(params)


class AllOf(_Joined):
    word = " AND "


class AnyOf(_Joined):
    word = " OR "


def _stack(term: Expression) -> int:
    return cast(int, getattr(term, "stack", Term.stack))


def _balanced(texts: list[str], word: str) -> str:
    """One chain, or groups of chains where it would be too deep a tree."""
    if len(texts) <= _WIDEST:
        return word.join(texts)
    size = max(_WIDEST, -(-len(texts) // _WIDEST))
    groups = [texts[at : at + size] for at in range(0, len(texts), size)]
    return word.join(f"({_balanced(group, word)})" for group in groups)
