"""The front page: what this is, and what to do next; and what a websocket's URL says
to a request that does not open one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_safe

from . import filters
from .auth.permissions import has_permission, may_see_status, scope_filter
from .auth.roles import VIEW
from .conf import app_settings
from .documentation.views import is_built
from .imports.rights import may_import
from .storage.base import StorageAdapter
from .storage.handler import DEFAULT_ALIAS, storages

__all__ = ["front_page", "websocket"]

_COUNTED = (
    (pgettext_lazy("buildings", "sites"), "site"),
    (_("spaces"), "space"),
    (_("equipment"), "equip"),
    (_("points"), "point"),
    (_("with history"), "point and his"),
)
_EXAMPLES = (
    (_("About this server"), "about"),
    (_("All sites"), "read?filter=site"),
    (_("Zone temperatures"), "read?filter=zone+and+temp+and+sensor&limit=20"),
    (
        _("Points of sites built before 2000"),
        "read?filter=point+and+siteRef->yearBuilt+<+2000&limit=20",
    ),
    (_("What this server speaks"), "formats"),
)


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Public; counts and examples of the store are for users that may see them."""
    api = reverse("haystack:api")
    context: dict[str, Any] = {
        "api": api,
        "absolute": request.build_absolute_uri(api),
        "login": resolve_url(settings.LOGIN_URL),
        "has_documentation": is_built(),
        "is_demo": app_settings.SIMULATE_SECONDS > 0,  # as ``make demo`` sets it
    }
    if request.user.is_authenticated:
        context["examples"] = _EXAMPLES
        context["may_import"] = may_import(request.user)
        context["may_see_status"] = may_see_status(request.user)
    if has_permission(request.user, VIEW):
        adapter = storages[DEFAULT_ALIAS].visible_to(scope_filter(request.user))
        context["counts"] = [(word, _count(adapter, f)) for word, f in _COUNTED]
        context["sample_point"] = _sample_point(adapter)
    response = render(request, "haystack_app/front.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def websocket(request: HttpRequest, project: str = "") -> HttpResponse:
    """Over HTTP. ``live/routing.py`` answers what opens a websocket."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return HttpResponse(status=426, headers=headers)


def _count(adapter: StorageAdapter, text: str) -> int:
    """How many records match and are not in the trash."""
    return adapter.count(filters.without_trash(filters.parse(text)))


def _sample_point(adapter: StorageAdapter) -> str | None:
    """The id of some point with a history, for the examples."""
    tree = filters.without_trash(filters.parse("point and his and temp"))
    found = adapter.read(tree, limit=1)
    return next((record["id"].id for record in found), None)
