"""Sends samples, and what is stored beside them, to the database that has them.

The storage of the default database says which one that is, by the option ``history``.
Every database has all tables; those that one does not use are empty there.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from .conf import app_settings

__all__ = ["BESIDE_SAMPLES", "HistoryRouter", "history_databases"]

BESIDE_SAMPLES = frozenset(
    {"FoldMark", "FoldPart", "FoldPoint", "HisSample", "HistoryTask", "SampleEdit"}
)
"""The models of the history database."""


def history_databases() -> dict[str, str]:
    """By the alias of a database of entities, that of the samples of its storage."""
    options = [entry.get("OPTIONS", {}) for entry in app_settings.STORAGES.values()]
    return {
        one.get("using", DEFAULT_DB_ALIAS): one["history"]
        for one in options
        if one.get("history")
    }


class HistoryRouter:
    """For ``DATABASE_ROUTERS``, for code that names no database itself."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        meta = model._meta
        if meta.app_label != "haystack_app" or meta.object_name not in BESIDE_SAMPLES:
            return None
        instance = hints.get("instance")
        if isinstance(instance, model) and instance._state.db:
            return instance._state.db
        return history_databases().get(DEFAULT_DB_ALIAS)

    db_for_write = db_for_read
