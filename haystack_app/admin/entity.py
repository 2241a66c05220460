"""The list of entities, searched by Haystack filters, and their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ..auth.permissions import scope_filter
from ..filters import is_trash
from ..kinds.scalars import Ref
from ..models import Entity
from ..models.lookups import OneOf
from ..models.querysets import containing
from ..scripts import modules_of, script_urls, unit_choices
from ..sql.compiler import compile_filter
from ..storage.errors import InvalidSearch
from ..storage.orm import OrmAdapter
from ..storage.search import words_of
from ..wire.errors import ParseError
from ..wire.record import Record
from .entity_detail import entity_context, names_of
from .entity_trash import TrashPages, trash_actions
from .labels import display_name, label_of
from .mixins import uses_tables
from .pagination import MOST, BoundedPaginator

if TYPE_CHECKING:
    EntityModelAdmin = admin.ModelAdmin[Entity]
else:
    EntityModelAdmin = admin.ModelAdmin

__all__ = ["EntityAdmin"]


class EntityList(ChangeList):
    """Looks up the names of one page and of its sites at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.most = MOST
        self.result_list = list(self.result_list)
        store = store_of(request.user)
        records = store.shown([entity.record for entity in self.result_list])
        sites = [
            ref.id
            for record in records
            if isinstance(ref := record.get("siteRef"), Ref)
        ]
        names = names_of(sites, store)
        for entity, record in zip(self.result_list, records, strict=True):
            entity.shown = record
            ref = record.get("siteRef")
            entity.site_name = names.get(ref.id, ref.id) if isinstance(ref, Ref) else ""


def store_of(user: Any) -> OrmAdapter:
    """The store as far as a user's groups let them see it."""
    return OrmAdapter().visible_to(scope_filter(user))


def searched(
    store: OrmAdapter, queryset: QuerySet[Entity], text: str
) -> QuerySet[Entity]:
    """The rows whose names have every word. Raises InvalidSearch."""
    if store.scope is None:
        return containing(queryset, words_of(text))
    found = store.search(text, limit=MOST + 1)
    return queryset.filter(OneOf(F("id"), [row["id"].id for row in found]))


def explored(**begins_with: str) -> HttpResponse:
    """To the explorer, which shows what no table holds."""
    query = urlencode({name: text for name, text in begins_with.items() if text})
    return redirect(f"{reverse('haystack:explorer')}?{query}")


_TRASH = ' <b class="hs-trash">{}</b>'


@admin.register(Entity)
class EntityAdmin(TrashPages, EntityModelAdmin):
    """Read-only but for the trash. The search box takes a Haystack filter, or words."""

    list_display = ("shown_id", "dis", "thing", "site", "mod")
    list_display_links = ("shown_id", "dis")
    list_per_page = 100
    ordering = ("id",)
    paginator = BoundedPaginator
    search_fields = ("id",)
    search_help_text = _(
        "Words in names, such as: north ahu-1 discharge — or a Haystack filter, such"
        " as: site — ahu and siteRef==@north.b1 — "
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
        """The rows that match the filter, else those that have the words."""
        if not search_term.strip():
            return queryset, False
        try:
            condition = compile_filter(OrmAdapter().parsed(search_term))
        except ParseError as err:
            why = gettext(
                "Not a Haystack filter (%(error)s): searched for words in names."
            ) % {"error": err}
            return self._by_words(request, queryset, search_term, why), False
        found = queryset.filter(condition)
        if found.exists():
            return found, False
        why = gettext("No entity matches the filter: searched for words in names.")
        return self._by_words(request, queryset, search_term, why), False

    def _by_words(
        self,
        request: HttpRequest,
        queryset: QuerySet[Entity],
        text: str,
        why: str,
    ) -> QuerySet[Entity]:
        try:
            found = searched(store_of(request.user), queryset, text)
        except InvalidSearch as err:
            messages.error(
                request, gettext("Invalid search: %(error)s") % {"error": err}
            )
            return queryset.none()
        messages.info(request, why)
        return found

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
            text = gettext("There is no entity @%(id)s.") % {"id": id}
            messages.warning(request, text)
            return redirect("admin:haystack_app_entity_changelist")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": entity,
            "urls": script_urls(),
            "units": unit_choices(),
            "modules": modules_of("entity_page/main.js"),
            "preserved_filters": self.get_preserved_filters(request),
            **entity_context(entity, store_of(request.user)),
            "trash_actions": trash_actions(request.user, entity.record),
            **(extra_context or {}),
        }
        return TemplateResponse(request, str(self.change_form_template), context)

    # -- columns --------------------------------------------------------------

    @admin.display(description=_("id"), ordering="id")
    def shown_id(self, entity: Entity) -> SafeString:
        return format_html("<code>@{}</code>", entity.id)

    @admin.display(description=_("name"))
    def dis(self, entity: Entity) -> SafeString:
        tags: Record = entity.shown  # type: ignore[attr-defined]  # of EntityList
        badge = format_html(_TRASH, gettext("trash")) if is_trash(tags) else ""
        return format_html("{}{}", display_name(tags), badge)

    @admin.display(description=_("kind of thing"))
    def thing(self, entity: Entity) -> str:
        return label_of(entity.record)

    @admin.display(description=pgettext_lazy("building", "site"))
    def site(self, entity: Entity) -> str:
        return str(getattr(entity, "site_name", ""))
