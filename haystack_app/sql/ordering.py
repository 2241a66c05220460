"""The order of entities by the values of tags, in SQL; see ``filters.ordering``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import OrderBy
from django.db.models.sql.compiler import SQLCompiler

from ..filters.ordering import KIND_PLACES, OTHERS, TEXT_KINDS, By
from .expressions import AsSql
from .fragments import Sql, sql
from .sqlite import date_time_parts
from .values import TagValue

__all__ = ["in_order"]

_OBJECTS = " ".join(
    f"WHEN '{kind}' THEN {place}"
    for kind, place in KIND_PLACES.items()
    if kind not in ("bool", "str")
)
_TEXTS = ", ".join(f"'{kind}'" for kind in TEXT_KINDS)
_BOOL, _NUMBER, _STR = (KIND_PLACES[kind] for kind in ("bool", "number", "str"))

_POSTGRES = (
    "({} IS NULL)::int",
    f"""CASE jsonb_typeof({{}}) WHEN 'boolean' THEN {_BOOL} WHEN 'number' THEN {_NUMBER}
        WHEN 'string' THEN {_STR} WHEN 'object'
        THEN CASE {{}} ->> '_kind' {_OBJECTS} ELSE {OTHERS} END ELSE {OTHERS} END""",
    """CASE WHEN jsonb_typeof({}) = 'object' AND {} ->> '_kind' = 'number'
        THEN coalesce({} ->> 'unit', '') ELSE '' END COLLATE "C\"""",
    """CASE jsonb_typeof({}) WHEN 'boolean' THEN ({})::boolean::int::numeric
        WHEN 'number' THEN ({})::numeric
        WHEN 'object' THEN CASE WHEN {} ->> '_kind' = 'number'
        THEN CASE jsonb_typeof({} -> 'val') WHEN 'number' THEN ({} -> 'val')::numeric
        WHEN 'string' THEN CASE {} ->> 'val' WHEN '-INF' THEN '-Infinity'::numeric
        ELSE 'Infinity'::numeric END END END END""",
    f"""CASE jsonb_typeof({{}}) WHEN 'string' THEN {{}} #>> array[]::text[]
        WHEN 'object' THEN CASE WHEN {{}} ->> '_kind' IN ({_TEXTS})
        THEN {{}} ->> 'val' END END COLLATE "C\"""",
    """CASE WHEN jsonb_typeof({}) = 'object' AND {} ->> '_kind' = 'dateTime'
        THEN ({} ->> 'val')::timestamptz END""",
)
_SECONDS, _FRACTION = (
    f"CASE WHEN {{}} ->> '$._kind' = 'dateTime' THEN {part} END"
    for part in date_time_parts()
)
_SQLITE = (
    "({} IS NULL)",
    f"""CASE json_type({{}}) WHEN 'true' THEN {_BOOL} WHEN 'false' THEN {_BOOL}
        WHEN 'integer' THEN {_NUMBER} WHEN 'real' THEN {_NUMBER} WHEN 'text'
        THEN {_STR} WHEN 'object' THEN CASE {{}} ->> '$._kind' {_OBJECTS}
        ELSE {OTHERS} END ELSE {OTHERS} END""",
    """CASE WHEN json_type({}) = 'object' AND {} ->> '$._kind' = 'number'
        THEN coalesce({} ->> '$.unit', '') ELSE '' END""",
    """CASE json_type({}) WHEN 'true' THEN 1 WHEN 'false' THEN 0
        WHEN 'integer' THEN {} ->> '$' WHEN 'real' THEN {} ->> '$'
        WHEN 'object' THEN CASE WHEN {} ->> '$._kind' = 'number'
        THEN CASE {} ->> '$.val' WHEN 'INF' THEN 9e999 WHEN 'NaN' THEN 9e999
        WHEN '-INF' THEN -9e999 ELSE {} ->> '$.val' END END END""",
    f"""CASE json_type({{}}) WHEN 'text' THEN {{}} ->> '$'
        WHEN 'object' THEN CASE WHEN {{}} ->> '$._kind' IN ({_TEXTS})
        THEN {{}} ->> '$.val' END END""",
    _SECONDS,
    _FRACTION,
)
_TEMPLATES = {"postgresql": _POSTGRES, "sqlite": _SQLITE}


class _Part(TagValue):
    """One of the values of a tag that compare, by its place in the templates."""

    def __init__(self, name: str, place: int) -> None:
        super().__init__(name)
        self.place = place

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return self._written(_POSTGRES, super().as_postgresql(compiler, connection))

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> AsSql:
        return self._written(_SQLITE, super().as_sqlite(compiler, connection))

    def _written(self, templates: Sequence[str], value: AsSql) -> AsSql:
        template = templates[self.place]
        found = sql(template, *[Sql(*value)] * template.count("{}"))
        return found.text, found.params


def in_order(order: Sequence[By], vendor: str) -> Iterator[OrderBy | str]:
    """For ``order_by`` of a queryset of entities in a database of the vendor."""
    for name, descending in order:
        yield OrderBy(_Part(name, 0))
        for place in range(1, len(_TEMPLATES[vendor])):
            yield OrderBy(_Part(name, place), descending=descending)
    yield "id"
