"""The list of dashboards, and the page of one; its values come over the websocket."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from ..auth.dashboards import dashboards_seen_by, may_change_dashboard
from ..auth.permissions import has_permission
from ..auth.privileges import groups_seen_by
from ..auth.roles import VIEW
from ..scripts import modules_of, script_urls, unit_choices
from ..storage.handler import DEFAULT_ALIAS, storages
from .forms import NewDashboardForm

__all__ = ["dashboard_list", "dashboard_page"]

_MOST_LISTED = 500
_MOST_GROUPS = 100


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def dashboard_list(request: HttpRequest) -> HttpResponse:
    """Those that the user may open; a form makes a new one."""
    _check_may_view(request)
    may_add = has_permission(request.user, "add_dashboard")
    form = NewDashboardForm(request.POST or None, owner=request.user)
    if request.method == "POST":
        if not may_add:
            raise PermissionDenied("this needs the right add_dashboard")
        if form.is_valid() and (made := form.create()):
            return redirect(f"{reverse('haystack:dashboard', args=[made.slug])}?edit")
    seen = dashboards_seen_by(request.user).select_related("owner").defer("content")
    context = {
        "dashboards": seen[:_MOST_LISTED],
        "form": form if may_add else None,
        "default": DEFAULT_ALIAS,
    }
    return render(request, "haystack_app/dashboards/list.html", context)


@require_safe
@never_cache
@login_required
def dashboard_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One dashboard, for users that may open it; for others it does not exist."""
    _check_may_view(request)
    dashboard = dashboards_seen_by(request.user).filter(slug=slug).first()
    if dashboard is None:
        raise Http404("there is no such dashboard")
    if dashboard.storage not in storages:
        raise Http404(f"there is no project {dashboard.storage}")
    may_change = may_change_dashboard(request.user, dashboard)
    is_default = dashboard.storage == DEFAULT_ALIAS
    context = {
        "dashboard": dashboard,
        "project": "" if is_default else dashboard.storage,
        "may_change": may_change,
        "groups": _group_names(request.user) if may_change else [],
        "urls": script_urls(),
        "units": unit_choices(),
        "modules": modules_of("dashboards/main.js"),
    }
    return render(request, "haystack_app/dashboards/page.html", context)


def _group_names(user: Any) -> list[str]:
    """Those that the user may know of, to share with."""
    groups = groups_seen_by(user, Group.objects.order_by("name"))
    return list(groups.values_list("name", flat=True)[:_MOST_GROUPS])


def _check_may_view(request: HttpRequest) -> None:
    if not has_permission(request.user, VIEW):
        raise PermissionDenied(f"this needs the right {VIEW}")
