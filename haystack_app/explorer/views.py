"""The page itself; all that it shows comes over the websocket."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth.permissions import has_permission
from ..auth.roles import VIEW, WRITE_POINTS
from ..storage.handler import DEFAULT_ALIAS, storages

__all__ = ["explorer_urls", "page"]

_EXAMPLES = (
    "point and cur",
    "zone and temp and sensor",
    'point and cur and curStatus != "ok"',
    "writable and writeVal",
    "ahu",
)


_STATIC = Path(__file__).resolve().parent.parent / "static"
_MODULES = sorted(
    str(file.relative_to(_STATIC))
    for file in (_STATIC / "haystack_app" / "explorer").glob("*.js")
)
"""Static names of the page's modules, for browsers to load all of them at once.

Otherwise they would load a module only after the one that imports it.
"""


def explorer_urls(request: HttpRequest) -> dict[str, str]:
    """The URLs that the page and its scripts use.

    ``api`` and ``ws`` are the roots of the ops and of the websockets and end with
    a slash; ``login`` and ``home`` are pages.
    """
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
    """The explorer, for users that may see entities.

    ``?filter=`` is what it shows. The controls that write are for users that may
    write to points; ``pointWrite`` refuses others in any case.
    """
    if not has_permission(request.user, VIEW):
        raise PermissionDenied(f"this needs the right {VIEW}")
    if project not in storages:
        raise Http404(f"there is no project {project}")
    shown = "" if project == DEFAULT_ALIAS else project
    context = {
        "project": shown,
        "examples": _EXAMPLES,
        "may_write": has_permission(request.user, WRITE_POINTS),
        "urls": explorer_urls(request),
        "modules": _MODULES,
    }
    return render(request, "haystack_app/explorer/page.html", context)
