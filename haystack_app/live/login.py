"""Logins of connections, and their current permissions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import get_user_model
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request

from ..api.authentication import CURRENT_AUTHENTICATION, get_caller
from ..auth.caller import READ, Caller
from ..auth.roles import VIEW
from ..client_headers import request_of_scope
from ..filters.ast import Filter
from ..models import Token
from .origins import header

__all__ = ["Login", "ended_or_changed", "log_in", "renewed"]

_BATCH = 900


@dataclass(frozen=True)
class Login:
    """An authenticated connection.

    ``scope`` is its ASGI scope, ``credentials`` the value of Authorization; ``renewed``
    authenticates with them again. ``visible`` is the filter of the entities that the
    caller may see, None for all; ``may_watch`` is false for a caller that may not see
    entities.
    """

    scope: Mapping[str, Any]
    credentials: str
    caller: Caller
    visible: Filter | None
    may_watch: bool

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for connections of the same login."""
        return self.credentials, header(self.scope, "cookie")

    def renewed(self) -> Login:
        """The login with current permissions. Raises the errors of ``log_in``."""
        return log_in(self.scope, self.credentials)


def log_in(scope: Mapping[str, Any], credentials: str = "") -> Login:
    """Authenticate by the header Authorization or a session cookie, like the API.

    ``credentials`` replace the header for clients that cannot send one. Raises
    NotAuthenticated or AuthenticationFailed.
    """
    request = request_of_scope(scope)
    if credentials:
        request.META["HTTP_AUTHORIZATION"] = credentials
    engine = import_module(settings.SESSION_ENGINE)
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    request.session = engine.SessionStore(key)
    request.user = auth.get_user(request)
    rest = Request(request, authenticators=[one() for one in CURRENT_AUTHENTICATION])
    if not (rest.user and rest.user.is_authenticated):
        raise NotAuthenticated
    credentials = request.META.get("HTTP_AUTHORIZATION", "")
    caller = get_caller(rest)
    may_watch = caller.has_permission(VIEW) and caller.token_covers(READ)
    return Login(scope, credentials, caller, caller.scope, may_watch)


def ended_or_changed(logins: Iterable[Login]) -> set[tuple[str, str]]:
    """Identities of logins whose user or token is gone, or whose password differs.

    Two queries for any number of logins, so that it can be asked often.
    """
    every = list(logins)
    users, tokens = get_user_model()._default_manager, Token.objects
    passwords: dict[Any, str] = {}
    for pks in _batches({login.caller.user.pk for login in every}):
        rows = users.filter(pk__in=pks, is_active=True)
        passwords.update(rows.values_list("pk", "password"))
    alive: set[Any] = {None}
    for pks in _batches({one.caller.token.pk for one in every if one.caller.token}):
        alive.update(tokens.filter(pk__in=pks).values_list("pk", flat=True))
    return {
        login.identity
        for login in every
        if passwords.get(login.caller.user.pk) != login.caller.user.password
        or (login.caller.token and login.caller.token.pk) not in alive
    }


def _batches(keys: Collection[Any]) -> Iterator[list[Any]]:
    """Databases limit the parameters of a statement."""
    every = list(keys)
    return (every[at : at + _BATCH] for at in range(0, len(every), _BATCH))


def renewed(logins: Iterable[Login]) -> dict[tuple[str, str], Login | None]:
    """Logins with current permissions, by identity; None if the login has ended."""
    found: dict[tuple[str, str], Login | None] = {}
    for login in logins:
        if login.identity not in found:
            try:
                found[login.identity] = login.renewed()
            except APIException:
                found[login.identity] = None
    return found
