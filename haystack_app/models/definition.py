"""Def libraries that were loaded in addition to the shipped one."""

from __future__ import annotations

from django.db import models

from ..sql import tables
from .fields import HaysonField

__all__ = ["DefLibrary"]


class DefLibrary(models.Model):
    """A library: its name, such as ``ph``, and the list of its defs."""

    name = models.TextField(primary_key=True)
    defs = HaysonField()
    loaded = models.DateTimeField()

    class Meta:
        db_table = tables.DEF_LIBRARIES
        verbose_name_plural = "def libraries"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
