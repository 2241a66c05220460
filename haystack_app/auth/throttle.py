"""How often somebody may ask: counts of a minute, in Django's cache.

A minute is one of the clock, so that a count is a single ``incr``; who is at the
limit waits for the next one. Processes that share a cache share the counts.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from .addresses import address_of, network_of
from .failures import note_throttled

__all__ = ["RATES", "TooMany", "ask", "attempt", "knock", "succeed", "wrong_rates"]

logger = logging.getLogger("haystack_app.auth")

RATES: Mapping[str, int] = {
    # requests of one user
    "USER": 30_000,
    # requests without a log-in, from one address
    "ADDRESS": 3_000,
    # log-ins that fail or stay unfinished, from one address
    "LOG_IN_ADDRESS": 300,
    # the same for one user name, wherever they come from
    "LOG_IN_USER": 100,
}
"""A minute each; ``HAYSTACK["THROTTLE"]`` has others, or is None for no limits."""

_WINDOW = 60


class TooMany(Exception):
    """Whoever asks has to wait so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests: try again in {seconds} s")
        self.seconds = seconds


def ask(user: Any) -> None:
    """A request of somebody who has logged in. Raises TooMany."""
    if _count("USER", str(user.pk)) < 0:
        raise TooMany(_left())


def knock(request: HttpRequest) -> None:
    """A request without a log-in, or with a wrong one. Raises TooMany."""
    if _count("ADDRESS", network_of(address_of(request))) < 0:
        raise TooMany(_left())


def attempt(request: HttpRequest, username: str) -> None:
    """A log-in begins. Raises TooMany, also where the password would be right."""
    left = [_count(kind, it) for kind, it in _of_log_in(request, username)]
    if min(left) >= 0:
        return
    if -1 in left:  # the first one beyond the limit: once a minute
        note_throttled(request, username)
    raise TooMany(_left())


def succeed(request: HttpRequest, username: str) -> None:
    """It was no attempt to guess: it does not count."""
    for kind, it in _of_log_in(request, username):
        _uncount(kind, it)


def wrong_rates(given: Any) -> Iterator[str]:
    """What does not count in ``HAYSTACK["THROTTLE"]``."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield f"{given!r} is neither a dict nor None"
        return
    for name, rate in sorted(given.items(), key=str):
        if name not in RATES:
            yield f"{name!r} is unknown: use {', '.join(RATES)}"
        elif not _is_rate(rate):
            yield f"{name!r} must be a whole number, 1 or more"


# -- counting -----------------------------------------------------------------


def _of_log_in(request: HttpRequest, username: str) -> list[tuple[str, str]]:
    address = network_of(address_of(request))
    return [("LOG_IN_ADDRESS", address), ("LOG_IN_USER", username)]


def _is_rate(value: Any) -> bool:
    return type(value) is int and value >= 1


def _rate(kind: str) -> int | None:
    given = settings.HAYSTACK.get("THROTTLE", {})
    if given is None:
        return None
    rate = given.get(kind) if isinstance(given, Mapping) else None
    return rate if _is_rate(rate) else RATES[kind]


def _count(kind: str, of: str) -> int:
    """Count one more: how many are left of this minute, negative beyond the limit."""
    rate = _rate(kind)
    if rate is None:
        return 1
    try:
        return rate - _incremented(_key(kind, of))
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
    if _rate(kind) is None:
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
