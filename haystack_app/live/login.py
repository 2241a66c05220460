"""Who is at the other end of a connection, and what they may do by now."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.core.handlers.asgi import ASGIRequest
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request

from ..api.authentication import AUTHENTICATION, caller_of
from ..auth.caller import READ, Caller
from ..auth.roles import VIEW
from ..filters.ast import Filter
from .origins import header

__all__ = ["Login", "log_in", "renewed"]


@dataclass(frozen=True)
class Login:
    """An authenticated connection: who it belongs to, and by what it logged in.

    ``scope`` is the connection's, ``credentials`` the value of Authorization;
    ``renewed`` authenticates by them again. ``visible`` is the filter of what the
    caller may see, None for everything; ``may_watch`` is false for a caller that
    may see nothing.
    """

    scope: Mapping[str, Any]
    credentials: str
    caller: Caller
    visible: Filter | None
    may_watch: bool

    @property
    def identity(self) -> tuple[str, str]:
        """The same for connections of one login."""
        return self.credentials, header(self.scope, "cookie")

    def renewed(self) -> Login:
        """As of now. Raises what ``log_in`` does."""
        return log_in(self.scope, self.credentials)


def log_in(scope: Mapping[str, Any], credentials: str = "") -> Login:
    """By a header Authorization, or the session of a cookie; as the API does it.

    ``credentials`` stand for the header where a client cannot send one. Raises
    NotAuthenticated or AuthenticationFailed.
    """
    request = ASGIRequest({**scope, "method": "GET"}, io.BytesIO())
    if credentials:
        request.META["HTTP_AUTHORIZATION"] = credentials
    engine = import_module(settings.SESSION_ENGINE)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    request.session = engine.SessionStore(key)
    request.user = auth.get_user(request)
    rest = Request(request, authenticators=[one() for one in AUTHENTICATION])
    if not (rest.user and rest.user.is_authenticated):
        raise NotAuthenticated
    credentials = request.META.get("HTTP_AUTHORIZATION", "")
    caller = caller_of(rest)
    may_watch = caller.may(VIEW) and caller.token_covers(READ)
    return Login(scope, credentials, caller, caller.scope, may_watch)


def renewed(logins: Iterable[Login]) -> dict[tuple[str, str], Login | None]:
    """As of now, by identity; None for a log-in that has ended."""
    found: dict[tuple[str, str], Login | None] = {}
    for login in logins:
        if login.identity not in found:
            try:
                found[login.identity] = login.renewed()
            except APIException:
                found[login.identity] = None
    return found
