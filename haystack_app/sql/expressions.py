"""Filter terms as Django expressions, for use in any queryset.

    Entity.objects.filter(TagPresent("site"))

The SQL differs by database and is in ``postgres`` and ``sqlite``; names and values are
bound parameters in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, F
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.where import AND, WhereNode

from ..filters.ast import Filter, Path
from ..kinds.scalars import Ref
from . import postgres, sets, sqlite, sqlite_candidates
from .fragments import Row, Sql, Test
from .leaves import both
from .tables import ENTITIES

__all__ = [
    "VISIBLE",
    "AllOf",
    "AnyOf",
    "AnyTagPresent",
    "Narrowed",
    "PathHolds",
    "SetsHold",
    "TagCompare",
    "TagEquals",
    "TagPresent",
    "Term",
    "TestedRows",
    "Visible",
    "bound_to",
    "compiled_for",
    "drives",
    "is_narrowed",
    "leaves_few",
]

VISIBLE = "haystack_visible"
"""The query of the ids in a scope, in statements of scoped querysets."""
AsSql = tuple[str, tuple[Any, ...]]
_COLUMNS = ("id", "tags", "cur", "tag_set_id")
_BOOLEAN = BooleanField()
"""Of every condition: making a field costs more than the condition itself."""
_MAX_DEPTH = 30
"""Levels above terms whose own text may need 55 of SQLite's 100 stack entries."""
_MAX_WIDTH = 200
"""Terms in one chain; SQLite's parser rejects trees deeper than 1,000."""


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
        self.columns: list[Any] = [F("id"), F("tags"), F("cur"), F("tag_set_id")]

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


def drives(condition: Any) -> bool:
    """Whether a condition, such as ``query.where``, has a set of ids as a conjunct."""
    return any(isinstance(one, SetsHold) for one in _conjuncts(condition))


def is_narrowed(condition: Any) -> bool:
    """Whether a condition has a filter as a conjunct, which then finds the rows."""
    return any(isinstance(one, Narrowed) for one in _conjuncts(condition))


def leaves_few(condition: Any) -> bool:
    """Whether a condition has a conjunct that only rows with some ids or a ref pass."""
    return any(map(_is_selective, _conjuncts(condition)))


def _is_selective(condition: Any) -> bool:
    if isinstance(condition, Exact | In):
        return isinstance(condition.lhs, Col) and condition.lhs.target.primary_key
    return isinstance(condition, TagEquals) and isinstance(condition.test.literal, Ref)


def _conjuncts(condition: Any) -> Iterator[Any]:
    if isinstance(condition, WhereNode):
        if condition.connector == AND and not condition.negated:
            for child in condition.children:
                yield from _conjuncts(child)
    elif isinstance(condition, Exact) and condition.rhs is True:
        yield from _conjuncts(condition.lhs)  # Django compares conditions with True
    elif isinstance(condition, AllOf) and not isinstance(condition, SetsHold):
        yield condition
        for term in condition.terms:
            yield from _conjuncts(term)
    else:
        yield condition


def bound_to(condition: Any, columns: Sequence[Any]) -> Any:
    """A copy of a condition on the columns with the id, tags, cur and tag_set_id of an
    entity."""
    return _resolved(condition, dict(zip(map(F, _COLUMNS), columns, strict=True)))


def compiled_for(compiler: SQLCompiler, condition: Any) -> AsSql:
    """The SQL of a condition on the rows of a compiler's table, without a query.

    Adding a condition to a query, and compiling that, takes several times as long.
    """
    meta: Any = compiler.query.get_meta()
    columns = [Col(meta.db_table, meta.get_field(name)) for name in _COLUMNS]
    text, params = compiler.compile(bound_to(condition, columns))
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


def _as_sql(sql: Sql) -> AsSql:
    return sql.text, sql.params


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
        columns = [F(name) for name in _COLUMNS]
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
