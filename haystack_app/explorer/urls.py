"""``explore/`` for the default storage, ``explore/{project}/`` for another."""

from __future__ import annotations

from django.urls import path

from .views import page

app_name = "explorer"
urlpatterns = [
    path("", page, name="page"),
    path("<str:project>/", page, name="project"),
]
