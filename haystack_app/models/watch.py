"""Watches, and what they told of."""

from __future__ import annotations

from django.db import models

from ..sql import tables

__all__ = ["Watch", "WatchItem"]


class Watch(models.Model):
    """An open watch; see ``storage.watch.Watch``."""

    id = models.TextField(primary_key=True)
    dis = models.TextField(blank=True)
    owner = models.TextField(db_index=True, help_text="who opened it")
    key = models.TextField(editable=False)
    filter = models.TextField(  # noqa: DJ001  an empty text is no filter
        null=True, help_text="empty: a watch of ids"
    )
    lease = models.FloatField(help_text="seconds")
    expires = models.DateTimeField(db_index=True)
    seq = models.BigIntegerField(help_text="number of its last news")
    subscriber = models.TextField(
        blank=True, help_text="process that pushes news; empty: who polls"
    )

    class Meta:
        db_table = tables.WATCHES
        verbose_name_plural = "watches"
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return self.dis or self.id


class WatchItem(models.Model):
    """An entity on a watch: the version that was told, in which news.

    ``sent`` is null where the entity was told to be gone. No foreign keys: the
    watch is locked by whoever writes here, and an entity may go and come back.
    """

    pk = models.CompositePrimaryKey("watch_id", "entity_id")
    watch_id = models.TextField()
    entity_id = models.TextField()
    sent = models.BigIntegerField(null=True)
    seq = models.BigIntegerField()

    class Meta:
        db_table = tables.WATCH_ITEMS
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["entity_id", "watch_id"], name="haystack_watch_items_entity"
            )
        ]

    def __str__(self) -> str:
        return f"@{self.entity_id}"
