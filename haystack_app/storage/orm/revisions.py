"""Revisions of entities, without their tags.

The statement finds the same rows as the one that reads them, and answers one text: a
driver takes longer for a thousand rows than the database does for their revisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, TextField
from django.db.models.sql.compiler import SQLCompiler

from ...filters.ast import Filter
from ...models import Entity
from ...sql.compiler import compile_filter

__all__ = ["Revision", "select"]

_STATEMENTS = 256
_TEXT = TextField()


class Revision(Expression):
    """``id version``; see ``Records``."""

    def __init__(self) -> None:
        super().__init__(output_field=_TEXT)
        self.columns: list[Any] = [F("id"), F("version")]

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        id, version = (compiler.compile(column)[0] for column in self.columns)
        return f"{id} || ' ' || {version}", ()


_REVISION = Revision()
_SEPARATOR = "\n"
_AGGREGATES = {
    "postgresql": "SELECT string_agg(revision, %s), bool_or(tag_set_id <= 0)",
    "sqlite": "SELECT group_concat(revision, %s), max(tag_set_id <= 0)",
}


def select(
    using: str,
    scope: Filter | None,
    tree: Filter,
    size: int | None,
    after: str | None = None,
) -> list[str] | None:
    """Revisions of up to ``size`` matching entities; None if a row is marked.

    With ``after`` those of a page. The filters must have resolved symbols.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(*_statement(using, scope, tree, size, after))
        joined, has_marks = cursor.fetchone()
    if has_marks:
        return None
    return joined.split(_SEPARATOR) if joined else []


@lru_cache(_STATEMENTS)  # to compile it takes longer than to run it for a few rows
def _statement(
    using: str,
    scope: Filter | None,
    tree: Filter,
    size: int | None,
    after: str | None,
) -> tuple[str, tuple[Any, ...]]:
    rows = Entity.rows.using(using).within(scope).filter(compile_filter(tree))
    if after is not None:
        rows = rows.filter(id__gt=after).order_by("id")
    found = rows.annotate(revision=_REVISION).values("revision", "tag_set_id")
    text, params = found[:size].query.get_compiler(using).as_sql()
    head = _AGGREGATES[connections[using].vendor]
    return f"{head} FROM ({text}) AS found", (_SEPARATOR, *params)
