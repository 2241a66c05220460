"""All URLs of the app, below the prefix under which a project includes them.

path("bms/", include("haystack_app.urls"))
"""

from __future__ import annotations

from django.urls import include, path, re_path
from django.views.i18n import set_language

from .account.log_in import log_in, log_out
from .account.passwords import (
    forgotten_password,
    forgotten_password_sent,
    set_password,
)
from .account.urls import urlpatterns as account
from .api.urls import urlpatterns as api
from .dashboards.urls import urlpatterns as dashboards
from .documentation.urls import urlpatterns as documentation
from .explorer.alarms import alarms_page
from .explorer.urls import urlpatterns as explorer
from .languages import texts
from .monitoring.exposition import metrics
from .monitoring.views import StatusView, status
from .views import front_page, websocket
from .wizard.urls import urlpatterns as wizard

app_name = "haystack"
urlpatterns = [
    re_path(r"^api/status/?$", StatusView.as_view(), name="api-status"),
    path("api/", include(api)),
    path("", front_page, name="front"),
    path("log-in/", log_in, name="log-in"),
    path("log-out/", log_out, name="log-out"),
    path("forgotten-password/", forgotten_password, name="forgotten-password"),
    path(
        "forgotten-password/sent/",
        forgotten_password_sent,
        name="forgotten-password-sent",
    ),
    path("set-password/<uidb64>/<token>/", set_password, name="set-password"),
    path("account/", include(account)),
    path("dashboards/", include(dashboards)),
    path("alarms/", alarms_page, name="alarms"),
    path("alarms/<str:project>/", alarms_page, name="alarms"),
    path("docs/", include(documentation)),
    path("explore/", include(explorer)),
    path("import/", include(wizard)),
    path("language/", set_language, name="language"),
    path("language/<str:language>.js", texts, name="texts"),
    path("metrics", metrics, name="metrics"),
    path("status/", status, name="status"),
    path("ws/", websocket, name="websocket"),
    path("ws/<str:project>/", websocket, name="websocket"),
    re_path(r"^ws(?:/(?P<project>[^/]+))?$", websocket),  # without the last slash
]
