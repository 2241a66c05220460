"""Dashboards: pages of charts, tables and numbers that users make and share."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from .dashboard_content import check_content, check_range

__all__ = ["Dashboard"]


class Dashboard(models.Model):
    """A page that its owner, the members of some groups, or all users may open.

    What it shows is what the viewer may see: filters run with the viewer's rights and
    scope. ``version`` counts the changes, so that of two editors the second does not
    overwrite what the first has changed.
    """

    slug = models.SlugField(
        _("slug"), max_length=80, unique=True, help_text=_("the end of its address")
    )
    title = models.CharField(_("title"), max_length=200)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="haystack_dashboards",
    )
    storage = models.CharField(_("project"), max_length=100, default="default")
    groups = models.ManyToManyField(
        Group,
        verbose_name=_("groups"),
        blank=True,
        related_name="haystack_dashboards",
        db_table=tables.DASHBOARD_GROUPS,
        help_text=_("members may open it"),
    )
    everyone = models.BooleanField(
        _("everyone"),
        default=False,
        help_text=_("all users that may see entities may open it"),
    )
    range = models.CharField(
        _("range"),
        max_length=60,
        default="today",
        help_text=_("of its charts when it is opened"),
    )
    content = models.JSONField(
        _("content"), default=dict, blank=True, help_text=_("sections of tiles")
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    changed = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = tables.DASHBOARDS
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboards")
        ordering = ["title", "slug"]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Raises ValidationError.

        Checked here and not by the fields, for migrations import no code of the app.
        """
        errors = {}
        for name, check in (("content", check_content), ("range", check_range)):
            try:
                check(getattr(self, name))
            except ValidationError as err:
                errors[name] = err.messages
        if errors:
            raise ValidationError(errors)
