"""The value of a tag as a column, and how such values are grouped and searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, F, TextField
from django.db.models.sql.compiler import SQLCompiler

from ..kinds.transient import TRANSIENT
from .expressions import AsSql
from .fragments import Sql, sql
from .sqlite import json_path

__all__ = ["KEYS", "WORDS", "TagValue"]

KEYS = {
    "postgresql": "CASE jsonb_typeof(value) WHEN 'object' THEN value - 'dis'"
    " ELSE value END",
    "sqlite": "CASE json_type(value) WHEN 'object' THEN json_remove(value, '$.dis')"
    " ELSE value END",
}
"""What is the same for equal values of a column ``value``."""
WORDS = {
    "postgresql": """lower(' ' || CASE jsonb_typeof(value) WHEN 'object'
        THEN concat(value ->> 'dis', ' ', value ->> 'val')
        ELSE value #>> array[]::text[] END)""",
    "sqlite": """lower(' ' || CASE json_type(value) WHEN 'object'
        THEN coalesce(value ->> '$.dis', '') || ' ' || (value ->> '$.val')
        WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE value ->> '$' END)""",
}
"""The words of a column ``value`` in lower case, as far as a database knows it, each
after a space."""


class TagValue(Expression):
    """The JSON of a tag's value; NULL without the tag."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=TextField())
        self.name = name
        self.column: Any = F("cur" if name in TRANSIENT else "tags")

    def get_source_expressions(self) -> list[Any]:
        return [self.column]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        [self.column] = exprs

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        column = Sql(compiler.compile(self.column)[0])
        found = sql("({} -> %s::text)", column, self.name)
        return found.text, found.params

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        column = Sql(compiler.compile(self.column)[0])
        found = sql("({} -> %s)", column, json_path(self.name))
        return found.text, found.params
