"""Priority arrays."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .entity import Entity
from .fields import HaysonField

__all__ = ["PriorityLevel"]


class PriorityLevel(models.Model):
    """A level of a point's priority array that has a value."""

    pk = models.CompositePrimaryKey("point_id", "number")
    point = models.ForeignKey(
        Entity, on_delete=models.CASCADE, db_constraint=False, db_index=False
    )
    number = models.SmallIntegerField(help_text="1 (emergency) to 17 (default)")
    val = HaysonField()
    who = models.TextField(blank=True)
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
