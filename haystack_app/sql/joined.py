"""Terms joined by ``and`` and ``or``, as Django expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, Model
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler

from ..filters.ast import Filter
from . import sets, sqlite_candidates
from .expressions import COLUMNS, AsSql, PathHolds, Term
from .fragments import Row, Sql
from .leaves import both
from .tables import ENTITIES

__all__ = [
    "AllOf",
    "AnyOf",
    "Narrowed",
    "SetsHold",
    "TestedRows",
    "compiled_for",
]

_MAX_DEPTH = 30
"""Levels above terms whose own text may need 55 of SQLite's 100 stack entries."""
_MAX_WIDTH = 200
"""Terms in one chain; SQLite's parser rejects trees deeper than 1,000."""


def compiled_for(
    compiler: SQLCompiler, condition: Any, model: type[Model], alias: str
) -> AsSql:
    """The SQL of a condition on the rows that a statement calls ``alias``.

    Adding a condition to a query, and compiling that, takes several times as long.
    """
    fields: Any = model._meta
    columns = {F(name): Col(alias, fields.get_field(name)) for name in COLUMNS}
    text, params = compiler.compile(_resolved(condition, columns))
    return text, tuple(params)


def _resolved(term: Any, columns: Mapping[F, Any]) -> Any:
    """A copy of a condition in which references to columns are replaced."""

    def of(column: Any) -> Any:
        return columns[column] if isinstance(column, F) else column

    found = object.__new__(type(term))
    found.__dict__.update(term.__dict__)
    if isinstance(term, PathHolds):
        found.columns = list(map(of, term.columns))
    elif isinstance(term, _Joined):
        found.id = of(term.id)
        found.terms = [_resolved(nested, columns) for nested in term.terms]
    return found


class _Rendered(NamedTuple):
    """A condition's text; ``depth`` is its number of SQLite parser stack entries."""

    text: str
    params: tuple[Any, ...]
    depth: int


class _Joined(Term):
    """Terms joined by one operator, with parentheses only where they are needed.

    SQLite's parser has a stack of 100 entries. The deepest of the nested terms is
    written first, which costs one entry per level instead of three, and terms that are
    still too deep become common table expressions.
    """

    word = ""

    def __init__(self, terms: Sequence[Expression]) -> None:
        super().__init__()
        self.terms = list(terms)
        self.id: Any = F("id")

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As Django does it, but each column is resolved once and not in each term."""
        columns = [F(name) for name in COLUMNS]
        return _resolved(
            self,
            {one: one.resolve_expression(query, *args, **kwargs) for one in columns},
        )

    def get_source_expressions(self) -> list[Any]:
        return [self.id, *self.terms]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.id, *self.terms = exprs

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        text, params, _depth = self.rendered(compiler, None)
        return f"({text})", params  # it may be combined with other conditions

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        subqueries: list[_Rendered] = []
        text, params, _depth = self.rendered(compiler, subqueries)
        if not subqueries:
            return f"({text})", params
        id = compiler.compile(self.id)[0]
        alias = id.partition(".")[0]
        entities = f"SELECT {id} FROM {ENTITIES} AS {alias} WHERE"
        named = ", ".join(
            f"deep{index}(id) AS ({entities} {part.text})"
            for index, part in enumerate(subqueries)
        )
        all_params = [param for part in subqueries for param in part.params]
        return f"{id} IN (WITH {named} {entities} {text})", (*all_params, *params)

    def rendered(
        self, compiler: SQLCompiler, subqueries: list[_Rendered] | None
    ) -> _Rendered:
        """The text. Terms that are too deep are moved to ``subqueries``, if given."""
        parts = sorted(
            (self._part(term, compiler, subqueries) for term in self.terms),
            key=lambda part: part.depth,
            reverse=True,
        )
        depth = max(parts[0].depth + 1, *(part.depth + 3 for part in parts[1:]), 0)
        text = _balanced([part.text for part in parts], self.word)
        return _Rendered(text, tuple(p for part in parts for p in part.params), depth)

    def _part(
        self,
        term: Expression,
        compiler: SQLCompiler,
        subqueries: list[_Rendered] | None,
    ) -> _Rendered:
        if not isinstance(term, _Joined):
            text, params = compiler.compile(term)
            return _Rendered(text, tuple(params), 0)
        part = term.rendered(compiler, subqueries)
        if subqueries is not None and part.depth > _MAX_DEPTH:
            subqueries.append(part)
            id = compiler.compile(self.id)[0]
            return _Rendered(f"{id} IN deep{len(subqueries) - 1}", (), 0)
        if isinstance(term, AnyOf) and isinstance(self, AllOf):
            return part._replace(text=f"({part.text})")
        return part


class AllOf(_Joined):
    word = " AND "


class AnyOf(_Joined):
    word = " OR "


class TestedRows(AllOf):
    """Conditions beside ``SetsHold``, which tests the rows that it finds."""

    def rendered(
        self, compiler: SQLCompiler, subqueries: list[_Rendered] | None
    ) -> _Rendered:
        found = super().rendered(compiler, subqueries)
        if compiler.connection.vendor != "postgresql":
            return found
        tested = sets.without_index(Sql(found.text, found.params))
        return _Rendered(*tested, 0)


class SetsHold(AllOf):
    """Filters that all hold, which PostgreSQL evaluates as one set of ids.

    ``terms`` are the same as conditions. Use it at most once in a statement.
    """

    def __init__(self, trees: Sequence[Filter], terms: Sequence[Expression]) -> None:
        super().__init__(terms)
        self.trees = list(trees)

    def rendered(
        self, compiler: SQLCompiler, subqueries: list[_Rendered] | None
    ) -> _Rendered:
        if compiler.connection.vendor != "postgresql":
            return super().rendered(compiler, subqueries)
        id = compiler.compile(self.id)[0]
        held = sets.all_hold(Row(id, "", "", ""), self.trees)
        return _Rendered(held.text, held.params, 0)


class Narrowed(AllOf):
    """The condition of a filter, which SQLite tests on candidates of its index.

    In a scoped statement these are the candidates of the filter and of the scope.
    """

    def __init__(
        self, tree: Filter, condition: Expression, *, drives: bool = True
    ) -> None:
        super().__init__([condition])
        self.tree, self.drives = tree, drives

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        text, params = compiler.compile(self.terms[0])
        return text, tuple(params)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        text, params = self.as_sql(compiler, connection)
        if not self.drives:
            return text, params
        scope: Filter | None = getattr(compiler.query, "scope", None)
        tree = self.tree if scope is None else both(scope, self.tree)
        if (found := sqlite_candidates.ids_for(tree)) is None:
            return text, params
        id = compiler.compile(self.id)[0]
        return f"({text} AND {id} IN ({found.text}))", (*params, *found.params)


def _balanced(texts: list[str], word: str) -> str:
    """One chain, or groups of chains if the tree would be too deep."""
    if len(texts) <= _MAX_WIDTH:
        return word.join(texts)
    size = max(_MAX_WIDTH, -(-len(texts) // _MAX_WIDTH))
    groups = [texts[at : at + size] for at in range(0, len(texts), size)]
    return word.join(f"({_balanced(group, word)})" for group in groups)
