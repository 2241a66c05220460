"""How Django users log in to the API: HTTP Basic, or the admin's session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BasicAuthentication
from rest_framework.authentication import (
    SessionAuthentication as RestSessionAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

__all__ = ["CachedBasicAuthentication", "SessionAuthentication"]

_REMEMBERED_SECONDS = 60


class CachedBasicAuthentication(BasicAuthentication):
    """A log-in once verified is remembered for a minute.

    The cache holds no password: its key is a keyed hash of the credentials, its
    value what the user's password hash was; a changed password, a disabled or a
    deleted user count at once.
    """

    www_authenticate_realm = "haystack"

    def authenticate_credentials(
        self, userid: str, password: str, request: Request | None = None
    ) -> Any:
        if "\0" in userid or "\0" in password:
            raise AuthenticationFailed("Invalid username/password.")
        credentials = f"{len(userid)}:{userid}:{password}"
        key = salted_hmac("haystack.basic", credentials, algorithm="sha256").hexdigest()
        if (known := cache.get(key)) and (user := _verified(*known)):
            return user, None
        user, _ = super().authenticate_credentials(userid, password, request)
        cache.set(key, (user.pk, user.get_session_auth_hash()), _REMEMBERED_SECONDS)
        return user, None


def _verified(pk: Any, proof: str) -> Any:
    user = get_user_model()._default_manager.filter(pk=pk, is_active=True).first()
    if user and constant_time_compare(user.get_session_auth_hash(), proof):
        return user
    return None


class SessionAuthentication(RestSessionAuthentication):
    """The admin's session; DRF's check would parse the body for a form's token."""

    def enforce_csrf(self, request: Request) -> None:
        super().enforce_csrf(request._request)  # type: ignore[arg-type]
