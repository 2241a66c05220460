"""The page itself; all that it shows comes over the websocket."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth.permissions import has_permission
from ..auth.roles import VIEW
from ..storage.handler import DEFAULT_ALIAS, storages

__all__ = ["explorer_urls", "page"]

_EXAMPLES = (
    "point and cur",
    "zone and temp and sensor",
    'point and cur and curStatus != "ok"',
    "writable and writeVal",
    "ahu",
)


def explorer_urls(request: HttpRequest) -> dict[str, str]:
    """Paths for the page's scripts: of the API and the websocket of the default
    storage, each of which another storage's alias follows; of the log-in, and of the
    front page."""
    return {
        "api": reverse("haystack:api"),
        "ws": reverse("haystack:websocket"),
        "login": resolve_url(settings.LOGIN_URL),
        "home": reverse("haystack:front"),
    }


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, project: str = DEFAULT_ALIAS) -> HttpResponse:
    """For whoever may see entities. ``?filter=`` is what it begins with."""
    if not has_permission(request.user, VIEW):
        raise PermissionDenied(f"this needs the right {VIEW}")
    if project not in storages:
        raise Http404(f"there is no project {project}")
    shown = "" if project == DEFAULT_ALIAS else project
    context = {
        "project": shown,
        "examples": _EXAMPLES,
        "urls": explorer_urls(request),
    }
    return render(request, "haystack_app/explorer/page.html", context)
