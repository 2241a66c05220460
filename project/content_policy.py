"""Content-Security-Policy: pages run no script but ours, and in no foreign frame."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

__all__ = ["content_policy"]

GetResponse = Callable[[HttpRequest], HttpResponse]

_POLICY = "; ".join(
    [
        # the websocket of the same host is of 'self' too (CSP level 3, 6.7.2.8)
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
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response

    return answer
