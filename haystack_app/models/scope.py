"""Filters of the entities that members of a group may see."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from .filter_field import FilterField

__all__ = ["GroupScope"]


class GroupScope(models.Model):
    """A Haystack filter: members of the group see and change only matching entities."""

    group = models.OneToOneField(
        Group,
        verbose_name=_("group"),
        on_delete=models.CASCADE,
        related_name="haystack_scope",
    )
    filter = FilterField(
        _("filter"), help_text=_("such as siteRef == @north or id == @north")
    )

    class Meta:
        db_table = tables.GROUP_SCOPES
        verbose_name = _("group scope")
        verbose_name_plural = _("group scopes")
        default_permissions = ("view",)  # the filter on the page of its group

    def __str__(self) -> str:
        return self.filter
