"""``/api/{op}`` and ``/api/{project}/{op}``."""

from __future__ import annotations

from django.urls import re_path

from .views import OpView

app_name = "haystack"
urlpatterns = [
    re_path(
        r"^(?:(?P<project>[^/]+)/)?(?P<name>[^/]+)/?$", OpView.as_view(), name="op"
    ),
]
