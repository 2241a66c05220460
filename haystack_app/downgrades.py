"""Going back to an earlier migration, which may delete what users have stored.

Before ``migrate`` undoes anything, the tables and columns that would go are looked at,
and it stops if one of them has data that cannot be derived again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.operations import AddField, CreateModel
from django.db.models import Model, QuerySet
from django.db.models.signals import pre_migrate

from .conf import app_settings

__all__ = ["losses"]

_LABEL = "haystack_app"
_DERIVED = {"entityref", "namechange", "tagset"}
_FOLDED = {"foldmark", "foldpart", "foldpoint"}
"""Models that are derived from samples, unless these were dropped."""
_BY_MIGRATE = ("group created", "permissions changed")
"""Events of the audit log of every new database."""
_SHORT_LIVED = {
    *(
        "fileimport",
        "handshake",
        "jobschedule",
        "mqttunknowntopic",
        "postponedsample",
        "task",
    ),
}
"""Models whose rows are worth nothing after a restart."""


def losses(
    plan: Iterable[tuple[Migration, bool]], apps: Apps, using: str
) -> Iterator[str]:
    """What the undone migrations of a plan would delete; ``apps`` are those of now."""
    tables = set(connections[using].introspection.table_names())
    for migration, backwards in plan:
        if not backwards or migration.app_label != _LABEL:
            continue
        for operation in reversed(migration.operations):
            if isinstance(operation, CreateModel):
                yield from _rows(apps, operation.name, using, tables)
            elif isinstance(operation, AddField):
                yield from _column(apps, operation, using, tables)


def _rows(apps: Apps, name: str, using: str, tables: set[str]) -> Iterator[str]:
    if name.lower() in _DERIVED | _FOLDED | _SHORT_LIVED:
        return
    rows = _queryset(apps, name, using, tables)
    if rows is not None and name == "JobSchedule":  # those of the app's own tasks
        rows = rows.exclude(task__startswith=f"{_LABEL}.", kwargs={})
    if rows is not None and name == "AuditEntry":
        rows = rows.exclude(who="", address="", event__in=_BY_MIGRATE)
    if rows is not None and rows.exists():
        yield f"the rows of {rows.model._meta.db_table}"


def _column(
    apps: Apps, operation: AddField, using: str, tables: set[str]
) -> Iterator[str]:
    """A column whose values are not all as the migration made them."""
    rows = _queryset(apps, operation.model_name, using, tables)
    if rows is None or operation.model_name.lower() in _DERIVED | _SHORT_LIVED:
        return
    name = operation.name
    # that of the operation is not part of a model
    column: Any = rows.model._meta.get_field(name)
    default = column.get_default()
    if rows.exclude(**{name: default}).exclude(**{name: None}).exists():
        yield f"the column {name} of {rows.model._meta.db_table}"


def _queryset(
    apps: Apps, name: str, using: str, tables: set[str]
) -> QuerySet[Model] | None:
    """None if the table does not exist."""
    try:
        model = apps.get_model(_LABEL, name)
    except LookupError:
        return None
    if model._meta.db_table not in tables:
        return None
    rows: QuerySet[Model] = model._base_manager.using(using)
    return rows


def _refuse(
    sender: AppConfig,
    using: str,
    apps: Apps,
    plan: Iterable[tuple[Migration, bool]],
    **_: Any,
) -> None:
    if sender.label != _LABEL or app_settings.ALLOW_DATA_LOSS:
        return
    if found := list(dict.fromkeys(losses(plan, apps, using))):
        raise CommandError(
            f"going back would delete from database {using!r}: {', '.join(found)}."
            " Nothing was changed. Back up the database first, then set"
            " HAYSTACK['ALLOW_DATA_LOSS'] (in project: HAYSTACK_ALLOW_DATA_LOSS=1)"
        )


pre_migrate.connect(_refuse, dispatch_uid="haystack_app.downgrades")
