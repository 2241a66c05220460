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
from rest_framework.exceptions import (
    APIException,
    NotAuthenticated,
    PermissionDenied,
)
from rest_framework.request import Request

from ..api.authentication import AUTHENTICATION, log_out
from ..api.permissions import covers
from ..auth.permissions import has_permission, scope_filter
from ..auth.roles import VIEW
from ..filters.ast import Filter
from ..models import Token
from ..ops.context import UnknownProject, context_for
from ..ops.registry import Context
from .origins import header

__all__ = ["Caller", "UnknownProject", "log_in", "renewed"]


@dataclass(frozen=True)
class Caller:
    """Somebody who logged in: a user of Django, and the token if it was by one.

    ``scope`` and ``credentials`` are what they logged in by: who asks again learns
    what is true by then. ``sees`` is what they may see; None for everything.
    ``may_watch``: they may see anything at all.
    """

    scope: Mapping[str, Any]
    credentials: str
    request: Request
    sees: Filter | None
    may_watch: bool

    @property
    def user(self) -> Any:
        return self.request.user

    @property
    def identity(self) -> tuple[str, str]:
        """The same for connections of one log-in."""
        return self.credentials, header(self.scope, "cookie")

    def renewed(self) -> Caller:
        """As of now. Raises what ``log_in`` does."""
        return log_in(self.scope, self.credentials)

    def check(self, right: str, scope: str) -> None:
        """Raises PermissionDenied unless user and token may."""
        if right and not has_permission(self.user, right):
            raise PermissionDenied(f"this needs the right {right}")
        if not covers(self.request.auth, scope):
            raise PermissionDenied(f"the token may not do this: it needs {scope}")

    def context(self, project: str | None, subscriber: str = "") -> Context:
        """Of an op. Raises UnknownProject."""
        return context_for(
            project,
            self.user.get_username(),
            lambda: log_out(self.request),
            lambda right: has_permission(self.user, right),
            self.sees,
            subscriber,
        )


def log_in(scope: Mapping[str, Any], credentials: str = "") -> Caller:
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
    may_watch = has_permission(rest.user, VIEW) and covers(rest.auth, Token.READ)
    return Caller(scope, credentials, rest, scope_filter(rest.user), may_watch)


def renewed(callers: Iterable[Caller]) -> dict[tuple[str, str], Caller | None]:
    """As of now, by identity; None for a log-in that has ended."""
    found: dict[tuple[str, str], Caller | None] = {}
    for caller in callers:
        if caller.identity not in found:
            try:
                found[caller.identity] = caller.renewed()
            except APIException:
                found[caller.identity] = None
    return found
