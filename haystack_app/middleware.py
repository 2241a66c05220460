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
from django.urls import get_script_prefix, get_urlconf, reverse

__all__ = ["MessageMiddleware"]


class MessageMiddleware(messages.MessageMiddleware):
    """Reads and stores no messages for the API."""

    def __call__(self, request: HttpRequest) -> Any:
        urlconf = get_urlconf() or settings.ROOT_URLCONF
        if request.path.startswith(_api(urlconf, get_script_prefix())):
            return self.get_response(request)
        return super().__call__(request)


@lru_cache(64)
def _api(urlconf: str, prefix: str) -> str:
    return reverse("haystack:api", urlconf)
