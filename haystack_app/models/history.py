"""History: the samples of points."""

from __future__ import annotations

from django.db import models

from .entity import Entity
from .fields import HaysonField
from .querysets import HisSampleManager

__all__ = ["HisSample"]


class HisSample(models.Model):
    """One sample. The table is a hypertable on ``ts`` where TimescaleDB is there.

    Finite numbers are in ``val``; Bool is 1 or 0 in ``val`` and itself in
    ``obj``; every other value is in ``obj``. The unit is the point's.
    """

    pk = models.CompositePrimaryKey("point_id", "ts")
    point = models.ForeignKey(
        Entity, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    ts = models.DateTimeField()
    val = models.FloatField(null=True)
    obj = HaysonField(null=True)

    objects = HisSampleManager()

    class Meta:
        db_table = "history"
        verbose_name = "history sample"

    def __str__(self) -> str:
        return f"@{self.point_id} {self.ts}"
