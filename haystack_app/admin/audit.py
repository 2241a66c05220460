"""The audit log, to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from ..auth.rights import scope_filter
from ..models import AuditEntry
from .paging import BoundedPaginator

if TYPE_CHECKING:
    AuditModelAdmin = admin.ModelAdmin[AuditEntry]
else:
    AuditModelAdmin = admin.ModelAdmin

__all__ = ["AuditAdmin"]


@admin.register(AuditEntry)
class AuditAdmin(AuditModelAdmin):
    list_display = ("at", "event", "who", "address", "detail", "times")
    list_filter = ("event",)
    search_fields = ("who", "address", "detail")
    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False

    def has_view_permission(
        self, request: HttpRequest, obj: AuditEntry | None = None
    ) -> bool:
        """For those who may see every entity: the log names filters and ids."""
        seen = super().has_view_permission(request, obj)
        return seen and scope_filter(request.user) is None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: AuditEntry | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: AuditEntry | None = None
    ) -> bool:
        return False
