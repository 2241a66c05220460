"""The base class of REST resources: permissions, Hayson bodies, JSON responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from ..conf import limit
from ..ops import Context
from ..ops.dispatch import context_for
from ..replicas.routing import answered_by
from ..wire.registry import HAYSON
from .base import ApiView
from .downloads import FORMATS, download_of, renderer_of
from .exceptions import BadRequest, http_exceptions, rest_exceptions
from .negotiation import request_format
from .parsers import HaysonParser
from .permissions import EntityPermission, TokenScope
from .renderers import HaysonRenderer, as_download

__all__ = [
    "FileNegotiation",
    "JsonNegotiation",
    "ReadingView",
    "RestView",
    "as_file",
    "replicated",
]

_R = TypeVar("_R")


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


class FileNegotiation(JsonNegotiation):
    """As well, of a list of the view, the format of a file that a person asks for.

    The view has the name of the file in ``file_stem``; JSON stays that of the list.
    """

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        view = (request.parser_context or {})["view"]
        download = download_of(request, view.file_stem) if view.is_list else None
        if download is None or FORMATS[download.word] is HAYSON:
            renderer = HaysonRenderer(download.filename if download else "")
            return renderer, renderer.media_type
        found = renderer_of(download)
        return found, found.media_type


def as_file(request: Request, answer: HttpResponseBase) -> HttpResponseBase:
    """An answer in JSON, which is a file if a person asked for one."""
    renderer: Any = request.accepted_renderer
    return as_download(answer, renderer.filename)


class RestView(ApiView):
    permission_classes = [IsAuthenticated, TokenScope, EntityPermission]
    content_negotiation_class = JsonNegotiation
    parser_classes = [HaysonParser]
    renderer_classes = [HaysonRenderer]
    filter_backends: Any = []  # of generic views
    takes_body = True
    """Whether POST and PATCH need a body."""
    routed: Context | None = None
    """The context with the store that answers, in a method that is ``replicated``."""

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
        context = self.routed or self._context()
        with rest_exceptions(), context.storage.time_limit(limit("STATEMENT_SECONDS")):
            yield context

    def _context(self) -> Context:
        with http_exceptions():
            return context_for(self.kwargs.get("project"), self.caller)


def replicated(handler: Callable[..., _R]) -> Callable[..., _R]:
    """Let a replica answer a method of a ``RestView`` that only reads.

    It is called again for the primary if the replica fails.
    """

    @wraps(handler)
    def call(view: RestView, *args: Any, **kwargs: Any) -> _R:
        context = view._context()

        def answer(store: Any) -> _R:
            view.routed = replace(context, storage=store)
            try:
                return handler(view, *args, **kwargs)
            finally:
                view.routed = None

        return answered_by(context.storage, view.caller.user, answer)

    return call


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
