"""The change log."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .fields import HaysonField

__all__ = ["Change", "PrunedChanges"]


class Change(models.Model):
    """An entity that was added, updated or removed; see ``storage.changes.Change``.

    It is written in the transaction of the change. Writers of entities are serialized,
    so ids are in the order of the commits.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    who = models.TextField(blank=True)
    entity_id = models.TextField()
    kind = models.TextField(
        choices=[(kind, kind) for kind in ("add", "update", "remove")]
    )
    before = HaysonField()
    after = HaysonField()

    class Meta:
        db_table = tables.CHANGES
        default_permissions = ()
        indexes = [
            models.Index(fields=["entity_id", "-id"], name="haystack_changes_entity"),
            models.Index(fields=["at"], name="haystack_changes_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} @{self.entity_id}"


class PrunedChanges(models.Model):
    """The id up to which the change log was pruned: one row, or no row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    upto = models.BigIntegerField()

    class Meta:
        db_table = tables.PRUNED_CHANGES
        default_permissions = ()

    def __str__(self) -> str:
        return f"up to {self.upto}"
