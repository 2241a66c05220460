"""One view for every op: HTTP to grid, op, grid to HTTP."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import logout
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import (
    MethodNotAllowed,
    NotFound,
    PermissionDenied,
    UnsupportedMediaType,
)
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from ..kinds.grid import Grid
from ..ops import Op, OpError, find_op
from ..ops.context import UnknownProject, context_for
from ..wire.errors import ParseError
from . import exceptions
from .authentication import CachedBasicAuthentication, SessionAuthentication
from .codecs import GridRenderer, body_grid, query_grid
from .negotiation import GridNegotiation, format_of

__all__ = ["OpView"]

logger = logging.getLogger(__name__)


class OpView(APIView):
    """``/api/{op}`` and ``/api/{project}/{op}``.

    Source: docHaystack HttpApi. A failure before the request grid is read has a
    status of its own; after it the answer is 200 with an error grid.
    """

    authentication_classes = [CachedBasicAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]
    content_negotiation_class = GridNegotiation
    http_method_names = ["get", "post", "head", "options"]

    def get_exception_handler(self) -> Any:
        return exceptions.handle

    def get(self, request: Request, name: str, project: str | None = None) -> Any:
        op = self.found(name)
        if op.side_effects:
            raise MethodNotAllowed("GET", f"{name} changes things: POST it")
        return self.answer(request, op, project, query_grid(request.query_params))

    def post(self, request: Request, name: str, project: str | None = None) -> Any:
        op = self.found(name)
        if op.staff_only and not request.user.is_staff:
            raise PermissionDenied(f"{name} is for staff")
        return self.answer(request, op, project, self.posted(request, op))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Allow": "GET, HEAD, POST, OPTIONS"})

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> Any:
        raise exceptions.NotImplementedMethod

    def found(self, name: str) -> Op:
        op = find_op(name)
        if op is None:
            raise NotFound(f"unknown op {name!r}")
        return op

    def posted(self, request: Request, op: Op) -> Grid:
        content_type = request.headers.get("Content-Type", "")
        if not content_type:
            raise exceptions.UnreadableBody("missing Content-Type")
        format = format_of(content_type)
        if format is None:
            raise UnsupportedMediaType(content_type)
        try:
            body = request._request.body
            return body_grid(format, body, takes_list=op.takes_list)
        except RequestDataTooBig:
            raise exceptions.BodyTooLarge from None
        except ParseError as err:
            raise exceptions.UnreadableBody(str(err)) from None

    def answer(
        self, request: Request, op: Op, project: str | None, grid: Grid
    ) -> HttpResponseBase:
        try:
            context = context_for(
                project, request.user.get_username(), lambda: logout(request._request)
            )
        except UnknownProject as err:
            raise NotFound(f"unknown project {project!r}") from err
        renderer: GridRenderer = request.accepted_renderer  # type: ignore[assignment]
        try:
            response = renderer.response(op.run(context, grid))
        except (OpError, ValueError) as err:
            response = renderer.response(Grid.error(exceptions.brief(_reason(err))))
        except Exception:
            logger.exception("op %s failed", op.name)
            response = renderer.response(Grid.error(f"{op.name}: internal error"))
        response["Cache-Control"] = "no-cache, no-store"
        return response


def _reason(error: ValueError) -> str:
    """What the caller is told; a fault of the server's own is not spelt out."""
    if type(error).__module__.startswith("haystack_app."):
        return str(error)
    logger.exception("op failed")
    return "internal error"
