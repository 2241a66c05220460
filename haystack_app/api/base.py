"""What every view under ``/api/`` shares: log-in, headers, errors, whose context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.exceptions import NotFound
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from ..auth.permissions import has_permission, scope_filter
from ..ops import Context
from ..ops.context import UnknownProject, context_for
from . import exceptions
from .authentication import AUTHENTICATION
from .throttling import RequestThrottle

__all__ = ["ApiView"]


class ApiView(APIView):
    """Sets whatever else a project's ``REST_FRAMEWORK`` would decide."""

    authentication_classes = AUTHENTICATION
    throttle_classes = [RequestThrottle]
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]
    versioning_class = None
    schema: Any = AutoSchema()

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Those of every answer, also of one that refuses the request."""
        headers: dict[str, str] = super().default_response_headers
        return {**headers, "Cache-Control": "no-cache, no-store"}

    def get_exception_handler(self) -> Any:
        return exceptions.handle

    def context_of(
        self, request: Request, close: Callable[[], None] = lambda: None
    ) -> Context:
        """Who asks, and of the store that the path names, as far as they may see it.

        Raises NotFound for a project that is none.
        """
        project, user = self.kwargs.get("project"), request.user
        try:
            return context_for(
                project,
                user.get_username(),
                close,
                lambda right: has_permission(user, right),
                scope_filter(user),
            )
        except UnknownProject:
            raise NotFound(f"unknown project {project!r}") from None
