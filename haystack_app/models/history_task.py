"""What is left to do in the database of entities after a change of samples."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from ..sql import tables

__all__ = ["HistoryTask"]


class HistoryTask(models.Model):
    """A change of a point's samples that its entity may not know of yet.

    Committed with the samples, and deleted after the commit of the entity, where both
    are in different databases. ``newest`` is the time of the newest written sample that
    was not in the future. ``is_removal``: the samples are to be deleted if the entity
    is gone.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    point_id = models.TextField()
    newest = models.DateTimeField(null=True)
    is_removal = models.BooleanField(default=False, db_default=False)

    class Meta:
        db_table = tables.HISTORY_TASKS
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.point_id} {self.at}"
