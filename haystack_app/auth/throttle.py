"""Limits of requests and logins: counts per minute, in Django's cache.

Counts start anew with each minute of the clock, so that counting is a single
``incr``. Processes that share a cache share the counts: those of logins exactly, those
of requests about once a second.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import ngettext

from ..conf import app_settings
from ..instruments import LOGINS_REFUSED
from .addresses import address_of, network_of
from .audit import log_throttled
from .known_browsers import browser_of
from .request_counts import RequestCounts

__all__ = [
    "TooManyRequests",
    "begin_login",
    "count_anonymous",
    "count_request",
    "login_succeeded",
]

logger = logging.getLogger("haystack_app.auth")

_WINDOW = 60
_WITHOUT_CACHE = "the cache is not available: requests are not throttled"


class TooManyRequests(Exception):
    """The client must wait for ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests: try again in {seconds} s")
        self.seconds = seconds

    def for_forms(self) -> ValidationError:
        """What a form says, in the language of its page."""
        text = ngettext(
            "Too many attempts. Try again in %(seconds)s second.",
            "Too many attempts. Try again in %(seconds)s seconds.",
            self.seconds,
        )
        return ValidationError(text % {"seconds": self.seconds}, code="throttled")


def count_request(user: Any) -> None:
    """Count a request of an authenticated user. Raises TooManyRequests.

    Processes share this count about once a second; see ``request_counts``.
    """
    if (rates := app_settings.THROTTLE) is None:
        return
    limit, of = int(rates["USER"]), str(user.pk)
    try:
        count = _requests.count(of, _window(), lambda: _key("USER", of), limit)
    except Exception:  # of any driver of a cache; requests must still be answered
        logger.warning(_WITHOUT_CACHE)
        return
    if count > limit:
        raise TooManyRequests(_left())


def count_anonymous(request: HttpRequest) -> None:
    """Count a request that is not authenticated. Raises TooManyRequests."""
    if _count("ADDRESS", network_of(address_of(request))) < 0:
        raise TooManyRequests(_left())


def begin_login(request: HttpRequest, username: str) -> None:
    """Count an attempt to log in. Raises TooManyRequests for any password."""
    left = [_count(kind, key) for kind, key in _login_keys(request, username)]
    if min(left) >= 0:
        return
    if -1 in left:  # the first above the limit, so once per minute
        log_throttled(request, username)
    LOGINS_REFUSED.labels("throttled").inc()
    raise TooManyRequests(_left())


def login_succeeded(request: HttpRequest, username: str) -> None:
    """Undo ``begin_login``: successful logins are not counted."""
    for kind, key in _login_keys(request, username):
        _uncount(kind, key)


# -- counting -----------------------------------------------------------------


def _login_keys(request: HttpRequest, username: str) -> list[tuple[str, str]]:
    if (browser := browser_of(request, username)) is not None:
        return [("LOG_IN_BROWSER", browser)]
    address = network_of(address_of(request))
    return [
        ("LOG_IN_ADDRESS", address),
        ("LOG_IN_ADDRESS_USER", f"{address} {username}"),
        ("LOG_IN_USER", username),
    ]


def _count(kind: str, of: str) -> int:
    """Increment a count: what is left of the limit, negative above it."""
    if (rates := app_settings.THROTTLE) is None:
        return 1
    try:
        return int(rates[kind]) - _incremented(_key(kind, of))
    except Exception:  # of any driver of a cache; requests must still be answered
        logger.warning(_WITHOUT_CACHE)
        return 1


def _incremented(key: str, by: int = 1) -> int:
    try:
        return cache.incr(key, by)
    except ValueError:  # the first of this minute
        if cache.add(key, by, 2 * _WINDOW):
            return by
        return cache.incr(key, by)


_requests = RequestCounts(_incremented)


def _uncount(kind: str, of: str) -> None:
    if app_settings.THROTTLE is None:
        return
    try:
        cache.decr(_key(kind, of))
    except ValueError:
        pass  # counted in the previous minute
    except Exception:
        logger.warning(_WITHOUT_CACHE)


def _key(kind: str, of: str) -> str:
    """Hashed, because names may be too long for caches or contain any characters."""
    digest = hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()[:32]
    return f"haystack.throttle.{kind}.{_window()}.{digest}"


def _window() -> int:
    """The minute of the clock."""
    return int(time.time() // _WINDOW)


def _left() -> int:
    """Seconds until the next minute."""
    return _WINDOW - int(time.time() % _WINDOW)
