"""``/api/changes``: the change log from a cursor on, as JSON or as events.

The view answers at once. Where the application waits for news without a thread
(``live/changes_app.py``), it says by ``Following`` that there is none yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, HttpResponseBase, QueryDict
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from ..ops.changes import changes_after, read_cursor
from . import openapi
from .exceptions import UnreadableRequest
from .negotiation import choose_type
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, flag, page_size
from .rest import JsonNegotiation, RestView

__all__ = ["CAN_WAIT", "ChangesView", "Following", "longest_wait"]

CAN_WAIT = "haystack.can_wait"
"""Key of the scope of a request whose answer may be Following."""
EVENTS = "text/event-stream"
_JSON = "application/json"
_PAGE = 500
_SECONDS, _MOST_SECONDS = 30, 60


class NoStreams(APIException):
    status_code = 501
    default_detail = "This server sends no events: ask for JSON, again and again."


class Following(HttpResponse):
    """The head of an answer that waits for the log of ``alias`` to grow."""

    def __init__(self, alias: str, cursor: int, content_type: str) -> None:
        super().__init__(content_type=content_type)
        self.alias = alias
        self.cursor = cursor
        self.is_stream = content_type == EVENTS
        if self.is_stream:
            self["X-Accel-Buffering"] = "no"  # nginx would keep events back


class JsonOrEvents(JsonNegotiation):
    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        if flag(request.query_params, "stream"):
            return None, EVENTS
        accept = request.headers.get("Accept", "")
        return None, choose_type(accept, [_JSON, EVENTS])


class ChangesView(RestView):
    """What was added, updated and removed, in the order of the commits."""

    content_negotiation_class = JsonOrEvents
    http_method_names = ["get", "head", "options"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method not in SAFE_METHODS:  # before rights: nobody has one
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="changes_list",
        parameters=[
            query("since", "the `cursor` of the answer before; none: the end of now"),
            query(
                "limit",
                f"changes an answer: {_PAGE} by default, {LARGEST_PAGE} at most",
                {"type": "integer", "minimum": 1},
            ),
            query(
                "wait",
                f"seconds to wait for a change where there is none: {_SECONDS} by"
                f" default, {_MOST_SECONDS} at most",
                {"type": "integer", "minimum": 0},
            ),
        ],
        responses={200: openapi.CHANGES, **openapi.refusals(403, 406, 410)},
    )
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Changes behind a cursor, the oldest first. With `Accept:
        text/event-stream` they are sent as they happen."""
        asked = request.query_params
        streams = request.accepted_media_type == EVENTS
        limit, seconds = page_size(asked, _PAGE), longest_wait(asked)
        with self.op_context() as context:
            since = _since(request, streams)
            page = changes_after(context, since, limit)
            alias = context.storage.alias
        if streams:
            begin = page.cursor if since is None else since
            return _stream(request, alias, begin)
        if page.entries or since is None or not seconds or not _can_wait(request):
            return HttpResponse(page.text, content_type=f"{_JSON}; charset=utf-8")
        return Following(alias, page.cursor, _JSON)


def _since(request: Request, streams: bool) -> int | None:
    """An EventSource that connects again says where it was by a header.

    Raises OpError.
    """
    last = request.headers.get("Last-Event-ID", "") if streams else ""
    text = last or request.query_params.get("since")
    return None if text is None else read_cursor(text)


def longest_wait(asked: QueryDict) -> int:
    """Seconds."""
    text = asked.get("wait", str(_SECONDS))
    if not text.isascii() or not text.isdigit():
        raise UnreadableRequest(f"wait must be whole seconds, not {text!r}")
    return min(int(text[:9]), _MOST_SECONDS)


def _can_wait(request: Request) -> bool:
    return bool(getattr(request._request, "scope", {}).get(CAN_WAIT))


def _stream(request: Request, alias: str, cursor: int) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(content_type=EVENTS)
    if not _can_wait(request):
        raise NoStreams
    return Following(alias, cursor, EVENTS)
