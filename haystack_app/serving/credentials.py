"""How much of a body is read of requests that carry no credential."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.permissions import IsAuthenticated

from ..api.base import ApiView
from ..auth.headers import Authorization
from .bodies import Scope, header_text

__all__ = ["body_limit"]

_HANDSHAKE = ("hello", "scram")
_FORM = 64 * 1024
"""Bytes of a form that logs in."""
_OURS = ("haystack_app.", "django.contrib.")


def body_limit(scope: Scope) -> int | None:
    """0 where the answer does not depend on the body: 401, 404, or a handshake. A form
    of the app and the admin is short before a login. None: the usual limit.

    Whether a credential is valid is only known later, in a thread.
    """
    authorization = header_text(scope["headers"], b"authorization")
    if authorization:
        scheme = Authorization.parse(authorization).scheme
        return 0 if scheme in _HANDSHAKE else None
    cookies = header_text(scope["headers"], b"cookie") or ""
    if settings.SESSION_COOKIE_NAME in cookies:
        return None
    try:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        view: Any = resolve(path).func
    except Resolver404:
        return 0
    if _needs_login(getattr(view, "cls", None)):
        return 0
    return _FORM if str(view.__module__).startswith(_OURS) else None


def _needs_login(kind: Any) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, ApiView)
        and IsAuthenticated in kind.permission_classes
    )
