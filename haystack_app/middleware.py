"""Django's middleware that only pages need; requests to the API skip it.

The middleware of sessions and CSRF stays, for what it costs before a session is used
is small, and the deployment checks look for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.messages import middleware as messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import locale
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils import translation

__all__ = ["LocaleMiddleware", "MessageMiddleware"]

_API_LANGUAGE = "en"
_NOTED = "_haystack_is_of_api"


class MessageMiddleware(messages.MessageMiddleware):
    """Reads and stores no messages for the API."""

    def __call__(self, request: HttpRequest) -> Any:
        if _is_of_api(request):
            return self.get_response(request)
        return super().__call__(request)


class LocaleMiddleware(locale.LocaleMiddleware):
    """Activates the language of a page; the API answers English in any case.

    Answers of the API therefore have no ``Vary: Accept-Language``.
    """

    def __call__(self, request: HttpRequest) -> Any:
        if not _is_of_api(request):
            return super().__call__(request)
        if settings.LANGUAGE_CODE != _API_LANGUAGE:
            translation.activate(_API_LANGUAGE)
        return self.get_response(request)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        found = super().process_response(request, response)
        translation.deactivate()  # the thread may answer the API next
        return found


def _is_of_api(request: HttpRequest) -> bool:
    """Asked by two classes for each request, and found once."""
    known: bool | None = vars(request).get(_NOTED)
    if known is None:
        urlconf = get_urlconf() or settings.ROOT_URLCONF
        known = request.path.startswith(_api(urlconf, get_script_prefix()))
        vars(request)[_NOTED] = known
    return known


@lru_cache(64)
def _api(urlconf: str, prefix: str) -> str:
    return reverse("haystack:api", urlconf)
