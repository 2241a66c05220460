"""The page itself; all that it shows comes over the websocket."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth.permissions import has_permission
from ..auth.roles import EDITING, EMPTY_TRASH, VIEW, WRITE_EMERGENCY, WRITE_POINTS
from ..conf import app_settings
from ..imports.rights import WRITE_HISTORY
from ..kinds.transient import TRANSIENT
from ..kinds.units import UNITS
from ..scripts import modules_of, script_urls, unit_choices
from ..storage.handler import DEFAULT_ALIAS, storages
from ..transfer.workbooks import sheet as workbooks

__all__ = ["page"]

_EXAMPLES = (
    "point and cur",
    "zone and temp and sensor",
    'point and cur and curStatus != "ok"',
    "writable and writeVal",
    "ahu",
)

_RIGHTS = (WRITE_POINTS, WRITE_EMERGENCY, WRITE_HISTORY, *EDITING, EMPTY_TRASH)
"""Permissions that controls of the page need."""
_UNIT_LIST = sorted({unit.symbol for unit in UNITS.values()})


@require_safe
@never_cache
@login_required
def page(request: HttpRequest, project: str = DEFAULT_ALIAS) -> HttpResponse:
    """The explorer, for users that may see entities.

    ``?filter=`` is what it shows. Each control that writes is for users with its
    permission; the API refuses others in any case.
    """
    if not has_permission(request.user, VIEW):
        raise PermissionDenied(f"this needs the right {VIEW}")
    if project not in storages:
        raise Http404(f"there is no project {project}")
    shown = "" if project == DEFAULT_ALIAS else project
    rights = [one for one in _RIGHTS if has_permission(request.user, one)]
    context = {
        "project": shown,
        "examples": _EXAMPLES,
        "rights": rights,
        "may_remove": bool({"delete_entity", EMPTY_TRASH} & {*rights}),
        "trash_days": app_settings.TRASH_DAYS,
        "transient": sorted(TRANSIENT),
        "urls": script_urls(),
        "units": unit_choices(),
        "unit_list": _UNIT_LIST if {*EDITING} & {*rights} else (),
        "has_workbooks": workbooks.is_installed(),
        "modules": modules_of("explorer/main.js"),
    }
    return render(request, "haystack_app/explorer/page.html", context)
