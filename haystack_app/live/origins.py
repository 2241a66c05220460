"""Origins of websockets: which pages may use the cookies of their user.

Source: RFC 6455 section 10.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.utils.http import is_same_domain

from ..client_headers import request_of_scope

__all__ = ["header", "is_foreign"]

_PORTS = {"http": 80, "https": 443}


def header(scope: Mapping[str, Any], name: str) -> str:
    """The value of a header of an ASGI scope; empty if it is missing."""
    wanted = name.lower().encode()
    found = (value for key, value in scope["headers"] if key == wanted)
    return next(found, b"").decode("latin-1")


def is_foreign(scope: Mapping[str, Any]) -> bool:
    """Whether the page of a connection is from another, untrusted origin."""
    try:
        origin = urlsplit(header(scope, "origin").lower())
        return not (_is_own(scope, origin) or _is_trusted(origin))
    except (ValueError, DisallowedHost):
        return True


def _is_own(scope: Mapping[str, Any], origin: SplitResult) -> bool:
    """Whether the origin is the server's own, as Django sees it behind proxies.

    On a secure server the page must be secure too, because pages over plain HTTP can
    be modified in transit.
    """
    request = request_of_scope(scope)
    is_secure = request.scheme in ("https", "wss")
    if origin.scheme not in (("https",) if is_secure else _PORTS):
        return False
    own = urlsplit(f"{origin.scheme}://{request.get_host()}")
    return "@" not in origin.netloc and _address(own) == _address(origin)


def _address(url: SplitResult) -> tuple[str | None, int]:
    return url.hostname, url.port or _PORTS[url.scheme]


def _is_trusted(origin: SplitResult) -> bool:
    """As in ``CsrfViewMiddleware``: an asterisk matches any subdomain."""
    trusted = (urlsplit(one.lower()) for one in settings.CSRF_TRUSTED_ORIGINS)
    return any(
        origin.scheme == one.scheme
        and is_same_domain(origin.netloc, one.netloc.removeprefix("*"))
        for one in trusted
    )
