"""``account/``: the page, and what its forms post to."""

from __future__ import annotations

from django.urls import path

from .views import account, change_password, end_login, end_other_logins, revoke_token

urlpatterns = [
    path("", account, name="account"),
    path("password/", change_password, name="account-password"),
    path("tokens/<int:pk>/revoke/", revoke_token, name="account-revoke"),
    path("logins/<str:key>/end/", end_login, name="account-end-login"),
    path("logins/end/", end_other_logins, name="account-end-logins"),
]
