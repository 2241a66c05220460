"""Priority arrays, and the log of writes to them."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .entity import Entity
from .fields import HaysonField

__all__ = ["PointWrite", "PriorityLevel"]


class PriorityLevel(models.Model):
    """A level of a point's priority array that has a value."""

    pk = models.CompositePrimaryKey("point_id", "number")
    point = models.ForeignKey(
        Entity, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    number = models.SmallIntegerField(help_text="1 (emergency) to 17 (default)")
    val = HaysonField()
    who = models.TextField(blank=True)
    user = models.TextField(blank=True, help_text="the login that wrote it")
    expires = models.DateTimeField(null=True)

    class Meta:
        db_table = tables.PRIORITY_LEVELS
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["expires"],
                name="haystack_priority_expires",
                condition=models.Q(expires__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"@{self.point_id} level {self.number}"


class PointWrite(models.Model):
    """A level that was set, released or expired; see ``storage.write_log``.

    Entries outlive their point.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    point_id = models.TextField()
    number = models.SmallIntegerField(help_text="1 (emergency) to 17 (default)")
    kind = models.TextField(
        choices=[(kind, kind) for kind in ("set", "release", "expire")]
    )
    val = HaysonField(null=True)
    who = models.TextField(blank=True)
    user = models.TextField(blank=True, help_text="the login that wrote it")
    expires = models.DateTimeField(null=True)

    class Meta:
        db_table = tables.POINT_WRITES
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["point_id", "-id"], name="haystack_point_writes_point"
            ),
            models.Index(fields=["at"], name="haystack_point_writes_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} @{self.point_id} level {self.number}"
