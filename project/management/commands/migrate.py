"""``migrate``, of the database of the samples too if they have one of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS

from haystack_app.history_router import history_databases


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=None)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        given: Any = super().get_check_kwargs({**options, "database": DEFAULT_DB_ALIAS})
        return {**given, "databases": _databases(options)}

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in _databases(options):
            super().handle(*args, **{**options, "database": alias})


def _databases(options: Mapping[str, Any]) -> list[str]:
    """Those of the option, or else all of the default storage, samples first."""
    if given := options["database"]:
        return [given]
    samples = history_databases().get(DEFAULT_DB_ALIAS)
    return [samples, DEFAULT_DB_ALIAS] if samples else [DEFAULT_DB_ALIAS]
