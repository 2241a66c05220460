"""Content-Security-Policy: pages run no script but ours, and in no foreign frame."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

__all__ = ["content_policy"]

GetResponse = Callable[[HttpRequest], HttpResponse]

_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        # the page of the schema and charts style themselves; scripts have no such leave
        "style-src 'self' 'unsafe-inline'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def content_policy(get_response: GetResponse) -> GetResponse:
    """Middleware: for every answer that has no policy of its own."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = _POLICY + _sockets(request)
        return response

    return answer


def _sockets(request: HttpRequest) -> str:
    """Leave for websockets of the same host: not every browser takes them for
    'self'. Which scheme the page has, only a proxy may know."""
    try:
        host = request.get_host()
    except DisallowedHost:
        return ""
    return f"; connect-src 'self' ws://{host} wss://{host}"
