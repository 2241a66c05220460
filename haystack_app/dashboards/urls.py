"""``dashboards/`` lists them, ``dashboards/{slug}/`` shows one."""

from __future__ import annotations

from django.urls import path

from .views import dashboard_list, dashboard_page

urlpatterns = [
    path("", dashboard_list, name="dashboards"),
    path("<slug:slug>/", dashboard_page, name="dashboard"),
]
