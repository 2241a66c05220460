"""``/status/`` and ``/api/status/``: for staff that may see every entity."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..api import openapi
from ..api.openapi import extend_schema
from ..api.permissions import TokenScope
from ..api.rest import ReadingView
from ..auth.permissions import may_see_status
from .status import status_of_server

__all__ = ["StatusView", "status"]

_REFUSED = "the status is for staff whose groups have no filter"


@require_safe
@never_cache
@login_required
def status(request: HttpRequest) -> HttpResponse:
    """The page."""
    if not may_see_status(request.user):
        raise PermissionDenied(_REFUSED)
    context = {"status": status_of_server()}
    return render(request, "haystack_app/status.html", context)


class StatusPermission(BasePermission):
    message = _REFUSED

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_see_status(request.user)


class StatusView(ReadingView):
    """The state of the server."""

    permission_classes = [IsAuthenticated, TokenScope, StatusPermission]

    @extend_schema(
        operation_id="status_retrieve",
        responses={200: {"type": "object"}, **openapi.error_responses(403)},
    )
    def get(self, request: Request, **_: Any) -> Response:
        """Versions, problems, stores, jobs, pools, slow statements and disks."""
        return Response(status_of_server())
