"""The project's addresses, and a bare view with the same login."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from .statements import statements_for

__all__ = ["bare_read", "urlpatterns"]


def bare_read(request: HttpRequest) -> HttpResponse:
    """What ``read`` costs with SQL written for this one query."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    asked = request.GET
    with connection.cursor() as cursor:
        cursor.execute(
            statements_for(connection.vendor).few,
            [asked["tag"], asked["site"], asked["equip"]],
        )
        rows = [row[0] for row in cursor.fetchall()]
    return HttpResponse(f"[{','.join(rows)}]", content_type="application/json")


urlpatterns = [
    path("bare/read", bare_read),
    path("", include("project.urls")),
]
