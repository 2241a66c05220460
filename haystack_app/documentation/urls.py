"""``docs/`` and the files below it."""

from __future__ import annotations

from django.urls import path

from .views import documentation

urlpatterns = [
    path("", documentation, name="documentation"),
    path("<path:path>", documentation, name="documentation"),
]
