"""The pages of django-allauth, as far as they have a use here.

path("", include("haystack_app.sso.urls"))

Accounts, passwords and email addresses have pages of this app; allauth's are left out.
"""

from __future__ import annotations

from allauth.account.views import account_inactive, reauthenticate
from allauth.urls import build_provider_urlpatterns
from django.urls import include, path
from django.views.generic import RedirectView

# allauth asks for their URLs by names of its own
_log_in = RedirectView.as_view(pattern_name="haystack:log-in", query_string=True)
_log_out = RedirectView.as_view(pattern_name="haystack:log-out")

urlpatterns = [
    path("log-in/", _log_in, name="account_login"),
    path("log-out/", _log_out, name="account_logout"),
    path("account/inactive/", account_inactive, name="account_inactive"),
    path("account/reauthenticate/", reauthenticate, name="account_reauthenticate"),
    path("account/second-factor/", include("allauth.mfa.urls")),
    path("account/company/", include("allauth.socialaccount.urls")),
    path("account/", include(build_provider_urlpatterns())),
]
