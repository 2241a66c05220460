"""``tags__matching``: a Haystack filter as a lookup, also through joins; ``OneOf``.

    Entity.objects.filter(tags__matching="point and curVal > 70°F")
    HisSample.objects.filter(point__tags__matching="zone and temp")

The filter is matched against the whole record, including transient tags in ``cur``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson
from django.core.exceptions import FieldError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.expressions import Col
from django.db.models.sql.compiler import SQLCompiler

from ..sql.arrays import text_array
from ..sql.compiler import compile_filter
from ..sql.joined import compiled_for
from .backend import backend
from .fields import HaysonField

if TYPE_CHECKING:
    FilterLookup = Lookup[Any]
else:
    FilterLookup = Lookup

__all__ = ["Matching", "OneOf"]


@HaysonField.register_lookup
class Matching(FilterLookup):
    lookup_name = "matching"
    prepare_rhs = False

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Raises FieldError for other fields, and ParseError."""
        column = self.lhs
        if not isinstance(column, Col) or column.target.attname != "tags":
            raise FieldError(
                "the lookup 'matching' is only supported for the field 'tags'"
            )
        tree = backend().parsed(connection.alias, self.rhs)
        [condition] = compile_filter(tree).children
        return compiled_for(compiler, condition, column.target.model, column.alias)


class OneOf(FilterLookup):
    """``filter(OneOf(F("id"), ids))``: ``IN`` with one parameter for all texts.

    The driver quotes each parameter of ``id__in`` on its own.
    """

    lookup_name = "one_of"
    prepare_rhs = False

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        found = f"{column} IN (SELECT value FROM json_each(%s))"
        return found, (*params, self.parameter(connection, self.rhs))

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        found = f"{column} = ANY(%s::text[])"
        return found, (*params, self.parameter(connection, self.rhs))

    @staticmethod
    def parameter(connection: BaseDatabaseWrapper, texts: Iterable[str]) -> str:
        """The parameter of the statement that has all the texts."""
        if connection.vendor == "postgresql":
            return text_array(texts)
        return orjson.dumps(list(texts)).decode()
