"""Open watches, to look at and to close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from ..auth.rights import scope_filter
from ..models import Watch, WatchItem
from ..storage.orm import OrmAdapter
from .kept import kept_in_tables

if TYPE_CHECKING:
    WatchModelAdmin = admin.ModelAdmin[Watch]
else:
    WatchModelAdmin = admin.ModelAdmin

__all__ = ["WatchAdmin"]


@admin.register(Watch)
class WatchAdmin(WatchModelAdmin):
    """Deleting one closes it: its client hears that it has ended."""

    list_display = ("__str__", "owner", "entities", "filter", "expires")
    search_fields = ("dis", "owner")
    ordering = ("owner", "id")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watch]:
        items = WatchItem.objects.filter(watch_id=OuterRef("id")).order_by()
        counted = items.values("watch_id").annotate(n=Count("*")).values("n")
        count = Subquery(counted, output_field=IntegerField())
        return super().get_queryset(request).annotate(entities=count)

    @admin.display(ordering="entities")
    def entities(self, watch: Watch) -> int:
        found: int | None = getattr(watch, "entities", None)
        return found or 0

    def delete_model(self, request: HttpRequest, obj: Watch) -> None:
        _close([obj.id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Watch]) -> None:
        _close(list(queryset.values_list("id", flat=True)))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return kept_in_tables() and super().has_module_permission(request)

    def has_view_permission(
        self, request: HttpRequest, obj: Watch | None = None
    ) -> bool:
        """For those who may see every entity: filters name tags and ids."""
        seen = super().has_view_permission(request, obj)
        return seen and scope_filter(request.user) is None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Watch | None = None
    ) -> bool:
        return False


def _close(ids: list[str]) -> None:
    """With what they told of; nobody polls or pushes them meanwhile."""
    store = OrmAdapter()
    with store.watch_alone(ids):
        store.watch_drop(ids)
