"""SQL statements that reads have in common, compiled once.

Compiling a small read takes longer than the database takes to answer it. The text
depends on the filter, the scope and the limit alone, and clients send the same filters
again and again; only statements are remembered, never rows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import F, Q
from django.db.models.sql import Query

from ...filters.ast import Filter
from ...filters.ordering import By
from ...models import Entity
from ...models.lookups import OneOf
from ...sql.compiler import compile_filter
from ...sql.expressions import Term
from ...sql.joined import compiled_for
from ...sql.ordering import in_order
from ...sql.revision import Revision
from ...sql.tables import ENTITIES

__all__ = [
    "ROW",
    "Row",
    "Selection",
    "Statement",
    "count_matching",
    "revisions_matching",
    "rows_by_ids",
    "rows_matching",
    "statement_of",
]

Row = tuple[str, str, str, int]
ROW = ("id", "tags", "cur", "tag_set_id")
"""The columns of a record."""
REVISED_ROW = ("revision", "tags", "cur", "tag_set_id")
"""The same, with the revision in place of the id."""
_MOST = 2_048
_LONGEST = 8_192
"""Characters and parameters of a statement that is remembered."""
_IDS: Sequence[str] = ("\0",)
"""Takes the place of ids; no text in a database contains it."""
_REVISION = Revision()
_MARK = "\0"


class _Here(Term):
    """Takes the place of a condition."""

    def as_sql(self, *_: Any) -> tuple[str, tuple[Any, ...]]:
        return _MARK, ()


_HERE = _Here()
_SEPARATOR = "\n"
_AGGREGATES = {
    "postgresql": "SELECT string_agg(revision, %s), bool_or(tag_set_id <= 0)",
    "sqlite": "SELECT group_concat(revision, %s), max(tag_set_id <= 0)",
}


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


class Selection(NamedTuple):
    """Up to ``limit`` entities of a database; all filters have resolved symbols.

    With ``after`` they are in order of their ids and begin after that one. ``drives``:
    whether an index of SQLite is to find them. ``fleeting``: the filter is of this
    moment, so that its statement is asked for once. ``order`` is that of the rows.
    """

    using: str
    tree: Filter
    scope: Filter | None
    limit: int | None = None
    after: str | None = None
    drives: bool = True
    fleeting: bool = False
    order: tuple[By, ...] = ()

    @property
    def condition(self) -> Q:
        return compile_filter(self.tree, drives=self.drives)

    def statement(self, columns: Sequence[str]) -> Statement:
        # the condition decides how a scope is written, and its parameters come before
        # those of an order
        if self.scope is not None or self.order:
            return self._compiled(self.condition, columns)
        is_page = self.after is not None
        key = (self.using, self.limit, is_page, *columns)
        frame = _remembered(key, "frame", lambda: self._compiled(Q(_HERE), columns))
        [condition] = self.condition.children
        compiler = Query(Entity).get_compiler(using=self.using)
        text, params = compiled_for(compiler, condition, Entity, ENTITIES)
        end = (self.after,) if is_page else ()  # the only other parameter
        return Statement(frame.text.replace(_MARK, text), (*params, *end))

    def remembered(self, kind: str, compiled: Callable[[], Statement]) -> Statement:
        """The statement of this kind; that of a later page is asked for once."""
        is_once = self.after or self.fleeting
        return compiled() if is_once else _remembered(self, kind, compiled)

    def _compiled(self, condition: Q, columns: Sequence[str]) -> Statement:
        rows: Any = Entity.rows.using(self.using).within(self.scope).filter(condition)
        if self.after is not None:
            rows = rows.filter(id__gt=self.after).order_by("id")
        if self.order:
            vendor = connections[self.using].vendor
            rows = rows.order_by(*in_order(self.order, vendor))
        if REVISED_ROW[0] in columns:
            rows = rows.annotate(revision=_REVISION)
        return statement_of(self.using, rows[: self.limit].values_list(*columns))


def rows_matching(selection: Selection) -> list[Row]:
    """The columns ``REVISED_ROW`` of the entities."""
    statement = selection.remembered("rows", lambda: selection.statement(REVISED_ROW))
    return statement.rows(selection.using)


def count_matching(selection: Selection) -> int:
    """The number of the entities."""

    def compiled() -> Statement:
        inner = selection.statement(("tag_set_id",))
        if not inner.text:
            return inner
        return Statement(f"SELECT count(*) FROM ({inner.text}) AS found", inner.params)

    statement = selection.remembered("count", compiled)
    return sum(count for (count,) in statement.rows(selection.using))


def revisions_matching(selection: Selection) -> list[str] | None:
    """The revisions of the entities, without their tags; None if a row is marked.

    The answer is one text: a driver takes longer for a thousand rows than the database
    does for their revisions.
    """

    def compiled() -> Statement:
        inner = selection.statement(("revision", "tag_set_id"))
        if not inner.text:
            return inner
        head = _AGGREGATES[connections[selection.using].vendor]
        text = f"{head} FROM ({inner.text}) AS found"
        return Statement(text, (_SEPARATOR, *inner.params))

    statement = selection.remembered("revisions", compiled)
    for joined, has_marks in statement.rows(selection.using):
        if has_marks:
            return None
        return str(joined).split(_SEPARATOR) if joined else []
    return []


def rows_by_ids(using: str, ids: Sequence[str], scope: Filter | None) -> list[Row]:
    """The columns ``ROW`` of the entities that have one of the ids."""

    def compiled() -> Statement:
        rows = Entity.rows.using(using).within(scope).filter(OneOf(F("id"), _IDS))
        return statement_of(using, rows.values_list(*ROW))

    statement = _remembered((using, scope), "ids", compiled)
    held, given = (OneOf.parameter(connections[using], it) for it in (_IDS, ids))
    params = tuple(given if one == held else one for one in statement.params)
    return statement._replace(params=params).rows(using)


def statement_of(using: str, rows: Any) -> Statement:
    try:
        return Statement(*rows.query.get_compiler(using=using).as_sql())
    except EmptyResultSet:
        return Statement("", ())


_statements: OrderedDict[Hashable, Statement] = OrderedDict()
_lock = Lock()


def _remembered(
    about: tuple[Any, ...], kind: str, compiled: Callable[[], Statement]
) -> Statement:
    """The statement of this kind, remembered or compiled; ``about`` names a database
    first."""
    key = (*about, kind, connections[about[0]].vendor)
    with _lock:
        if found := _statements.get(key):
            _statements.move_to_end(key)
            return found
    statement = compiled()
    size = len(statement.text) + sum(len(str(one)) for one in statement.params)
    if size <= _LONGEST:
        with _lock:
            _statements[key] = statement
            if len(_statements) > _MOST:
                _statements.popitem(last=False)
    return statement
