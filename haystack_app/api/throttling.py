"""Throttle classes of DRF: status 429 with Retry-After."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..auth import throttle
from ..auth.throttle import TooManyRequests

__all__ = ["RequestThrottle", "count_unauthenticated", "throttle_exceptions"]


class RequestThrottle(BaseThrottle):
    """Counts requests per user, or per address if they are not authenticated.

    DRF's throttles store a list of times per user, which they read and write with
    each request.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            if request.user and request.user.is_authenticated:
                throttle.count_request(request.user)
            else:
                throttle.count_anonymous(request._request)
        except TooManyRequests as error:
            self.seconds = error.seconds
            return False
        return True

    def wait(self) -> float | None:
        return self.seconds


@contextmanager
def throttle_exceptions() -> Iterator[None]:
    """Translate TooManyRequests into DRF's Throttled."""
    try:
        yield
    except TooManyRequests as error:
        raise Throttled(error.seconds) from None


def count_unauthenticated(request: Request) -> APIException | None:
    """Count a request with status 401, for which DRF does not call throttles.

    Returns the exception if the limit is exceeded.
    """
    try:
        throttle.count_anonymous(request._request)
    except TooManyRequests as error:
        return Throttled(error.seconds)
    return None
