"""The page of alarms: ``alarms/``, and ``alarms/{project}/`` for another storage."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ..auth.permissions import has_permission, scope_filter
from ..auth.roles import ACKNOWLEDGE_ALARMS, CHANGE_RULES, VIEW
from ..models import AlarmRule
from ..scripts import script_urls
from ..storage.handler import DEFAULT_ALIAS, storages

__all__ = ["alarms_page"]


@require_safe
@never_cache
@login_required
def alarms_page(request: HttpRequest, project: str = DEFAULT_ALIAS) -> HttpResponse:
    """Alarms of the points that the user sees, and the rules for those that may change
    them; the API refuses others in any case."""
    user = request.user
    if not has_permission(user, VIEW):
        raise PermissionDenied(f"this needs the right {VIEW}")
    if project not in storages:
        raise Http404(f"there is no project {project}")
    shown = "" if project == DEFAULT_ALIAS else project
    context = {
        "project": shown,
        "storage": project,
        "may_acknowledge": has_permission(user, ACKNOWLEDGE_ALARMS),
        "may_change": has_permission(user, CHANGE_RULES) and scope_filter(user) is None,
        "urls": script_urls(),
        "severities": AlarmRule.Severity.choices,
        "measures": AlarmRule.Measure.choices,
        "ops": AlarmRule.Op.choices,
        "operands": AlarmRule.Operand.choices,
    }
    return render(request, "haystack_app/alarms.html", context)
