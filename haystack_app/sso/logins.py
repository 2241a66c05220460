"""The second half of a login: the second factor, if the user has one."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest, HttpResponse

__all__ = ["company_links", "finish_password_login"]


def company_links(request: HttpRequest, next_url: str) -> list[tuple[str, str]]:
    """Name and URL of each provider that users may log in by."""
    more = {"next": next_url} if next_url else {}
    return [
        (provider.name, provider.get_login_url(request, process="login", **more))
        for provider in get_adapter(request).list_providers(request)
    ]


def finish_password_login(
    request: HttpRequest, user: Any, redirect_url: str
) -> HttpResponse:
    """Log a user in whose password is right, or ask for its second factor first."""
    record_authentication(
        request, user, method="password", username=user.get_username()
    )
    answer: HttpResponse = perform_login(
        request, user, email_verification="none", redirect_url=redirect_url
    )
    return answer
