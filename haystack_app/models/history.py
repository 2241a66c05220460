"""History: the samples of points."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .entity import Entity
from .fields import HaysonField
from .querysets import HisSampleManager

__all__ = ["HisSample"]


class HisSample(models.Model):
    """A sample. With TimescaleDB, the table is a hypertable on ``ts``.

    Finite numbers are in ``val``; a Bool is 1 or 0 in ``val`` and Hayson in ``obj``;
    other values are Hayson in ``obj``. The unit is that of the point.
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
        db_table = tables.HISTORY
        verbose_name = "history sample"
        default_permissions = ()

    def __str__(self) -> str:
        return f"@{self.point_id} {self.ts}"
