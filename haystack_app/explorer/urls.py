"""``explore/`` for the default storage, ``explore/{project}/`` for another."""

from __future__ import annotations

from django.urls import path

from .views import page

urlpatterns = [
    path("", page, name="explorer"),
    path("<str:project>/", page, name="explorer"),
]
