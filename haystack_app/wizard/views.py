"""The page itself."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth.permissions import has_permission
from ..conf import limit
from ..imports.rights import CHANGE_ENTITY, may_import
from ..imports.spool import SUFFIXES
from ..scripts import modules_of, script_urls
from ..storage.handler import DEFAULT_ALIAS, storages

__all__ = ["page"]


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, project: str = DEFAULT_ALIAS) -> HttpResponse:
    """The page for users that may import samples or entities; ``?id=`` is an import."""
    if not may_import(request.user):
        raise PermissionDenied(
            "this needs the right view_entity, and write_history or change_entity"
        )
    if project not in storages:
        raise Http404(f"there is no project {project}")
    context = {
        "project": "" if project == DEFAULT_ALIAS else project,
        "may_change": has_permission(request.user, CHANGE_ENTITY),
        "suffixes": ",".join((*SUFFIXES, ".gz")),
        "part": limit("BODY"),
        "urls": script_urls(),
        "modules": modules_of("imports/main.js"),
    }
    return render(request, "haystack_app/imports/page.html", context)
