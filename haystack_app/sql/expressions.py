"""Filter terms as Django expressions, so that they go into any queryset.

    Entity.objects.filter(TagPresent("site"))

SQL text differs by database and lives in ``postgres`` and ``sqlite``; names and
values are bound parameters in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F
from django.db.models.sql.compiler import SQLCompiler

from ..filters.ast import Path
from . import postgres, sqlite
from .fragments import Row, Sql, Test, all_of
from .tables import ENTITIES

__all__ = [
    "AllOf",
    "AllPathsHold",
    "AnyOf",
    "AnyTagPresent",
    "PathHolds",
    "TagCompare",
    "TagEquals",
    "TagPresent",
]

AsSql = tuple[str, tuple[Any, ...]]
_DEEPEST = 30
"""Levels over terms whose own text may need 55 of SQLite's 100 stack entries."""
_WIDEST = 200
"""Terms side by side; SQLite's parser refuses trees deeper than 1,000."""


class Term(Expression):
    """A condition on one entity."""

    conditional = True

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


class AllPathsHold(PathHolds):
    """Several paths hold; where the database can, by one set of their ids.

    For one place in a statement: see ``postgres.all_hold``.
    """

    def __init__(self, terms: Sequence[tuple[Path, Test]]) -> None:
        super().__init__(*terms[0])
        self.paths = list(terms)

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _django(postgres.all_hold(self.row(compiler), self.paths))

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        row = self.row(compiler)
        return _django(all_of(sqlite.holds(row, *term) for term in self.paths))


class TagPresent(PathHolds):
    """The record has the tag."""

    def __init__(self, name: str) -> None:
        super().__init__((name,), Test("has"))


class AnyTagPresent(PathHolds):
    """The record has one of some tags."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(tuple(names), Test("has"))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _django(postgres.has_any(self.row(compiler), self.path))

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return _django(sqlite.has_any(self.row(compiler), self.path))


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


class _Rendered(NamedTuple):
    """A condition's text; ``depth`` is what it adds to SQLite's parser stack."""

    text: str
    params: tuple[Any, ...]
    depth: int


class _Joined(Term):
    """Terms joined by one word, in parentheses only where they are needed.

    SQLite's parser keeps a stack of 100: of nested terms the deepest is written
    first, which costs one entry a level instead of three, and what is still too
    deep is set apart as a named query in front of the rest.
    """

    word = ""

    def __init__(self, terms: Sequence[Expression]) -> None:
        super().__init__()
        self.terms = list(terms)
        self.id: Any = F("id")

    def get_source_expressions(self) -> list[Any]:
        return [self.id, *self.terms]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.id, *self.terms = exprs

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        text, params, _depth = self.rendered(compiler, None)
        return f"({text})", params  # other conditions may stand beside it

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        apart: list[_Rendered] = []
        text, params, _depth = self.rendered(compiler, apart)
        if not apart:
            return f"({text})", params
        id = compiler.compile(self.id)[0]
        alias = id.partition(".")[0]
        entities = f"SELECT {id} FROM {ENTITIES} AS {alias} WHERE"
        named = ", ".join(
            f"deep{index}(id) AS ({entities} {part.text})"
            for index, part in enumerate(apart)
        )
        all_params = [param for part in apart for param in part.params]
        return f"{id} IN (WITH {named} {entities} {text})", (*all_params, *params)

    def rendered(
        self, compiler: SQLCompiler, apart: list[_Rendered] | None
    ) -> _Rendered:
        """The text; with ``apart``, too deep terms go there and are named here."""
        parts = sorted(
            (self._part(term, compiler, apart) for term in self.terms),
            key=lambda part: part.depth,
            reverse=True,
        )
        depth = max(parts[0].depth + 1, *(part.depth + 3 for part in parts[1:]), 0)
        text = _balanced([part.text for part in parts], self.word)
        return _Rendered(text, tuple(p for part in parts for p in part.params), depth)

    def _part(
        self, term: Expression, compiler: SQLCompiler, apart: list[_Rendered] | None
    ) -> _Rendered:
        if not isinstance(term, _Joined):
            text, params = compiler.compile(term)
            return _Rendered(text, tuple(params), 0)
        part = term.rendered(compiler, apart)
        if apart is not None and part.depth > _DEEPEST:
            apart.append(part)
            id = compiler.compile(self.id)[0]
            return _Rendered(f"{id} IN deep{len(apart) - 1}", (), 0)
        if isinstance(term, AnyOf) and isinstance(self, AllOf):
            return part._replace(text=f"({part.text})")
        return part


class AllOf(_Joined):
    word = " AND "


class AnyOf(_Joined):
    word = " OR "


def _balanced(texts: list[str], word: str) -> str:
    """One chain, or groups of chains where it would be too deep a tree."""
    if len(texts) <= _WIDEST:
        return word.join(texts)
    size = max(_WIDEST, -(-len(texts) // _WIDEST))
    groups = [texts[at : at + size] for at in range(0, len(texts), size)]
    return word.join(f"({_balanced(group, word)})" for group in groups)
