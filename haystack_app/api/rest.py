"""What REST resources share: permissions, bodies in Hayson, answers in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from ..conf import limit
from ..ops import Context
from ..ops.dispatch import context_for
from ..wire.registry import HAYSON
from .base import ApiView
from .exceptions import UnreadableRequest, as_http, as_rest
from .negotiation import format_of
from .parsers import HaysonParser
from .permissions import EntityPermission, TokenScope
from .renderers import HaysonRenderer

__all__ = ["JsonNegotiation", "RestView"]


class JsonNegotiation(BaseContentNegotiation):
    """Answers are JSON, whatever the Accept header says; bodies must be."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        is_json = format_of(request.content_type or "") is HAYSON
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

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an empty body, which DRF takes for an empty dict."""
        super().initial(request, *args, **kwargs)
        if request.method not in ("POST", "PATCH"):
            return
        if request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            if format_of(request.content_type or "") is not HAYSON:
                raise UnsupportedMediaType(request.content_type or "")
            raise UnreadableRequest("the body is empty: send JSON")

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Content-Length": "0"})

    @contextmanager
    def op_context(self) -> Iterator[Context]:
        """The caller's view of the project's store; refusals become answers."""
        with as_http():
            context = context_for(self.kwargs.get("project"), self.caller)
        with as_rest(), context.storage.time_limit(limit("STATEMENT_SECONDS")):
            yield context
