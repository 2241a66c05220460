"""Checks of a store whose samples are in a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...models import HisSample
from ...sql.tables import HISTORY

if TYPE_CHECKING:
    from .adapter import OrmAdapter

__all__ = ["configuration", "content"]

_ROUTER = "haystack_app.history_router.HistoryRouter"


def configuration(store: OrmAdapter) -> Iterator[CheckMessage]:
    """Of the settings, of databases that are known."""
    alias = store.history_using
    if connections[alias].vendor != "postgresql":
        yield Error(
            f"storage {store.alias!r}: the database {alias!r} of its samples is not"
            " PostgreSQL",
            hint="Set HISTORY_DATABASE_URL (OPTIONS['history']) to one of PostgreSQL.",
            id="haystack.E027",
        )
    if _ROUTER not in settings.DATABASE_ROUTERS and store.using == DEFAULT_DB_ALIAS:
        yield Error(
            f"storage {store.alias!r}: pages and code that name no database read an"
            " empty table of samples",
            hint=f"Put {_ROUTER} into DATABASE_ROUTERS.",
            id="haystack.E027",
        )


def content(store: OrmAdapter) -> Iterator[CheckMessage]:
    """Of the databases themselves: samples that nothing reads, and what the user
    should know, which is said with the checks of databases alone."""
    yield Info(
        f"storage {store.alias!r}: entities and samples are in two databases, which no"
        " statement joins: haystack_views, haystack_adopt --in-place, and querysets of"
        " samples with conditions on entities are refused",
        hint="See docs/history-database.md for views by postgres_fdw.",
        id="haystack.I001",
    )
    if _has_samples(connections[store.using]):
        yield Warning(
            f"database {store.using!r} has samples in its table {HISTORY}, which are"
            f" not read: those of storage {store.alias!r} are in"
            f" {store.history_using!r}",
            hint="Copy what is missing, then truncate this table; see"
            " docs/history-database.md.",
            id="haystack.W016",
        )


def _has_samples(connection: BaseDatabaseWrapper) -> bool:
    if HISTORY not in connection.introspection.table_names():
        return False
    found: bool = HisSample.objects.using(connection.alias).exists()
    return found
