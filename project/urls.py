from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from haystack_app.views import front_page, log_in, log_out

admin.site.site_header = admin.site.site_title = "Haystack server"

handler500 = "haystack_app.outages.server_error"
urlpatterns = [
    path("", front_page, name="front"),
    path("favicon.ico", RedirectView.as_view(url=static("haystack_app/mark.svg"))),
    path("log-in/", log_in, name="log-in"),
    path("log-out/", log_out, name="log-out"),
    path("admin/", admin.site.urls),
    path("api/", include("haystack_app.api.urls")),
    path("explore/", include("haystack_app.explorer.urls")),
]
