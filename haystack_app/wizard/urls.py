"""``import/`` for the default storage, ``import/{project}/`` for another."""

from __future__ import annotations

from django.urls import path

from .views import page

urlpatterns = [
    path("", page, name="import"),
    path("<str:project>/", page, name="import"),
]
