"""The current request, for receivers of signals that write the audit log."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from .addresses import address_of
from .known_browsers import remember_browser

__all__ = ["USER", "Actor", "actor", "is_request", "remember_request", "user_key"]

USER = "haystack.user"
"""In the ASGI scope, after the answer: ``user_key`` of who was logged in."""

GetResponse = Callable[[HttpRequest], HttpResponse]
Actor = tuple[str, str]
"""A username and an address; both are empty for management commands."""

_current: ContextVar[HttpRequest | None] = ContextVar("haystack_request", default=None)


def remember_request(get_response: GetResponse) -> GetResponse:
    """Middleware; it must precede middleware that logs in or changes users."""

    def answer(request: HttpRequest) -> HttpResponse:
        token = _current.set(request)
        try:
            response = get_response(request)
            remember_browser(request, response)
            return response
        finally:
            _current.reset(token)
            _tell_user(request)

    return answer


def _tell_user(request: HttpRequest) -> None:
    """Let layers of ASGI know whose request it was, if that is known."""
    known = vars(request)
    user = known.get("user")
    # that of a session is looked up when it is asked for
    if isinstance(user, SimpleLazyObject):
        user = known.get("_cached_user")
    scope = request.META.get("asgi.scope")
    if scope is not None and user is not None and user.is_authenticated:
        scope[USER] = user_key(user)


def user_key(user: Any) -> str:
    """What the turns of a user are counted by."""
    return f"user {user.pk}"


def is_request() -> bool:
    return _current.get() is not None


def actor() -> Actor:
    """The user and address of the current request, also after DRF's authentication."""
    request = _current.get()
    if request is None:
        return "", ""
    user = getattr(request, "user", None)
    name = user.get_username() if user and user.is_authenticated else ""
    return name, address_of(request)
