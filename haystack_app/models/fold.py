"""Stored parts of histories, for roll-ups that need not read the samples."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .fields import HaysonField

__all__ = ["FoldMark", "FoldPart", "FoldPoint"]


class FoldPoint(models.Model):
    """A point whose history has parts: by local day and, if ``hourly``, by hour.

    ``zone`` is its time zone, and the version of the zone's rules. Of what is before
    ``dropped``, the samples are gone and the parts by day stay.
    """

    point_id = models.TextField(primary_key=True)
    zone = models.TextField()
    hourly = models.BooleanField()
    dropped = models.DateTimeField(null=True)

    class Meta:
        db_table = tables.FOLD_POINTS
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.point_id}"


class FoldMark(models.Model):
    """Samples from ``first`` to ``last`` changed: parts that these touch are invalid.

    Triggers of the table of samples insert it. A point whose id begins with ``>``
    stands for all points with later ids.
    """

    ALL_AFTER = ">"

    id = models.BigAutoField(primary_key=True)
    point_id = models.TextField()
    first = models.DateTimeField()
    last = models.DateTimeField()

    class Meta:
        db_table = tables.FOLD_MARKS
        default_permissions = ()
        indexes = (
            models.Index(
                fields=["point_id", "first"], name=f"{tables.FOLD_MARKS}_point"
            ),
        )

    def __str__(self) -> str:
        return f"@{self.point_id} {self.first} to {self.last}"


class FoldPart(models.Model):
    """The samples of a local day or hour, folded; ``folds.parts`` says how.

    A sample at ``start`` itself is stored as it is, in the columns ``head``; the others
    are of the samples after it. So a part serves buckets that include their start, and
    those that include their end. ``drops`` is a whole number, NULL for 0, of 2^-1074.
    Columns ``held`` and ``line`` are of values that hold and of lines between them.
    """

    pk = models.CompositePrimaryKey("point_id", "hours", "start")
    point_id = models.TextField()
    hours = models.SmallIntegerField(help_text="24 for a day, of any length")
    start = models.DateTimeField()
    has_head = models.BooleanField()
    head_val = models.FloatField(null=True)
    head_obj = HaysonField(null=True)
    count = models.IntegerField()
    na = models.IntegerField()
    nan = models.IntegerField()
    numbers = models.IntegerField()
    small = models.FloatField()
    huge = models.FloatField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    first_ts = models.DateTimeField(null=True)
    first_val = models.FloatField(null=True)
    first_obj = HaysonField(null=True)
    last_ts = models.DateTimeField(null=True)
    last_val = models.FloatField(null=True)
    last_obj = HaysonField(null=True)
    held_small = models.FloatField()
    held_huge = models.FloatField()
    held_known = models.FloatField()
    line_small = models.FloatField()
    line_huge = models.FloatField()
    line_known = models.FloatField()
    start_number = models.FloatField(null=True)
    end_number = models.FloatField(null=True)
    is_infinite = models.BooleanField()
    drops = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        db_table = tables.FOLD_PARTS
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.point_id} {self.start}"
