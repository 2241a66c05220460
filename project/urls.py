from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from haystack_app.front import front_page

admin.site.site_header = admin.site.site_title = "Haystack server"

urlpatterns = [
    path("", front_page, name="front"),
    path("admin/", admin.site.urls),
    path("api/", include("haystack_app.api.urls")),
]
