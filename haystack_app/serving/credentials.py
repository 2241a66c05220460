"""Requests whose body is not read: those that carry no credential, and handshakes."""

from __future__ import annotations

from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.permissions import IsAuthenticated

from ..api.base import ApiView
from ..auth.headers import Authorization
from .bodies import Scope, header_text

__all__ = ["needs_no_body"]

_HANDSHAKE = ("hello", "scram")


def needs_no_body(scope: Scope) -> bool:
    """Whether the API answers without looking at the body: 401, or a handshake.

    Whether a credential is valid is only known later, in a thread.
    """
    authorization = header_text(scope["headers"], b"authorization")
    if authorization:
        return Authorization.parse(authorization).scheme in _HANDSHAKE
    cookies = header_text(scope["headers"], b"cookie") or ""
    return settings.SESSION_COOKIE_NAME not in cookies and _is_closed(scope)


def _is_closed(scope: Scope) -> bool:
    """Whether the path is one of the API's that need a login."""
    try:
        view = resolve(scope["path"].removeprefix(scope.get("root_path", ""))).func
    except Resolver404:
        return False
    kind = getattr(view, "cls", None)
    return (
        isinstance(kind, type)
        and issubclass(kind, ApiView)
        and IsAuthenticated in kind.permission_classes
    )
