from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

handler403 = "haystack_app.error_pages.permission_denied"
handler404 = "haystack_app.error_pages.page_not_found"
handler500 = "haystack_app.outages.server_error"
urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=static("haystack_app/mark.svg"))),
    path("admin/", admin.site.urls),
    path("", include("haystack_app.urls")),
]
if apps.is_installed("allauth.mfa"):
    urlpatterns.append(path("", include("haystack_app.sso.urls")))
