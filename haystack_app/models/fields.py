"""A JSON field whose Python value is text.

Hayson is written from the database to the response without being decoded, so the
field neither parses nor serializes values. In SQL it is ordinary JSON: ``jsonb`` on
PostgreSQL, text checked by ``JSON_VALID`` on SQLite.
"""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["HaysonField"]


class HaysonField(models.JSONField):
    """The canonical Hayson text of one value; a JSONField in migrations.

    Defaults are serialized: ``dict`` is the text of an empty object.
    """

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def get_default(self) -> Any:
        default = super().get_default()
        if default is None or isinstance(default, str):
            return default
        return orjson.dumps(default).decode()

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        return []

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if isinstance(value, str) and connection.vendor == "postgresql":
            from psycopg.types.json import Jsonb

            return Jsonb(value, dumps=str.encode)
        return value

    def value_from_object(self, obj: models.Model) -> Any:
        return getattr(obj, self.attname)
