"""Policies of histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from ..models import HistoryPolicy

if TYPE_CHECKING:
    PolicyModelAdmin = admin.ModelAdmin[HistoryPolicy]
else:
    PolicyModelAdmin = admin.ModelAdmin

__all__ = ["PolicyAdmin"]


@admin.register(HistoryPolicy)
class PolicyAdmin(PolicyModelAdmin):
    """Policies delete samples of every tenant, so only superusers change them."""

    list_display = (
        *("name", "position", "filter", "keep_days", "compress_days", "late"),
        "enabled",
    )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_module_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission
