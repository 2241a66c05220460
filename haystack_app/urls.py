"""All URLs of the app, below the prefix under which a project includes them.

path("bms/", include("haystack_app.urls"))
"""

from __future__ import annotations

from django.urls import include, path, re_path

from .api.urls import urlpatterns as api
from .explorer.urls import urlpatterns as explorer
from .views import front_page, log_in, log_out, websocket

app_name = "haystack"
urlpatterns = [
    path("", front_page, name="front"),
    path("log-in/", log_in, name="log-in"),
    path("log-out/", log_out, name="log-out"),
    path("api/", include(api)),
    path("explore/", include(explorer)),
    path("ws/", websocket, name="websocket"),
    path("ws/<str:project>/", websocket, name="websocket"),
    re_path(r"^ws(?:/(?P<project>[^/]+))?$", websocket),  # without the last slash
]
