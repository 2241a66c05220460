"""Open watches, to look at and to close."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import Watch, WatchItem
from ..storage.orm import OrmAdapter
from .mixins import ReadOnlyAdmin, uses_tables

__all__ = ["WatchAdmin"]


@admin.register(Watch)
class WatchAdmin(ReadOnlyAdmin):
    """Deleting one closes it, and its client is notified."""

    list_display = ("__str__", "owner", "entities", "filter", "expires")
    search_fields = ("dis", "owner")
    ordering = ("owner", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watch]:
        items = WatchItem.objects.filter(watch_id=OuterRef("id")).order_by()
        counted = items.values("watch_id").annotate(n=Count("*")).values("n")
        count = Subquery(counted, output_field=IntegerField())
        watches: QuerySet[Watch] = super().get_queryset(request)
        return watches.annotate(entities=count)

    @admin.display(description=_("entities"), ordering="entities")
    def entities(self, watch: Watch) -> int:
        found: int | None = getattr(watch, "entities", None)
        return found or 0

    def delete_model(self, request: HttpRequest, obj: Watch) -> None:
        _close([obj.id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Watch]) -> None:
        _close(list(queryset.values_list("id", flat=True)))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return uses_tables() and super().has_module_permission(request)


def _close(ids: list[str]) -> None:
    """With their items, while they are locked against polls and pushes."""
    store = OrmAdapter()
    with store.locked_watches(ids):
        store.watch_drop(ids)
