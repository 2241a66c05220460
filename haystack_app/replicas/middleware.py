"""Middleware: users see in replicas what they wrote by any request.

Ops say themselves whether they write; other requests are taken to do so by any method
that is not safe, also if they are refused: a refusal may depend on the state, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from .positions import note
from .settings import replica_aliases

__all__ = ["note_writes"]

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OPS = "op"
"""The name of their URLs."""

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def note_writes(get_response: GetResponse) -> GetResponse:
    if not replica_aliases():
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.method not in _SAFE_METHODS and not _is_op(request):
            user: Any = getattr(request, "user", None)
            if user is not None and user.is_authenticated:
                note(user.pk)
        return response

    return answer


def _is_op(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == _OPS
