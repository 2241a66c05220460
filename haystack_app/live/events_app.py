"""What waits without a thread: long polling of the change log, and events.

Django's view checks permissions and arguments, and returns what there is. If it returns
``PendingChanges``, ``PendingJob`` or ``PendingAlarms``, this application waits for
more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpResponseBase, QueryDict
from django.urls import Resolver404, resolve

from ..api.alarms import AlarmsEventsView, PendingAlarms
from ..api.changes import ChangesView, PendingChanges, wait_seconds
from ..api.events import CAN_WAIT
from ..api.jobs import JobViewSet, PendingJob
from ..client_headers import request_of_scope
from .alarm_stream import AlarmStream
from .change_stream import ChangeStream
from .changes_reader import page_after, poll_interval, wait_for_growth
from .hub import hub
from .job_stream import JobStream
from .shutdown import stop_on_signal
from .sse import EventStream
from .threads import in_thread

__all__ = ["EventsApp", "with_events_app"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ENDINGS = ("/changes", "/events")
_BODY_HEADERS = (b"content-type", b"content-length", b"transfer-encoding")


def with_events_app(events_app: App, app: App) -> App:
    """Route GET requests that may wait to ``events_app``, others to ``app``."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = events_app if _may_wait(scope) else app
        await chosen(scope, receive, send)

    return call


def _may_wait(scope: Scope) -> bool:
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if scope["method"] != "GET" or not path.rstrip("/").endswith(_ENDINGS):
        return False
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    if getattr(view, "view_class", None) in (ChangesView, AlarmsEventsView):
        return True
    actions = getattr(view, "actions", None) or {}
    return getattr(view, "cls", None) is JobViewSet and actions.get("get") == "events"


class EventsApp:
    """``django`` is a handler with loaded middleware; a client that reads nothing for
    ``patience`` seconds is disconnected.
    """

    def __init__(self, django: BaseHandler, *, patience: float) -> None:
        self.django = django
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stop_on_signal(hub())
        disconnect = asyncio.create_task(_disconnected(receive))
        answering = asyncio.create_task(self._answer(scope, send))
        try:
            await asyncio.wait(
                {disconnect, answering}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            disconnect.cancel()
            if not answering.done():
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
        if not answering.cancelled():
            answering.result()

    async def _answer(self, scope: Scope, send: Send) -> None:
        response = await in_thread(self._get_response, scope, can_wait=True)
        if stream := self._stream(scope, response):
            await stream.run(send)
            return
        if isinstance(response, PendingChanges):
            await _wait(response, wait_seconds(QueryDict(scope["query_string"])))
            response = await in_thread(self._get_response, scope, can_wait=False)
        await send(_start(response))
        await send({"type": "http.response.body", "body": response.content})

    def _stream(self, scope: Scope, response: HttpResponseBase) -> EventStream | None:
        if isinstance(response, PendingJob):
            return JobStream(scope, response, _start(response), self.patience)
        if isinstance(response, PendingAlarms):
            return AlarmStream(scope, response, _start(response), self.patience)
        if isinstance(response, PendingChanges) and response.is_stream:
            return ChangeStream(scope, response, _start(response), self.patience)
        return None

    def _get_response(self, scope: Scope, *, can_wait: bool) -> Any:
        """The response of Django and its middleware; the body of a GET is ignored."""
        response = self.django.get_response(_request(scope, can_wait))
        response.close()
        return response


def _request(scope: Scope, can_wait: bool) -> ASGIRequest:
    headers = [
        (name, value)
        for name, value in scope["headers"]
        # WSGI cannot distinguish `a_b` from `a-b`: see haystack_app/serving/bodies.py
        if name not in _BODY_HEADERS and b"_" not in name
    ]
    return request_of_scope({**scope, "headers": headers, CAN_WAIT: can_wait})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait(following: PendingChanges, seconds: int) -> None:
    """Wait for an entry, a timeout or an error, which the view will report."""
    try:
        async with asyncio.timeout(seconds):
            while not hub().is_stopping:
                growth = hub().growth(following.alias)
                page = await page_after(growth, following.alias, following.cursor, 1)
                if page.entries:
                    return
                await wait_for_growth(growth, poll_interval())
    except Exception:  # the view is called again and reports it
        return


def _start(response: HttpResponseBase) -> MutableMapping[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.items()
    ]
    if isinstance(response, PendingChanges | PendingJob | PendingAlarms):
        headers = [one for one in headers if one[0] != b"content-length"]
    for cookie in response.cookies.values():
        headers.append((b"set-cookie", cookie.OutputString().encode("latin-1")))
    status = response.status_code
    return {"type": "http.response.start", "status": status, "headers": headers}
