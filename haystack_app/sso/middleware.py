"""Middleware: pages are for sessions that have had their second factor."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from ..auth.second_factor import Standing, standing_of

__all__ = ["require_second_factor"]

GetResponse = Callable[[HttpRequest], HttpResponse]
_OPEN = ("haystack:log-in", "haystack:log-out", "account_reauthenticate")


def require_second_factor(get_response: GetResponse) -> GetResponse:
    """After Django's ``AuthenticationMiddleware``.

    The API, which knows sessions for a second, asks for itself.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        if not _has_session(request) or not request.user.is_authenticated:
            return get_response(request)
        standing = standing_of(request.session, request.user)
        if standing is Standing.LOG_IN_AGAIN:
            logout(request)
            return redirect_to_login(request.get_full_path())
        if standing is Standing.SET_UP and not _is_open(request.path):
            return redirect("mfa_index")
        return get_response(request)

    return answer


def _has_session(request: HttpRequest) -> bool:
    is_api = request.path.startswith(reverse("haystack:api"))
    return not is_api and settings.SESSION_COOKIE_NAME in request.COOKIES


def _is_open(path: str) -> bool:
    return path.startswith(reverse("mfa_index")) or path in map(reverse, _OPEN)
