"""Policies of histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from ..models import HistoryPolicy
from .mixins import SuperusersOnly

if TYPE_CHECKING:
    PolicyModelAdmin = admin.ModelAdmin[HistoryPolicy]
else:
    PolicyModelAdmin = admin.ModelAdmin

__all__ = ["PolicyAdmin"]


@admin.register(HistoryPolicy)
class PolicyAdmin(SuperusersOnly, PolicyModelAdmin):
    """Policies delete samples of every tenant, so only superusers change them."""

    list_display = (
        *("name", "position", "filter", "keep_days", "compress_days", "late"),
        "enabled",
    )
