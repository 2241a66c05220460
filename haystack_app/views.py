"""The front page: what this is, and what to do next; the log-in of pages; and what
a websocket's URL says to a request that does not open one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.http import require_safe

from . import filters
from .auth.forms import ThrottledAuthenticationForm
from .auth.permissions import has_permission, scope_filter
from .auth.roles import VIEW
from .conf import app_settings
from .storage.base import StorageAdapter
from .storage.handler import DEFAULT_ALIAS, storages

__all__ = ["front_page", "log_in", "log_out", "websocket"]

_COUNTED = (
    ("sites", "site"),
    ("spaces", "space"),
    ("equipment", "equip"),
    ("points", "point"),
    ("with history", "point and his"),
)
_EXAMPLES = (
    ("About this server", "about"),
    ("All sites", "read?filter=site"),
    ("Zone temperatures", "read?filter=zone+and+temp+and+sensor&limit=20"),
    (
        "Points of sites built before 2000",
        "read?filter=point+and+siteRef->yearBuilt+<+2000&limit=20",
    ),
    ("What this server speaks", "formats"),
)

# the admin's own are for staff alone
log_in = LoginView.as_view(
    form_class=ThrottledAuthenticationForm,
    template_name="haystack_app/log_in.html",
    next_page="haystack:front",
)
log_out = LogoutView.as_view(next_page="haystack:front")


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Public; counts and examples of the store are for users that may see them."""
    api = reverse("haystack:api")
    context: dict[str, Any] = {
        "api": api,
        "absolute": request.build_absolute_uri(api),
        "login": resolve_url(settings.LOGIN_URL),
        "is_demo": app_settings.SIMULATE_SECONDS > 0,  # as ``make demo`` sets it
    }
    if request.user.is_authenticated:
        context["examples"] = _EXAMPLES
    if has_permission(request.user, VIEW):
        adapter = storages[DEFAULT_ALIAS].visible_to(scope_filter(request.user))
        context["counts"] = [(word, count(adapter, f)) for word, f in _COUNTED]
        context["sample_point"] = _sample_point(adapter)
    response = render(request, "haystack_app/front.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def websocket(request: HttpRequest, project: str = "") -> HttpResponse:
    """Over HTTP. ``live/routing.py`` answers what opens a websocket."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    return HttpResponse(status=426, headers=headers)


def count(adapter: StorageAdapter, text: str) -> int:
    """How many records match and are not in the trash."""
    tree = filters.without_trash(filters.parse(text))
    matching = getattr(adapter, "matching", None)
    return len(adapter.read(tree)) if matching is None else matching(tree).count()


def _sample_point(adapter: StorageAdapter) -> str | None:
    """The id of some point with a history, for the examples."""
    tree = filters.without_trash(filters.parse("point and his and temp"))
    found = adapter.read(tree, limit=1)
    return next((record["id"].id for record in found), None)
