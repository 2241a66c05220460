"""What REST resources share: who may, bodies in Hayson, answers in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request

from ..auth.permissions import has_permission
from ..auth.roles import VIEW
from ..conf import limit
from ..models import Token
from ..ops import Context
from ..wire import hayson_reader
from ..wire.registry import HAYSON
from .base import ApiView
from .bodies import request_body
from .negotiation import format_of
from .permissions import TokenScope
from .refusals import as_rest

__all__ = ["RestView"]


_RIGHTS = {"POST": "add_entity", "PATCH": "change_entity", "DELETE": "delete_entity"}


class EntityRights(BasePermission):
    """The permissions that Django's own admin asks for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        right = _RIGHTS.get(request.method or "", VIEW)
        self.message = f"this needs the right {right}"
        return request.method == "OPTIONS" or has_permission(request.user, right)


class OnlyJson(BaseContentNegotiation):
    """There is nothing to negotiate, so that no Accept is refused."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return None  # the view reads bodies itself

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        return None, "application/json"


class RestView(ApiView):
    permission_classes = [IsAuthenticated, TokenScope, EntityRights]
    content_negotiation_class = OnlyJson

    def needed_scope(self, request: Request) -> str:
        """As for the ops: ``commit`` changes the same things."""
        return Token.READ if request.method in SAFE_METHODS else Token.ADMIN

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return HttpResponse(headers={"Content-Length": "0"})

    @contextmanager
    def context(self, request: Request) -> Iterator[Context]:
        """Of whom and which store it is about; what is refused inside is answered."""
        context = self.context_of(request)
        with as_rest(), context.storage.time_limit(limit("STATEMENT_SECONDS")):
            yield context

    def body(self, request: Request) -> Any:
        """The JSON of a body, still to be decoded."""
        content_type = request.headers.get("Content-Type", "")
        if format_of(content_type) is not HAYSON:
            raise UnsupportedMediaType(content_type)
        with as_rest():
            return hayson_reader.parse_json(request_body(request._request))
