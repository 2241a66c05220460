"""The list of entities, searched by Haystack filters, and their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..auth.permissions import scope_filter
from ..filters import is_trash
from ..kinds.scalars import Ref
from ..models import Entity
from ..sql.compiler import compile_filter
from ..storage.orm import OrmAdapter
from ..wire.errors import ParseError
from .entity_detail import entity_context, names_of
from .labels import display_name, label_of
from .mixins import uses_tables
from .pagination import MOST, BoundedPaginator

if TYPE_CHECKING:
    EntityModelAdmin = admin.ModelAdmin[Entity]
else:
    EntityModelAdmin = admin.ModelAdmin

__all__ = ["EntityAdmin"]


class EntityList(ChangeList):
    """Looks up the names of the sites of one page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.most = MOST
        self.result_list = list(self.result_list)
        sites = [
            ref.id
            for entity in self.result_list
            if isinstance(ref := entity.record.get("siteRef"), Ref)
        ]
        names = names_of(sites, store_of(request.user).visible)
        for entity in self.result_list:
            ref = entity.record.get("siteRef")
            entity.site_name = names.get(ref.id, ref.id) if isinstance(ref, Ref) else ""


def store_of(user: Any) -> OrmAdapter:
    """The store as far as a user's groups let them see it."""
    return OrmAdapter().visible_to(scope_filter(user))


def explored(**begins_with: str) -> HttpResponse:
    """To the explorer, which shows what no table holds."""
    query = urlencode({name: text for name, text in begins_with.items() if text})
    return redirect(f"{reverse('haystack:explorer')}?{query}")


_TRASH = format_html(' <b class="{}">trash</b>', "hs-trash")


@admin.register(Entity)
class EntityAdmin(EntityModelAdmin):
    """Read-only. The search box takes a Haystack filter."""

    list_display = ("shown_id", "dis", "thing", "site", "mod")
    list_display_links = ("shown_id", "dis")
    list_per_page = 100
    ordering = ("id",)
    paginator = BoundedPaginator
    search_fields = ("id",)
    search_help_text = (
        "A Haystack filter, such as: site — ahu and siteRef==@north.b1 — "
        "point and temp and curVal > 75°F — point and siteRef->yearBuilt < 2000"
    )
    show_full_result_count = False
    change_form_template = "admin/haystack_app/entity/page.html"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return uses_tables() and super().has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Entity | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Entity | None = None
    ) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return False  # the search box has them all; not every database has JSON's

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entity]:
        return store_of(request.user).visible.order_by(*self.ordering)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntityList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entity], search_term: str
    ) -> tuple[QuerySet[Entity], bool]:
        """The rows that match the filter; none, and a message, if it is invalid."""
        if not search_term.strip():
            return queryset, False
        try:
            condition = compile_filter(OrmAdapter().parsed(search_term))
        except ParseError as err:
            messages.error(request, f"Not a Haystack filter: {err}")
            return queryset.none(), False
        return queryset.filter(condition), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not uses_tables():
            return explored(filter=request.GET.get("q", ""))
        return super().changelist_view(request, extra_context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        id = unquote(object_id)
        if not uses_tables():
            return explored(id=id)
        entity: Entity | None = self.get_object(request, id)
        if not self.has_view_permission(request, entity):
            raise PermissionDenied
        if entity is None:
            messages.warning(request, f"There is no entity @{id}.")
            return redirect("admin:haystack_app_entity_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": display_name(entity.record),
            "opts": self.opts,
            "original": entity,
            "preserved_filters": self.get_preserved_filters(request),
            **entity_context(entity, store_of(request.user)),
            **(extra_context or {}),
        }
        return TemplateResponse(request, str(self.change_form_template), context)

    # -- columns --------------------------------------------------------------

    @admin.display(description="id", ordering="id")
    def shown_id(self, entity: Entity) -> SafeString:
        return format_html("<code>@{}</code>", entity.id)

    @admin.display
    def dis(self, entity: Entity) -> SafeString:
        tags = entity.record
        badge = _TRASH if is_trash(tags) else ""
        return format_html("{}{}", display_name(tags), badge)

    @admin.display(description="kind of thing")
    def thing(self, entity: Entity) -> str:
        return label_of(entity.record)

    @admin.display
    def site(self, entity: Entity) -> str:
        return str(getattr(entity, "site_name", ""))
