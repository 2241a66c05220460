"""Authentication of the API: tokens, HTTP Basic, and sessions of the admin."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model, logout
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.authentication import (
    SessionAuthentication as RestSessionAuthentication,
)
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from ..auth import second_factor, throttle, tokens
from ..auth.caller import Caller
from ..auth.headers import Authorization, challenge
from ..auth.logins import remembered_user
from ..auth.second_factor import Standing
from ..models import Token
from .throttling import throttle_exceptions

__all__ = [
    "AUTHENTICATION",
    "CURRENT_AUTHENTICATION",
    "BearerAuthentication",
    "CachedBasicAuthentication",
    "SessionAuthentication",
    "get_caller",
    "log_out",
]

_CACHE_SECONDS = 60


class BearerAuthentication(BaseAuthentication):
    """Tokens of logins and API tokens.

    It must be the first authentication class: DRF takes ``WWW-Authenticate`` of a 401
    from the first one.
    """

    get_token = staticmethod(tokens.get_remembered)

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        authorization = _authorization(request)
        if authorization.scheme != "bearer":
            return None
        token = self.get_token(authorization.bearer())
        if token is None:
            raise AuthenticationFailed("Invalid or expired token.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str | None:
        """The challenge; Basic only for clients that use it, or browsers prompt."""
        if _authorization(request).scheme == "basic":
            return CachedBasicAuthentication().authenticate_header(request)
        return challenge()


def _authorization(request: Request) -> Authorization:
    return Authorization.parse(request.headers.get("Authorization", ""))


class CachedBasicAuthentication(BasicAuthentication):
    """Caches verified credentials for a minute.

    The cache does not contain passwords: keys are keyed hashes of the credentials,
    values the user's session hash. Changing the password, or disabling or deleting
    the user, takes effect at once.
    """

    www_authenticate_realm = "haystack"
    get_user = staticmethod(remembered_user)

    def authenticate_credentials(
        self, userid: str, password: str, request: Request | None = None
    ) -> Any:
        if "\0" in userid or "\0" in password:
            raise AuthenticationFailed("Invalid username/password.")
        credentials = f"{len(userid)}:{userid}:{password}"
        key = salted_hmac("haystack.basic", credentials, algorithm="sha256").hexdigest()
        if (user := self.get_user(key, lambda: _cached_user(key))) is not None:
            return user, None
        if request is None:  # DRF allows calls without a request
            return super().authenticate_credentials(userid, password)
        with throttle_exceptions():
            throttle.begin_login(request._request, userid)
        user, _ = super().authenticate_credentials(userid, password, request)
        throttle.login_succeeded(request._request, userid)
        if second_factor.refuses_password(user):
            raise AuthenticationFailed(second_factor.PASSWORD_REFUSED)
        _cache_set(key, (user.pk, user.get_session_auth_hash()))
        return user, None


def _cached_user(key: str) -> Any:
    """The user whose credentials were verified within the last minute."""
    cached = _cache_get(key)
    return cached and _verified(*cached)


def _cache_get(key: str) -> Any:
    try:
        return cache.get(key)
    except Exception:  # of any driver of a cache; the password is verified instead
        return None


def _cache_set(key: str, value: tuple[Any, str]) -> None:
    # an outage of the cache must not prevent logins; the throttle logs it
    with suppress(Exception):
        cache.set(key, value, _CACHE_SECONDS)


def _verified(pk: Any, proof: str) -> Any:
    user = get_user_model()._default_manager.filter(pk=pk, is_active=True).first()
    if user and constant_time_compare(user.get_session_auth_hash(), proof):
        return None if second_factor.refuses_password(user) else user
    return None


class CurrentSessionAuthentication(RestSessionAuthentication):
    """Sessions of the admin; DRF's CSRF check would parse the body.

    A request with the header Authorization is not authenticated by a cookie, or wrong
    credentials would do what the session may.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if "Authorization" in request.headers:
            return None
        found = super().authenticate(request)
        if found is not None and not _has_passed(request._request, found[0]):
            raise AuthenticationFailed(second_factor.SESSION_REFUSED)
        return found

    def enforce_csrf(self, request: Request) -> None:
        super().enforce_csrf(request._request)  # type: ignore[arg-type]


class SessionAuthentication(CurrentSessionAuthentication):
    """Looks up the session and its user at most once a second."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        django_request: Any = request._request
        session = getattr(django_request, "session", None)
        if session is not None and session.session_key and not session.accessed:
            key = f"session {session.session_key}"
            user = remembered_user(key, partial(_logged_in, django_request))
            if user is not None:
                django_request.user = user
                vars(django_request)[_PASSED] = user.pk
        return super().authenticate(request)


_PASSED = "_haystack_second_factor"
"""Of a request: the user whose session has had its second factor."""


def _logged_in(request: HttpRequest) -> Any:
    user = request.user
    return user if user.is_authenticated and _has_passed(request, user) else None


def _has_passed(request: HttpRequest, user: Any) -> bool:
    if vars(request).get(_PASSED) == user.pk:
        return True
    return second_factor.standing_of(request.session, user) is Standing.PASSED


class CurrentBearerAuthentication(BearerAuthentication):
    """Never by what was true a second ago."""

    get_token = staticmethod(tokens.get_valid)


class CurrentBasicAuthentication(CachedBasicAuthentication):
    """Never by what was true a second ago."""

    get_user = staticmethod(lambda key, find: find())


AUTHENTICATION = [
    BearerAuthentication,
    CachedBasicAuthentication,
    SessionAuthentication,
]
CURRENT_AUTHENTICATION = [
    CurrentBearerAuthentication,
    CurrentBasicAuthentication,
    CurrentSessionAuthentication,
]
"""For connections, which must end within a second of their login."""


def get_caller(request: Request) -> Caller:
    """The caller of an authenticated request."""
    token = request.auth if isinstance(request.auth, Token) else None
    return Caller(request.user, token, lambda: log_out(request))


def log_out(request: Request) -> None:
    """End the login of a request. API tokens remain valid until they are revoked."""
    if not isinstance(request.auth, Token):
        logout(request._request)
    elif request.auth.scope == Token.LOGIN:
        tokens.revoke(request.auth)
