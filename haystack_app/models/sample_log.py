"""Samples that are due later, and samples that were replaced or removed."""

from __future__ import annotations

from django.db import models

from ..sql import tables

__all__ = ["PostponedSample", "SampleEdit"]


class PostponedSample(models.Model):
    """When a point may log its current value, which changed too soon after another."""

    point_id = models.TextField(primary_key=True)
    due = models.DateTimeField(db_index=True)

    class Meta:
        db_table = tables.POSTPONED_SAMPLES
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.point_id} {self.due}"


class SampleEdit(models.Model):
    """Samples of a point before and after a change; see ``storage.sample_edits``.

    Edits outlive their point. ``change`` is the same for all of one import.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    change = models.TextField()
    kind = models.TextField(blank=True, help_text="such as hisWrite, import or undo")
    user = models.TextField(blank=True, help_text="the login that changed them")
    reason = models.TextField(
        blank=True, default="", db_default="", help_text="why, of an edit"
    )
    point_id = models.TextField()
    count = models.IntegerField(help_text="how many samples")
    samples = models.TextField(help_text="JSON: [[time, before, after], ..]")

    class Meta:
        db_table = tables.SAMPLE_EDITS
        default_permissions = ()
        indexes = [
            models.Index(fields=["change", "id"], name="haystack_sample_edits_change"),
            models.Index(fields=["at"], name="haystack_sample_edits_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} @{self.point_id} {self.at}"
