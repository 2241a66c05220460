"""What says nothing about caching must not be cached."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

__all__ = ["uncached_by_default"]

GetResponse = Callable[[HttpRequest], HttpResponse]


def uncached_by_default(get_response: GetResponse) -> GetResponse:
    """Middleware: the outermost, so that it sees Django's own error pages."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-cache, no-store")
        return response

    return answer
