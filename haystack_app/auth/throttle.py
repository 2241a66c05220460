"""How often somebody may ask: counts of a minute, in Django's cache.

A minute is one of the clock, so that a count is a single ``incr``; who is at the
limit waits for the next one. Processes that share a cache share the counts.
"""

from __future__ import annotations

import hashlib
import logging
import time
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest

from ..conf import app_settings
from .addresses import address_of, network_of
from .audit import note_throttled

__all__ = [
    "TooManyRequests",
    "begin_login",
    "count_anonymous",
    "count_request",
    "login_succeeded",
]

logger = logging.getLogger("haystack_app.auth")

_WINDOW = 60


class TooManyRequests(Exception):
    """Whoever asks has to wait so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests: try again in {seconds} s")
        self.seconds = seconds


def count_request(user: Any) -> None:
    """A request of somebody who has logged in. Raises TooManyRequests."""
    if _count("USER", str(user.pk)) < 0:
        raise TooManyRequests(_left())


def count_anonymous(request: HttpRequest) -> None:
    """A request without a log-in, or with a wrong one. Raises TooManyRequests."""
    if _count("ADDRESS", network_of(address_of(request))) < 0:
        raise TooManyRequests(_left())


def begin_login(request: HttpRequest, username: str) -> None:
    """A log-in begins. Raises TooManyRequests, even if the password is right."""
    left = [_count(kind, it) for kind, it in _of_log_in(request, username)]
    if min(left) >= 0:
        return
    if -1 in left:  # the first one beyond the limit: once a minute
        note_throttled(request, username)
    raise TooManyRequests(_left())


def login_succeeded(request: HttpRequest, username: str) -> None:
    """It was no attempt to guess: it does not count."""
    for kind, it in _of_log_in(request, username):
        _uncount(kind, it)


# -- counting -----------------------------------------------------------------


def _of_log_in(request: HttpRequest, username: str) -> list[tuple[str, str]]:
    address = network_of(address_of(request))
    return [("LOG_IN_ADDRESS", address), ("LOG_IN_USER", username)]


def _count(kind: str, of: str) -> int:
    """Count one more: how many are left of this minute, negative beyond the limit."""
    if (rates := app_settings.THROTTLE) is None:
        return 1
    try:
        return int(rates[kind]) - _incremented(_key(kind, of))
    except Exception:  # whatever a cache's driver raises: the server has to go on
        logger.warning("the cache does not answer: nothing is throttled")
        return 1


def _incremented(key: str) -> int:
    try:
        return cache.incr(key)
    except ValueError:  # the first of its minute
        if cache.add(key, 1, 2 * _WINDOW):
            return 1
        return cache.incr(key)


def _uncount(kind: str, of: str) -> None:
    if app_settings.THROTTLE is None:
        return
    try:
        cache.decr(_key(kind, of))
    except ValueError:
        pass  # of the minute before
    except Exception:
        logger.warning("the cache does not answer: nothing is throttled")


def _key(kind: str, of: str) -> str:
    """A hash: names are of any length, and of characters that no cache takes."""
    digest = hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()[:32]
    return f"haystack.throttle.{kind}.{int(time.time() // _WINDOW)}.{digest}"


def _left() -> int:
    """Seconds until the next minute."""
    return _WINDOW - int(time.time() % _WINDOW)
