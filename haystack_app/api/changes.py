"""``/api/changes``: the change log after a cursor, as JSON or server-sent events.

The view does not wait. If there are no changes yet, it returns ``PendingChanges`` and
the application waits without occupying a thread (``live/events_app.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, HttpResponseBase, QueryDict
from rest_framework.request import Request

from ..auth.caller import Caller
from ..ops.changes import changes_after, read_cursor
from ..replicas.positions import note
from . import openapi
from .events import EVENTS, StreamingNotSupported, can_wait
from .exceptions import BadRequest
from .negotiation import choose_media_type
from .openapi import extend_schema, query
from .pagination import LARGEST_PAGE, flag, page_size
from .rest import JsonNegotiation, ReadingView

__all__ = ["ChangesView", "PendingChanges", "wait_seconds"]

_JSON = "application/json"
_PAGE = 500
_DEFAULT_SECONDS, _MAX_SECONDS = 30, 60


class PendingChanges(HttpResponse):
    """The start of a response that waits for changes in the log of ``alias``."""

    def __init__(
        self, caller: Caller, alias: str, cursor: int, content_type: str
    ) -> None:
        super().__init__(content_type=content_type)
        self.caller = caller
        self.alias = alias
        self.cursor = cursor
        self.is_stream = content_type == EVENTS
        if self.is_stream:
            self["X-Accel-Buffering"] = "no"  # nginx would buffer events


class ChangesNegotiation(JsonNegotiation):
    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[Any],
        format_suffix: str | None = None,
    ) -> tuple[Any, str]:
        if flag(request.query_params, "stream"):
            return None, EVENTS
        accept = request.headers.get("Accept", "")
        return None, choose_media_type(accept, [_JSON, EVENTS])


class ChangesView(ReadingView):
    """Added, updated and removed entities, in order of the commits."""

    content_negotiation_class = ChangesNegotiation

    @extend_schema(
        operation_id="changes_list",
        parameters=[
            query(
                "since",
                "`cursor` of the previous response; default: the end of the log",
            ),
            query(
                "limit",
                f"changes per response: {_PAGE} by default, {LARGEST_PAGE} at most",
                {"type": "integer", "minimum": 1},
            ),
            query(
                "wait",
                "seconds to wait if there are no changes yet:"
                f" {_DEFAULT_SECONDS} by default, {_MAX_SECONDS} at most",
                {"type": "integer", "minimum": 0},
            ),
        ],
        responses={200: openapi.CHANGES, **openapi.error_responses(403, 406, 410)},
    )
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """Changes after a cursor, oldest first. With `Accept: text/event-stream` they
        are sent as they happen."""
        params = request.query_params
        streams = request.accepted_media_type == EVENTS
        limit, seconds = page_size(params, _PAGE), wait_seconds(params)
        with self.op_context() as context:
            since = _since(request, streams)
            page = changes_after(context, since, limit)
            alias = context.storage.alias
        if page.entries:
            note(self.caller.user.pk)  # who will read what has changed
        if streams:
            begin = page.cursor if since is None else since
            return _stream(request, self.caller, alias, begin)
        if page.entries or since is None or not seconds or not can_wait(request):
            return HttpResponse(page.text, content_type=f"{_JSON}; charset=utf-8")
        return PendingChanges(self.caller, alias, page.cursor, _JSON)


def _since(request: Request, streams: bool) -> int | None:
    """The cursor: a reconnecting EventSource sends it in a header. Raises OpError."""
    last = request.headers.get("Last-Event-ID", "") if streams else ""
    text = last or request.query_params.get("since")
    return None if text is None else read_cursor(text)


def wait_seconds(params: QueryDict) -> int:
    """Parameter ``wait``. Raises BadRequest."""
    text = params.get("wait", str(_DEFAULT_SECONDS))
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f"wait must be a whole number of seconds, not {text!r}")
    return min(int(text[:9]), _MAX_SECONDS)


def _stream(request: Request, caller: Caller, alias: str, cursor: int) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(content_type=EVENTS)
    if not can_wait(request):
        raise StreamingNotSupported
    return PendingChanges(caller, alias, cursor, EVENTS)
