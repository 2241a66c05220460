"""Policies of histories, edited in the admin."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sql import tables
from .filter_field import FilterField

__all__ = ["HistoryPolicy"]

_DAYS = [MinValueValidator(1), MaxValueValidator(36_500)]


class HistoryPolicy(models.Model):
    """How long samples of the points that match a filter are kept.

    Of all policies the first that matches a point decides: those of the setting
    ``POLICIES``, then these by ``position``.
    """

    REFUSE, KEEP = "refuse", "keep"
    LATE = [
        (REFUSE, _("refuse samples that are older than what is kept")),
        (KEEP, _("store them until the next time")),
    ]

    name = models.CharField(_("name"), max_length=100, unique=True)
    position = models.PositiveIntegerField(
        _("position"), help_text=_("the lowest is the first")
    )
    filter = FilterField(_("filter"), help_text=_("such as point and meter"))
    keep_days = models.PositiveIntegerField(
        _("keep days"),
        null=True,
        blank=True,
        validators=_DAYS,
        help_text=_(
            "days that samples are kept; empty for ever. Roll-ups to days stay"
        ),
    )
    compress_days = models.PositiveIntegerField(
        _("compress days"),
        null=True,
        blank=True,
        validators=_DAYS,
        help_text=_(
            "days until samples are compressed; empty for never. Needs the "
            "Community edition of TimescaleDB"
        ),
    )
    late = models.CharField(_("late"), max_length=6, choices=LATE, default=REFUSE)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        db_table = tables.HISTORY_POLICIES
        verbose_name = _("history policy")
        verbose_name_plural = _("history policies")
        ordering = ["position", "id"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
