"""Watches and their items."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables

__all__ = ["Watch", "WatchItem"]


class Watch(models.Model):
    """An open watch; see ``storage.watch_types.Watch``."""

    id = models.TextField(primary_key=True)
    dis = models.TextField(_("dis"), blank=True)
    owner = models.TextField(
        _("owner"), db_index=True, help_text=_("the user that opened it")
    )
    key = models.TextField(editable=False)
    filter = models.TextField(  # noqa: DJ001  null for watches of ids
        _("filter"),
        null=True,
        help_text=_("empty for a watch of ids"),
    )
    lease = models.FloatField(_("lease"), help_text=_("seconds"))
    expires = models.DateTimeField(_("expires"), db_index=True)
    seq = models.BigIntegerField(_("seq"), help_text=_("number of the last update"))
    subscriber = models.TextField(
        _("subscriber"),
        blank=True,
        help_text=_("process that pushes updates; empty if polled"),
    )

    class Meta:
        db_table = tables.WATCHES
        verbose_name = _("watch")
        verbose_name_plural = _("watches")
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return self.dis or self.id


class WatchItem(models.Model):
    """An entity in a watch: ``sent`` is the version in the update ``seq``.

    ``sent`` is null if the update reported the entity as gone. There are no foreign
    keys: writers lock the watch, and entities may be removed and added again.
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
