"""The current request, for receivers of signals that write the audit log."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from .addresses import address_of

__all__ = ["Actor", "actor", "is_request", "remember_request"]

GetResponse = Callable[[HttpRequest], HttpResponse]
Actor = tuple[str, str]
"""A username and an address; both are empty for management commands."""

_current: ContextVar[HttpRequest | None] = ContextVar("haystack_request", default=None)


def remember_request(get_response: GetResponse) -> GetResponse:
    """Middleware; it must precede middleware that logs in or changes users."""

    def answer(request: HttpRequest) -> HttpResponse:
        token = _current.set(request)
        try:
            return get_response(request)
        finally:
            _current.reset(token)

    return answer


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
