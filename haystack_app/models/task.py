"""Tasks that only one of several processes executes."""

from __future__ import annotations

from django.db import models

from ..sql import tables

__all__ = ["Task"]


class Task(models.Model):
    """The process that holds a task, exclusively until ``until``."""

    name = models.TextField(primary_key=True)
    holder = models.TextField()
    until = models.DateTimeField()

    class Meta:
        db_table = tables.TASKS
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
