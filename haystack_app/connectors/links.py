"""Changes of the rows that say which entity is what in the other system.

Several processes change them at the same time: one learns, another one stores samples.
So each changes only what it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import router, transaction

from ..models import ConnectorEntity

__all__ = ["LinkChange", "store_changes"]


@dataclass(frozen=True, slots=True)
class LinkChange:
    """``topic`` is what the error is about; an empty ``error`` removes that of it.

    ``state`` is merged into that of the row; the value None removes a key. Without
    ``taken`` that stays.
    """

    topic: str
    error: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    taken: Any = None


def store_changes(changes: Mapping[int, LinkChange]) -> None:
    """By the primary keys of the rows. Rows that do not change are not written."""
    if not changes:
        return
    using = router.db_for_write(ConnectorEntity)
    with transaction.atomic(using=using):
        rows = ConnectorEntity.objects.using(using).select_for_update()
        changed = [
            row
            for row in rows.filter(pk__in=changes).order_by("pk")
            if _apply(row, changes[row.pk])
        ]
        fields = ["error", "state", "taken"]
        ConnectorEntity.objects.using(using).bulk_update(changed, fields, 500)


def _apply(row: ConnectorEntity, change: LinkChange) -> bool:
    before = row.error, row.state, row.taken
    row.error = _with_error(row.error.split("\n"), change)
    merged = {**row.state, **change.state}
    row.state = {name: value for name, value in merged.items() if value is not None}
    if change.taken is not None:
        row.taken = change.taken
    return (row.error, row.state, row.taken) != before


def _with_error(lines: Iterable[str], change: LinkChange) -> str:
    """A line for each topic."""
    others = [one for one in lines if one and not one.startswith(f"{change.topic}: ")]
    own = [f"{change.topic}: {change.error}"] if change.error else []
    return "\n".join([*others, *own])
