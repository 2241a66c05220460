"""``Revision()``: a text that changes with each visible change of an entity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, TextField
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["Revision"]

_TEXT = TextField()


class Revision(Expression):
    """``id version naming``; see ``Records``."""

    def __init__(self) -> None:
        super().__init__(output_field=_TEXT)
        self.columns: list[Any] = [F("id"), F("version"), F("naming")]

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        columns = (compiler.compile(column)[0] for column in self.columns)
        return " || ' ' || ".join(columns), ()
