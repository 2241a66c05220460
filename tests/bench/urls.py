"""The project's addresses, and bare views: with the same login, and without."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from .statements import Query

__all__ = ["QUERIES", "bare_bytes", "bare_rows", "urlpatterns"]


_BYTES = b" " * 2**24
"""More than any answer here has; a slice of it is one copy."""


QUERIES: list[Query] = []
"""Those that ``bare_rows`` is asked for by their places."""


def bare_rows(request: HttpRequest) -> HttpResponse:
    """What an op costs that is SQL written for one query."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    with connection.cursor() as cursor:
        cursor.execute(*QUERIES[int(request.GET["query"])])
        rows = [row[0] for row in cursor.fetchall()]
    return HttpResponse(f"[{','.join(rows)}]", content_type="application/json")


def bare_bytes(request: HttpRequest) -> HttpResponse:
    """What an answer of this size costs in this stack: no login, rights and data."""
    assert request.body is not None  # a body is read, as an op would
    size = int(request.GET["size"])
    return HttpResponse(_BYTES[:size], content_type="application/json")


urlpatterns = [
    path("bare/bytes", bare_bytes),
    path("bare/rows", bare_rows),
    path("", include("project.urls")),
]
