"""How Django users log in to the API: by token, HTTP Basic, or the admin's session."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model, logout
from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.authentication import (
    SessionAuthentication as RestSessionAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ..auth import throttle, tokens
from ..auth.caller import Caller
from ..auth.headers import Authorization, challenge
from ..models import Token
from .throttling import as_throttled

__all__ = [
    "AUTHENTICATION",
    "BearerAuthentication",
    "CachedBasicAuthentication",
    "SessionAuthentication",
    "caller_of",
    "log_out",
]

_REMEMBERED_SECONDS = 60


class BearerAuthentication(BaseAuthentication):
    """The token of a log-in, or one of the API.

    The first of all: what it says in ``WWW-Authenticate`` is what a 401 says.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        authorization = _authorization(request)
        if authorization.scheme != "bearer":
            return None
        token = tokens.find(authorization.bearer())
        if token is None:
            raise AuthenticationFailed("The token is unknown or has ended.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str | None:
        """How to log in. Of Basic only who uses it hears: browsers would ask."""
        if _authorization(request).scheme == "basic":
            return CachedBasicAuthentication().authenticate_header(request)
        return challenge()


def _authorization(request: Request) -> Authorization:
    return Authorization.parse(request.headers.get("Authorization", ""))


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
        if (known := _recalled(key)) and (user := _verified(*known)):
            return user, None
        if request is None:  # for who calls this without one
            return super().authenticate_credentials(userid, password)
        with as_throttled():
            throttle.begin_login(request._request, userid)
        user, _ = super().authenticate_credentials(userid, password, request)
        throttle.login_succeeded(request._request, userid)
        _remember(key, (user.pk, user.get_session_auth_hash()))
        return user, None


def _recalled(key: str) -> Any:
    try:
        return cache.get(key)
    except Exception:  # whatever a cache's driver raises: the password decides then
        return None


def _remember(key: str, value: tuple[Any, str]) -> None:
    # a cache that is down costs time, no log-in; the throttle writes of it
    with suppress(Exception):
        cache.set(key, value, _REMEMBERED_SECONDS)


def _verified(pk: Any, proof: str) -> Any:
    user = get_user_model()._default_manager.filter(pk=pk, is_active=True).first()
    if user and constant_time_compare(user.get_session_auth_hash(), proof):
        return user
    return None


class SessionAuthentication(RestSessionAuthentication):
    """The admin's session; DRF's check would parse the body for a form's token."""

    def enforce_csrf(self, request: Request) -> None:
        super().enforce_csrf(request._request)  # type: ignore[arg-type]


AUTHENTICATION = [
    BearerAuthentication,
    CachedBasicAuthentication,
    SessionAuthentication,
]


def caller_of(request: Request) -> Caller:
    """Whose request it is; DRF has authenticated it."""
    token = request.auth if isinstance(request.auth, Token) else None
    return Caller(request.user, token, lambda: log_out(request))


def log_out(request: Request) -> None:
    """End the login that a request came with. An API token stays until revoked."""
    if not isinstance(request.auth, Token):
        logout(request._request)
    elif request.auth.scope == Token.LOG_IN:
        tokens.end(request.auth)
