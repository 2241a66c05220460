"""The audit log, to look at."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from ..models import AuditEntry
from .mixins import ReadOnlyAdmin
from .pagination import BoundedPaginator

__all__ = ["AuditAdmin"]


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "event", "who", "address", "detail", "times")
    list_filter = ("event",)
    search_fields = ("who", "address", "detail")
    ordering = ("-id",)
    paginator = BoundedPaginator

    def has_delete_permission(
        self, request: HttpRequest, obj: AuditEntry | None = None
    ) -> bool:
        return False
