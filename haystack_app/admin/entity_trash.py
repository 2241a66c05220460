"""The trash, for the page of an entity: there, back, and gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext

from ..auth.guards import guard_for
from ..auth.permissions import has_permission, scope_filter
from ..auth.roles import EMPTY_TRASH
from ..filters import is_trash
from ..kinds.scalars import REMOVE, Ref
from ..models import Entity
from ..storage.errors import StorageError, UnknownEntity
from ..storage.orm import OrmAdapter
from ..wire.record import Record
from .labels import display_name
from .mixins import uses_tables

if TYPE_CHECKING:
    EntityModelAdmin = admin.ModelAdmin[Entity]
else:
    EntityModelAdmin = object

__all__ = ["TrashPages", "trash_actions"]

_LIST = "admin:haystack_app_entity_changelist"
_PAGE = "admin:haystack_app_entity_change"
_NEEDED = {"trash": "delete_entity", "restore": "change_entity", "remove": EMPTY_TRASH}
"""Permissions by what a button does."""


class TrashPages(EntityModelAdmin):
    """Before a ``ModelAdmin`` of entities: a page that asks, and does it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.trash_view)
        own = path("<path:object_id>/trash/", view, name="haystack_app_entity_trash")
        return [own, *super().get_urls()]

    def trash_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        store, id = _store_of(request.user), unquote(object_id)
        if not uses_tables():
            raise Http404
        try:
            record = store.existing(id)
        except UnknownEntity:
            raise Http404 from None
        actions = trash_actions(request.user, record)
        if not actions:
            raise PermissionDenied
        if request.method == "POST":
            return _done(request, store, record, actions)
        context = {
            **self.admin_site.each_context(request),
            "title": display_name(record),
            "opts": self.opts,
            "id": id,
            "actions": actions,
            "removal": store.removal(id),
        }
        template = "admin/haystack_app/entity/trash.html"
        return TemplateResponse(request, template, context)


def trash_actions(user: Any, record: Record) -> list[str]:
    """What the user may do about an entity and the trash."""
    possible = ["restore", "remove"] if is_trash(record) else ["trash"]
    return [name for name in possible if has_permission(user, _NEEDED[name])]


def _store_of(user: Any) -> OrmAdapter:
    """As far as the user sees it, and with what the user may set."""
    return OrmAdapter().visible_to(scope_filter(user), lambda: guard_for(user))


def _done(
    request: HttpRequest, store: OrmAdapter, record: Record, actions: list[str]
) -> HttpResponse:
    action, id = request.POST.get("action", ""), record["id"].id
    if action not in actions:
        raise PermissionDenied
    try:
        text = _act(store, record, action, request)
    except StorageError as err:
        messages.error(request, str(err))
        return redirect(_PAGE, quote(id))
    messages.success(request, text)
    return redirect(_LIST) if action == "remove" else redirect(_PAGE, quote(id))


def _act(store: OrmAdapter, record: Record, action: str, request: HttpRequest) -> str:
    """Do it; what to say. Raises StorageError."""
    id, who = record["id"].id, request.user.get_username()
    row: dict[str, Any] = {"id": Ref(id), "mod": record["mod"]}
    if action == "trash":
        store.trash_entities([row], who=who)
        return gettext("@%(id)s is in the trash.") % {"id": id}
    if action == "restore":
        store.update_entities([{**row, "trash": REMOVE}], who=who)
        return gettext("@%(id)s is restored.") % {"id": id}
    done = store.empty_trash([id], force="force" in request.POST, who=who)
    if id in done.kept:
        other = done.kept[id]
        text = (
            gettext("@%(id)s stays: @%(other)s refers to it")
            if other
            else gettext("@%(id)s stays: an entity that you may not see refers to it")
        )
        raise StorageError(text % {"id": id, "other": other})
    return gettext("@%(id)s is removed, with its history.") % {"id": id}
