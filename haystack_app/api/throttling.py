"""Limits of requests, as REST framework asks for them: 429 with Retry-After."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..auth import throttle
from ..auth.throttle import TooManyRequests

__all__ = ["RequestThrottle", "as_throttled", "refused"]


class RequestThrottle(BaseThrottle):
    """For ``throttle_classes``: one count a request, by user or else by address.

    REST framework's own throttles keep a list of times for each user, which is
    unpacked and packed again for each request.
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
def as_throttled() -> Iterator[None]:
    try:
        yield
    except TooManyRequests as error:
        raise Throttled(error.seconds) from None


def refused(request: Request) -> APIException | None:
    """Of a request that gets a 401: views are not asked about these."""
    try:
        throttle.count_anonymous(request._request)
    except TooManyRequests as error:
        return Throttled(error.seconds)
    return None
