"""Whether a page may open a websocket with the cookies of whoever looks at it.

Source: RFC 6455 section 10.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

__all__ = ["header", "is_foreign"]


def header(scope: Mapping[str, Any], name: str) -> str:
    """The value of a header of an ASGI scope; empty where there is none."""
    wanted = name.lower().encode()
    found = (value for key, value in scope["headers"] if key == wanted)
    return next(found, b"").decode("latin-1")


def is_foreign(scope: Mapping[str, Any]) -> bool:
    """Whether the page of a connection is of another host, and none that we trust."""
    origin = urlsplit(header(scope, "origin").lower())
    if origin.netloc and origin.netloc == header(scope, "host").lower():
        return False
    trusted = map(urlsplit, settings.CSRF_TRUSTED_ORIGINS)
    return not any(
        origin.scheme == one.scheme and fnmatchcase(origin.netloc, one.netloc)
        for one in trusted
    )
