"""The base class of REST resources: permissions, Hayson bodies, JSON responses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from ..conf import limit
from ..ops import Context
from ..ops.dispatch import context_for
from ..wire.registry import HAYSON
from .base import ApiView
from .exceptions import BadRequest, http_exceptions, rest_exceptions
from .negotiation import request_format
from .parsers import HaysonParser
from .permissions import EntityPermission, TokenScope
from .renderers import HaysonRenderer

__all__ = ["JsonNegotiation", "ReadingView", "RestView"]


class JsonNegotiation(BaseContentNegotiation):
    """Responses are JSON regardless of Accept; bodies must be JSON."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        is_json = request_format(request.content_type or "") is HAYSON
        return next(iter(parsers)) if is_json else None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class RestView(ApiView):
    permission_classes = [IsAuthenticated, TokenScope, EntityPermission]
    content_negotiation_class = JsonNegotiation
    parser_classes = [HaysonParser]
    renderer_classes = [HaysonRenderer]
    filter_backends: Any = []  # of generic views
    takes_body = True
    """Whether POST and PATCH need a body."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an empty body, which DRF parses as an empty dict."""
        super().initial(request, *args, **kwargs)
        if request.method not in ("POST", "PATCH") or not self.takes_body:
            return
        if not _has_body(request):
            if request_format(request.content_type or "") is not HAYSON:
                raise UnsupportedMediaType(request.content_type or "")
            raise BadRequest("empty body: send JSON")

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Content-Length": "0"})

    @contextmanager
    def op_context(self) -> Iterator[Context]:
        """The context of an op for the caller; its errors become DRF's."""
        with http_exceptions():
            context = context_for(self.kwargs.get("project"), self.caller)
        with rest_exceptions(), context.storage.time_limit(limit("STATEMENT_SECONDS")):
            yield context


class ReadingView(RestView):
    """A resource that is only read."""

    http_method_names = ["get", "head", "options"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in SAFE_METHODS:  # before permissions
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)


def _has_body(request: Request) -> bool:
    """As Django and REST framework see it: a length that is not a number is 0."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > 0
    except ValueError:
        return False
